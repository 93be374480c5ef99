"""The rows of ratings: kept once a visit, added to once, voided, summed up, and forgotten in part.

Every function takes the connection of a transaction somebody else opened. Levels are read from here only for
sums that leave out whom they are from; what reports say of a day stands in its tallies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from controller.hall.model import RatingReason, Text
from controller.hall.ratings import NEGATIVE, Channel
from controller.store.projections import TicketRow
from controller.store.rating_tables import followup
from controller.store.rating_tables import rating as table

OVER = ("void", "closed")  # stages of hall/followups.py whose contact nobody needs any more


@dataclass(frozen=True, slots=True)
class Rating:
    """A rating with what the citizen added. reasons: with the names they had when they were chosen, empty in
    ratings from before these were kept; plan_rev: of the list they were chosen from.

    contact: the sealed phone number, while it is kept.
    """

    ticket: int
    day: date
    level: int
    channel: Channel
    at: datetime
    queue: str
    window: int | None
    clerk: str | None
    item: str | None
    reasons: tuple[RatingReason, ...]
    plan_rev: int | None
    words: str
    contact: bytes | None
    told_at: datetime | None
    is_void: bool


def add(c: Connection, hall: str, visit: TicketRow, level: int, channel: Channel, now: datetime) -> None:
    """The rating of a visit that has none."""
    row = {
        "hall": hall,
        "ticket": visit.id,
        "day": visit.day,
        "level": level,
        "channel": channel.value,
        "at": now,
        "queue": visit.queue,
        "window": visit.window,
        "clerk": visit.clerk,
        "item": visit.item,
        "reasons": [],
    }
    c.execute(insert(table).values(row))


def find(c: Connection, hall: str, ticket: int) -> Rating | None:
    row = c.execute(select(table).where(_is(hall, ticket))).first()
    return None if row is None else _rating(row)


def tell(
    c: Connection,
    hall: str,
    ticket: int,
    reasons: Collection[RatingReason],
    plan_rev: int,
    words: str,
    contact: bytes | None,
    now: datetime,
) -> bool:
    """What the citizen adds; whether it was there to be added to, for that can be done once."""
    untold = _is(hall, ticket) & table.c.told_at.is_(None)
    named = [{"id": one.id, "zh": one.name.zh, "en": one.name.en} for one in reasons]
    told = {"reasons": named, "plan_rev": plan_rev, "words": words, "told_at": now}
    if contact is not None:
        told["contact"] = contact
    return c.execute(update(table).where(untold).values(told)).rowcount > 0


def void(c: Connection, hall: str, ticket: int) -> None:
    c.execute(update(table).where(_is(hall, ticket)).values(is_void=True))


# --- sums


def levels_by_day(
    c: Connection, hall: str, first: date, last: date, clerk: str | None = None
) -> dict[date, Counter[int]]:
    """How many visits of each day were given which level; void ones are left out."""
    query = select(table.c.day, table.c.level, func.count()).where(_between(hall, first, last))
    if clerk is not None:
        query = query.where(table.c.clerk == clerk)
    found: dict[date, Counter[int]] = {}
    for day, level, count in c.execute(query.group_by(table.c.day, table.c.level)):
        found.setdefault(day, Counter())[level] = count
    return found


def channels(c: Connection, hall: str, first: date, last: date) -> Counter[Channel]:
    """How many ratings came which way."""
    query = select(table.c.channel, func.count()).where(_between(hall, first, last))
    return Counter({Channel(name): count for name, count in c.execute(query.group_by(table.c.channel))})


def reasons(c: Connection, hall: str, first: date, last: date) -> Counter[RatingReason]:
    """How often each reason was named with a negative rating; one that was renamed since counts as two."""
    query = select(table.c.reasons).where(_between(hall, first, last), table.c.level.in_(sorted(NEGATIVE)))
    return Counter(reason for named in c.execute(query).scalars() for reason in _reasons(named))


def _between(hall: str, first: date, last: date) -> ColumnElement[bool]:
    return (table.c.hall == hall) & table.c.day.between(first, last) & table.c.is_void.is_(False)


# --- forgetting


def forget_contacts(c: Connection, before: datetime) -> int:
    """Phone numbers of cases that were over before that, and of ratings as old that led to none."""
    case = (followup.c.hall == table.c.hall) & (followup.c.ticket == table.c.ticket)
    is_needed = select(followup.c.id).where(
        case, followup.c.stage.not_in(OVER) | (followup.c.closed_at >= before)
    )
    old = table.c.contact.is_not(None) & (table.c.at < before) & ~is_needed.exists()
    return c.execute(update(table).where(old).values(contact=None)).rowcount


def forget_words(c: Connection, before: datetime) -> int:
    """What citizens wrote before that; levels and reasons stay."""
    old = (table.c.words != "") & (table.c.at < before)
    return c.execute(update(table).where(old).values(words="")).rowcount


def forget_visit(c: Connection, hall: str, ticket: int) -> None:
    """Number and words of one visit, at the citizen's request; its case goes on as an anonymous one."""
    c.execute(update(table).where(_is(hall, ticket)).values(contact=None, words=""))
    mine = (followup.c.hall == hall) & (followup.c.ticket == ticket)
    c.execute(update(followup).where(mine, followup.c.stage.not_in(OVER)).values(is_named=False))


def held(c: Connection) -> Mapping[str, datetime | None]:
    """Since when there are numbers and words."""
    oldest = func.min(table.c.at)
    return {
        "contacts": c.execute(select(oldest).where(table.c.contact.is_not(None))).scalar(),
        "words": c.execute(select(oldest).where(table.c.words != "")).scalar(),
    }


def _is(hall: str, ticket: int) -> ColumnElement[bool]:
    return (table.c.hall == hall) & (table.c.ticket == ticket)


def _rating(row: Any) -> Rating:
    values = {one.name: getattr(row, one.name) for one in fields(Rating)}
    return Rating(**{**values, "channel": Channel(row.channel), "reasons": _reasons(row.reasons)})


def _reasons(kept: Iterable[Any]) -> tuple[RatingReason, ...]:
    """Of a row; one from before names were kept has ids alone."""
    shapes = ({"id": one, "zh": "", "en": ""} if isinstance(one, str) else one for one in kept)
    return tuple(RatingReason(one["id"], Text(one["zh"], one["en"])) for one in shapes)
