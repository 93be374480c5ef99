"""Guides of matters by version: at most one being written, and from which day on each of the others holds.

Hides the table. A version that was published never changes: what a citizen read on a day can be read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from controller.guide import Guide
from controller.hall.model import HallError
from controller.store.devices import catalogue_changed
from controller.store.item_standings import ends, not_taken
from controller.store.tables import item, item_guide
from firmware.protocol.catalogue import Matter


class State(StrEnum):
    DRAFT = "draft"
    REVIEW = "review"  # somebody else is to look at it
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


OPEN = (State.DRAFT, State.REVIEW)
MOST_BRING = 8  # materials that a kiosk is told
MOST_SHORT = 60  # characters of each


class GuideConflict(HallError):
    """Somebody else has changed it meanwhile, or its state does not allow it. code: guide.<code> in i18n."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Version:
    """number: from 1 for each matter. from_day: the first it holds on; None while it is being written."""

    code: str
    number: int
    state: State
    guide: Guide
    from_day: date | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A matter with the version that holds today and the one being written. is_in_use: it is taken."""

    code: str
    name: str
    department: str
    queue: str | None
    current: Version | None
    open: Version | None
    is_in_use: bool = True


_body = msgspec.json.Decoder(Guide)


def current(c: Connection, code: str, day: date) -> Version | None:
    """The version that holds on that day; None when none does, or it was withdrawn."""
    query = _of(code).where(item_guide.c.from_day <= day).order_by(item_guide.c.number.desc()).limit(1)
    row = c.execute(query).first()
    found = None if row is None else _version(row)
    return None if found is None or found.state is State.WITHDRAWN else found


def being_written(c: Connection, code: str) -> Version | None:
    """The draft, or what is under review."""
    row = c.execute(_of(code).where(item_guide.c.state.in_(OPEN))).first()
    return None if row is None else _version(row)


def versions(c: Connection, code: str) -> list[Version]:
    """All of them, the newest first."""
    return [_version(row) for row in c.execute(_of(code).order_by(item_guide.c.number.desc()))]


def listed(c: Connection, day: date) -> list[Listed]:
    """Every matter of the catalogue, by department and name."""
    holding: dict[str, Version] = {}
    written: dict[str, Version] = {}
    for row in c.execute(select(item_guide).order_by(item_guide.c.number)):
        one = _version(row)
        if one.state in OPEN:
            written[one.code] = one
        elif one.from_day is not None and one.from_day <= day:
            holding[one.code] = one
    away = not_taken(c, day)
    query = select(item.c.code, item.c.name, item.c.department, item.c.queue)
    return [
        Listed(*row, _unless_withdrawn(holding.get(row.code)), written.get(row.code), row.code not in away)
        for row in c.execute(query.order_by(item.c.department, item.c.name))
    ]


def stamp(newest: Version | None) -> str:
    """What a form carries, to tell whether somebody else has saved meanwhile."""
    return "" if newest is None else f"{newest.number}.{newest.state}.{newest.at.timestamp():.6f}"


def searched(c: Connection, day: date) -> list[Matter]:
    """Every matter of a queue that is taken, by queue and name, as kiosks find it with its guide."""
    known, until = (one for one in listed(c, day) if one.queue and one.is_in_use), ends(c, day)
    rows = sorted(known, key=lambda one: (one.queue or "", one.name))
    return [_short(one, one.current.guide if one.current else Guide(), until.get(one.code)) for one in rows]


def _short(one: Listed, guide: Guide, until: date | None) -> Matter:
    return Matter(
        code=one.code,
        name=one.name,
        queue=one.queue or "",
        bring=[_cut(line) for line in guide.materials[:MOST_BRING]],
        fee=_cut(guide.fee_standard),
        days=guide.promised_days,
        is_sample=guide.is_sample,
        until=until,
    )


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHORT else f"{text[: MOST_SHORT - 1]}…"


def begins(c: Connection, day: date) -> bool:
    """Whether some guide holds from that very day on."""
    query = select(item_guide.c.code).where(item_guide.c.from_day == day).limit(1)
    return c.execute(query).first() is not None


def save(c: Connection, code: str, guide: Guide, by: str, now: datetime, seen: str | None = None) -> Version:
    """Keep a draft. seen: the stamp of the newest version its writer saw; None: whatever there is.

    Raises GuideConflict when the newest is another one by now.
    """
    newest = next(iter(versions(c, code)), None)
    if seen is not None and seen != stamp(newest):
        raise GuideConflict("changed")
    known = newest if newest is not None and newest.state in OPEN else None
    number = (newest.number if newest is not None else 0) + (known is None)
    facts = {"state": State.DRAFT, "body": _json(guide), "from_day": None, "by": by, "at": now}
    if known is None:
        c.execute(insert(item_guide).values(code=code, number=number, **facts))
    else:
        c.execute(update(item_guide).where(*_is(code, number)).values(**facts))
    return Version(code, number, State.DRAFT, guide, None, by, now)


def submit(c: Connection, code: str, by: str, now: datetime) -> Version:
    """Hand the draft to whoever publishes."""
    return _move(c, code, State.DRAFT, State.REVIEW, by, now, None)


def send_back(c: Connection, code: str, by: str, now: datetime) -> Version:
    """Let the writer go on."""
    return _move(c, code, State.REVIEW, State.DRAFT, by, now, None)


def publish(c: Connection, code: str, from_day: date, by: str, now: datetime) -> Version:
    """Let what is under review hold from that day on. Raises GuideConflict when nothing is."""
    version = _move(c, code, State.REVIEW, State.PUBLISHED, by, now, from_day)
    catalogue_changed(c)
    return version


def withdraw(c: Connection, code: str, day: date, by: str, now: datetime) -> Version:
    """Take the version that holds that day away from the public; it stays among the versions."""
    known = current(c, code, day)
    if known is None:
        raise GuideConflict("not_published")
    c.execute(update(item_guide).where(*_is(code, known.number)).values(state=State.WITHDRAWN, by=by, at=now))
    catalogue_changed(c)
    return known


def drop(c: Connection, code: str) -> Version:
    """Throw away what is being written."""
    known = being_written(c, code)
    if known is None:
        raise GuideConflict("nothing_open")
    c.execute(delete(item_guide).where(*_is(code, known.number)))
    return known


def _move(
    c: Connection, code: str, source: State, target: State, by: str, now: datetime, from_day: date | None
) -> Version:
    known = being_written(c, code)
    if known is None or known.state is not source:
        raise GuideConflict("nothing_open" if known is None else f"not_{source}")
    facts = {"state": target, "by": by, "at": now, "from_day": from_day}
    c.execute(update(item_guide).where(*_is(code, known.number)).values(**facts))
    return Version(code, known.number, target, known.guide, from_day, by, now)


def _of(code: str) -> Select[Any]:
    return select(item_guide).where(item_guide.c.code == code)


def _is(code: str, number: int) -> Sequence[Any]:
    return item_guide.c.code == code, item_guide.c.number == number


def _unless_withdrawn(version: Version | None) -> Version | None:
    return None if version is None or version.state is State.WITHDRAWN else version


def _json(guide: Guide) -> str:
    return msgspec.json.encode(guide).decode()


def _version(row: Row[Any]) -> Version:
    known = row._mapping
    return Version(
        known["code"],
        known["number"],
        State(known["state"]),
        _body.decode(known["body"]),
        known["from_day"],
        known["by"],
        known["at"],
    )
