"""The list of a day's tickets: searched, filtered, sorted, paged, and as a file for a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from werkzeug.datastructures import MultiDict

from controller import i18n
from controller.hall.model import Hall, TicketState
from controller.store import Store, projections
from controller.store.projections import TicketRow
from web import sheet

PAGE = 100
MOST = 20_000  # tickets of a day; four times the largest hall

_SORTS: Mapping[str, Callable[[TicketRow], Any]] = {
    "number": lambda row: (len(row.number), row.number),
    "queue": lambda row: row.queue,
    "state": lambda row: row.state,
    "window": lambda row: row.window or 0,
    "issued": lambda row: row.issued_at,
    "wait": lambda row: row.wait_s or 0.0,
    "service": lambda row: row.service_s or 0.0,
}
SORTS = tuple(_SORTS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked the list for. page: from 1. day: None for the one that is open."""

    words: str = ""
    queue: str = ""
    state: str = ""
    window: int | None = None
    sort: str = "issued"
    is_falling: bool = True
    page: int = 1
    day: date | None = None

    def arguments(self, **changes: object) -> dict[str, object]:
        """The same wish as arguments of an address, with some of them changed."""
        wish: dict[str, object] = {
            "day": self.day.isoformat() if self.day else None,
            "q": self.words,
            "queue": self.queue,
            "state": self.state,
            "window": self.window,
            "sort": self.sort,
            "dir": "down" if self.is_falling else "up",
        }
        return {name: value for name, value in {**wish, **changes}.items() if value not in ("", None)}


@dataclass(frozen=True, slots=True)
class Found:
    rows: tuple[TicketRow, ...]
    total: int
    page: int
    pages: int


def wanted(args: MultiDict[str, str]) -> Wanted:
    """What the arguments of an address ask for; what they get wrong is left out."""
    sort, state = args.get("sort", ""), args.get("state", "")
    return Wanted(
        args.get("q", "").strip().upper()[:16],
        args.get("queue", "")[:16],
        state if state in set(TicketState) else "",
        args.get("window", type=int),
        sort if sort in _SORTS else "issued",
        args.get("dir", "down") != "up",
        max(1, args.get("page", 1, type=int) or 1),
        args.get("day", type=date.fromisoformat),
    )


def find(store: Store, hall: str, day: date, wish: Wanted) -> Found:
    """One page of the list."""
    rows = every(store, hall, day, wish)
    pages = max(1, -(-len(rows) // PAGE))
    page = min(wish.page, pages)
    return Found(tuple(rows[(page - 1) * PAGE : page * PAGE]), len(rows), page, pages)


def every(store: Store, hall: str, day: date, wish: Wanted) -> list[TicketRow]:
    """The whole list as asked for."""
    states = [TicketState(wish.state)] if wish.state else []
    with store.reading() as c:
        rows = projections.tickets(
            c, hall, day, queue=wish.queue or None, window=wish.window, states=states, limit=MOST
        )
    rows = [row for row in rows if wish.words in row.number]
    return sorted(rows, key=_SORTS[wish.sort], reverse=wish.is_falling)


def as_csv(rows: Iterable[TicketRow], hall: Hall, names: Mapping[str, str], lang: str, zone: tzinfo) -> str:
    """The list for a spreadsheet."""
    return sheet.as_csv(lang, COLUMNS, (_cells(row, hall, names, lang, zone) for row in rows))


COLUMNS = (
    "Number",
    "Queue",
    "Class",
    "State",
    "Window",
    "Clerk",
    "Issued",
    "First call",
    "Finished",
    "Wait (min)",
    "Service (min)",
    "Calls",
    "Outcome",
)


def _cells(row: TicketRow, hall: Hall, names: Mapping[str, str], lang: str, zone: tzinfo) -> list[object]:
    queue = hall.queues.get(row.queue)
    return [
        row.number,
        i18n.in_language(lang, queue.name) if queue else row.queue,
        i18n.label(lang, "class", row.klass),
        i18n.label(lang, "ticket_state", row.state),
        row.window,
        names.get(row.clerk or "", row.clerk),
        *(_local(moment, zone) for moment in (row.issued_at, row.called_at, row.finished_at)),
        *(None if seconds is None else f"{seconds / 60:.1f}" for seconds in (row.wait_s, row.service_s)),
        row.calls,
        i18n.label(lang, "outcome", row.outcome) if row.outcome else None,
    ]


def _local(moment: datetime | None, zone: tzinfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
