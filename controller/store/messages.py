"""The rows of messages to citizens: written down, taken for sending, settled, counted, and their texts.

Every function takes the connection of a transaction somebody else opened. Numbers and texts come and go
sealed; whom a message is for is compared by digest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from controller.store.message_tables import (
    message,
    message_answer,
    message_contact,
    message_part,
    message_refusal,
    message_template,
)
from controller.store.records import upsert
from controller.store.tables import event


class Channel(StrEnum):
    SMS = "sms"
    PUSH = "push"  # to the browser of a phone


class State(StrEnum):
    """Where a message stands. Beyond SENDING each has its moment in settled_at, but SENT, which waits."""

    WAITING = "waiting"
    SENDING = "sending"  # handed to the carrier; nobody said yet that it has it
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"  # the network gave up
    FAILED = "failed"  # we gave up
    EXPIRED = "expired"  # it was worth nothing any more
    DROPPED = "dropped"  # it had become untrue, or they do not want to be written to


OPEN = (State.WAITING, State.SENDING)
FAILED = (State.FAILED, State.UNDELIVERED)


@dataclass(frozen=True, slots=True)
class New:
    """A message to be written down. parts, cost: known before, for who decides whether to send it at all."""

    hall: str
    key: str
    event: str
    channel: Channel
    lang: str
    version: int
    digest: str
    address: bytes
    body: bytes
    parts: int
    at: datetime
    ends_at: datetime
    ticket: int | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as it stands. address, body: None when they were erased."""

    id: int
    hall: str
    key: str
    event: str
    channel: Channel
    lang: str
    digest: str
    address: bytes | None
    body: bytes | None
    ticket: int | None
    code: str
    state: State
    tries: int
    parts: int
    cost: float
    why: str
    at: datetime
    due_at: datetime
    ends_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Contact:
    """Where the holder of a ticket wants to be told."""

    hall: str
    ticket: int
    channel: Channel
    address: bytes
    digest: str
    lang: str


@dataclass(frozen=True, slots=True)
class DayCount:
    """Messages of one day and channel. cost: of those a carrier took."""

    day: date
    channel: Channel
    messages: int
    parts: int
    delivered: int
    failed: int
    cost: float


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back from somebody. address, body: sealed; None when erased."""

    id: int
    at: datetime
    address: bytes | None
    body: bytes | None
    meaning: str
    why: str


# --- writing down and sending


def add(c: Connection, new: New) -> int | None:
    """Its number; None when this has been told before."""
    row = {name: getattr(new, name) for name in New.__slots__} | {"state": State.WAITING, "due_at": new.at}
    try:
        with c.begin_nested():
            return int(c.execute(insert(message).values(row).returning(message.c.id)).scalar_one())
    except IntegrityError:
        return None


_UNSENT = and_(message.c.settled_at.is_(None), message.c.sent_at.is_(None))


def is_due(c: Connection, now: datetime) -> bool:
    return (
        c.execute(select(message.c.id).where(_UNSENT, message.c.due_at <= now).limit(1)).first() is not None
    )


def unclaim(c: Connection, now: datetime) -> int:
    """What was handed over when the program ended, and nobody said whether it was taken, is due now."""
    return c.execute(
        update(message).where(_UNSENT, message.c.state == State.SENDING).values(due_at=now)
    ).rowcount


def claim(c: Connection, now: datetime, again_at: datetime, most: int) -> list[Stored]:
    """Some that are due, the oldest first; from now on they count as tried. again_at: when one of them is
    due again if nobody says what became of it."""
    query = (
        select(message)
        .where(_UNSENT, message.c.due_at <= now)
        .order_by(message.c.due_at, message.c.id)
        .limit(most)
    )
    found = [_stored(row) for row in c.execute(query)]
    if found:
        changed = {"state": State.SENDING, "tries": message.c.tries + 1, "due_at": again_at}
        c.execute(update(message).where(message.c.id.in_([one.id for one in found])).values(changed))
    return found


def sent(c: Connection, id: int, references: Sequence[str], cost: float, now: datetime) -> None:
    """The carrier has it, and calls its parts by these names; without any nothing more is heard of it."""
    changed: dict[str, Any] = {"state": State.SENT, "sent_at": now, "cost": cost, "why": ""}
    c.execute(update(message).where(message.c.id == id).values(changed))
    if references:
        c.execute(insert(message_part), [{"message": id, "reference": one} for one in references])


def put_off(c: Connection, id: int, due_at: datetime, why: str) -> None:
    c.execute(
        update(message).where(message.c.id == id).values(state=State.WAITING, due_at=due_at, why=why[:64])
    )


def settle(c: Connection, id: int, state: State, why: str, now: datetime) -> None:
    changed = {"state": state, "why": why[:64], "settled_at": now}
    c.execute(update(message).where(message.c.id == id, message.c.settled_at.is_(None)).values(changed))


def receipt(c: Connection, reference: str, is_delivered: bool, why: str, now: datetime) -> bool:
    """A carrier tells what became of a part; whether that part is one of ours that was still open.

    A reference may come round again (a modem counts to 255): the newest part of that name is meant.
    """
    query = select(message_part.c.id, message_part.c.message).where(
        message_part.c.reference == reference, message_part.c.is_delivered.is_(None)
    )
    row = c.execute(query.order_by(message_part.c.id.desc()).limit(1)).first()
    if row is None:
        return False
    c.execute(update(message_part).where(message_part.c.id == row.id).values(is_delivered=is_delivered))
    rest = select(func.count()).where(
        message_part.c.message == row.message, message_part.c.is_delivered.is_not(True)
    )
    if not is_delivered:
        settle(c, row.message, State.UNDELIVERED, why, now)
    elif not c.execute(rest).scalar_one():
        settle(c, row.message, State.DELIVERED, "", now)
    return True


def again(c: Connection, hall: str, id: int, now: datetime, ends_at: datetime) -> bool:
    """Try a failed one again from the start; whether there was one that can still be sent."""
    can = and_(
        message.c.hall == hall,
        message.c.id == id,
        message.c.state.in_(FAILED),
        message.c.address.is_not(None),
    )
    fresh = {
        "state": State.WAITING,
        "tries": 0,
        "why": "",
        "due_at": now,
        "ends_at": ends_at,
        "sent_at": None,
        "settled_at": None,
    }
    if not c.execute(update(message).where(can).values(fresh)).rowcount:
        return False
    c.execute(delete(message_part).where(message_part.c.message == id))
    return True


# --- looking


def find(c: Connection, hall: str, id: int) -> Stored | None:
    row = c.execute(select(message).where(message.c.hall == hall, message.c.id == id)).first()
    return None if row is None else _stored(row)


def last(c: Connection, hall: str, limit: int, states: Collection[State] = ()) -> list[Stored]:
    """The newest, or the newest in one of these states."""
    query = select(message).where(message.c.hall == hall)
    if states:
        query = query.where(message.c.state.in_(states))
    return [_stored(row) for row in c.execute(query.order_by(message.c.at.desc()).limit(limit))]


def counts(c: Connection) -> dict[tuple[str, str], int]:
    """How many messages there are by channel and state, of all halls."""
    query = select(message.c.channel, message.c.state, func.count()).group_by(
        message.c.channel, message.c.state
    )
    return {(channel, state): n for channel, state, n in c.execute(query)}


def total_cost(c: Connection) -> float:
    return float(c.execute(select(func.coalesce(func.sum(message.c.cost), 0.0))).scalar_one())


def by_day(c: Connection, hall: str, since: datetime, zone: tzinfo) -> list[DayCount]:
    """Day by day, the newest first. zone: whose days."""
    taken = message.c.sent_at.is_not(None)
    query = select(
        message.c.at,
        message.c.channel,
        case((taken, message.c.parts), else_=0).label("parts"),
        message.c.state,
        message.c.cost,
    ).where(message.c.hall == hall, message.c.at >= since)
    days: dict[tuple[date, str], list[Any]] = {}
    for row in c.execute(query):
        sums = days.setdefault((row.at.astimezone(zone).date(), row.channel), [0, 0, 0, 0, 0.0])
        is_there, has_failed = row.state == State.DELIVERED, row.state in FAILED
        for n, part in enumerate((1, row.parts, is_there, has_failed, row.cost)):
            sums[n] += part
    return [DayCount(day, Channel(channel), *days[day, channel]) for day, channel in sorted(days)[::-1]]


def invitation(c: Connection, digest: str, since: datetime, code: str = "") -> Stored | None:
    """The newest invitation to rate that went there; the one with that code when one is given."""
    query = select(message).where(
        message.c.digest == digest, message.c.event == "rating", message.c.at >= since
    )
    if code:
        query = query.where(message.c.code == code)
    row = c.execute(query.order_by(message.c.id.desc()).limit(1)).first()
    return None if row is None else _stored(row)


def open_codes(c: Connection, digest: str, since: datetime) -> int:
    """How many different invitations to rate went there since."""
    query = select(func.count(func.distinct(message.c.code))).where(
        message.c.digest == digest, message.c.event == "rating", message.c.at >= since
    )
    return int(c.execute(query).scalar_one())


# --- who wants to be told where


def want(c: Connection, contact: Contact, now: datetime) -> None:
    """From now on this is where the holder of the ticket is told."""
    row = {name: getattr(contact, name) for name in Contact.__slots__} | {"at": now}
    upsert(c, message_contact, [row])


def unwant(c: Connection, hall: str, ticket: int) -> None:
    c.execute(
        delete(message_contact).where(message_contact.c.hall == hall, message_contact.c.ticket == ticket)
    )


def wishes(c: Connection, digest: str, since: datetime, besides: Contact) -> int:
    """For how many other tickets somebody has asked since to be told there."""
    query = select(func.count()).where(
        message_contact.c.at >= since,
        message_contact.c.digest == digest,
        or_(message_contact.c.hall != besides.hall, message_contact.c.ticket != besides.ticket),
    )
    return int(c.execute(query).scalar_one())


def contact(c: Connection, hall: str, ticket: int) -> Contact | None:
    row = c.execute(
        select(message_contact).where(message_contact.c.hall == hall, message_contact.c.ticket == ticket)
    ).first()
    return None if row is None else _contact(row)


def contacts_since(c: Connection, since: datetime) -> list[Contact]:
    return [_contact(row) for row in c.execute(select(message_contact).where(message_contact.c.at >= since))]


def contacts(c: Connection, hall: str, tickets: Collection[int]) -> dict[int, Contact]:
    query = select(message_contact).where(
        message_contact.c.hall == hall, message_contact.c.ticket.in_(tickets)
    )
    return {row.ticket: _contact(row) for row in c.execute(query)}


def refuse(c: Connection, digest: str, now: datetime) -> None:
    """They do not want to be written to, and what waits for them is not sent."""
    upsert(c, message_refusal, [{"digest": digest, "at": now}])
    c.execute(delete(message_contact).where(message_contact.c.digest == digest))
    c.execute(
        update(message)
        .where(_UNSENT, message.c.digest == digest)
        .values(state=State.DROPPED, why="refused", settled_at=now)
    )


def take_back(c: Connection, digest: str) -> None:
    """They want to be written to again."""
    c.execute(delete(message_refusal).where(message_refusal.c.digest == digest))


def refuses(c: Connection, digest: str) -> bool:
    query = select(message_refusal.c.digest).where(message_refusal.c.digest == digest)
    return c.execute(query).first() is not None


def refusals(c: Connection) -> int:
    return int(c.execute(select(func.count()).select_from(message_refusal)).scalar_one())


# --- answers


def answered(
    c: Connection,
    hall: str | None,
    digest: str,
    sealed: tuple[bytes, bytes],
    meaning: str,
    why: str,
    now: datetime,
) -> None:
    """sealed: number and text."""
    row = {
        "hall": hall,
        "digest": digest,
        "address": sealed[0],
        "body": sealed[1],
        "meaning": meaning,
        "why": why[:64],
        "at": now,
    }
    c.execute(insert(message_answer).values(row))


def answers(c: Connection, hall: str, limit: int) -> list[Answered]:
    """The newest of this hall, and those nobody knows the hall of."""
    mine = or_(message_answer.c.hall == hall, message_answer.c.hall.is_(None))
    query = select(message_answer).where(mine).order_by(message_answer.c.id.desc()).limit(limit)
    return [Answered(row.id, row.at, row.address, row.body, row.meaning, row.why) for row in c.execute(query)]


# --- texts


def template(c: Connection, hall: str, event: str, lang: str) -> tuple[int, str] | None:
    """The version in force and its text; None while nobody wrote another than the usual one."""
    query = select(message_template.c.version, message_template.c.text).where(
        message_template.c.hall == hall, message_template.c.event == event, message_template.c.lang == lang
    )
    row = c.execute(query.order_by(message_template.c.version.desc()).limit(1)).first()
    return None if row is None else (row.version, row.text)


def rewrite(c: Connection, hall: str, event: str, lang: str, wording: str, by: str, now: datetime) -> int:
    """The number of the new version."""
    known = template(c, hall, event, lang)
    version = 1 if known is None else known[0] + 1
    row = {"hall": hall, "event": event, "lang": lang, "version": version}
    c.execute(insert(message_template).values(**row, text=wording, by=by, at=now))
    return version


def versions(c: Connection, hall: str, event: str) -> list[Any]:
    """Every version in both languages, the newest first: lang, version, text, by, at."""
    query = select(message_template).where(message_template.c.hall == hall, message_template.c.event == event)
    return list(c.execute(query.order_by(message_template.c.version.desc(), message_template.c.lang)))


# --- the log, for what is to be told


def happened(
    c: Connection, hall: str, after: int, up_to: int, kinds: Collection[str]
) -> list[tuple[str, int]]:
    """Kind and ticket of the events of these kinds, in order."""
    query = select(event.c.kind, event.c.ticket).where(
        event.c.hall == hall, event.c.seq > after, event.c.seq <= up_to, event.c.kind.in_(kinds)
    )
    return [(row.kind, row.ticket) for row in c.execute(query.order_by(event.c.seq)) if row.ticket]


# --- forgetting


def forget(c: Connection, before: datetime) -> int:
    """Numbers and texts of what was written before that; what still waits is not sent any more."""
    old = and_(message.c.at < before, message.c.address.is_not(None))
    gone = {"address": None, "body": None, "digest": "", "code": ""}
    c.execute(update(message).where(old, _UNSENT).values(state=State.EXPIRED, settled_at=message.c.ends_at))
    rows = c.execute(update(message).where(old).values(gone)).rowcount
    was_answered = and_(message_answer.c.at < before, message_answer.c.address.is_not(None))
    rows += c.execute(
        update(message_answer).where(was_answered).values(address=None, body=None, digest="")
    ).rowcount
    return rows + c.execute(delete(message_contact).where(message_contact.c.at < before)).rowcount


def forget_ticket(c: Connection, hall: str, ticket: int) -> int:
    """The same for what was written about one ticket."""
    gone = {"address": None, "body": None, "digest": "", "code": ""}
    rows = c.execute(
        update(message).where(message.c.hall == hall, message.c.ticket == ticket).values(gone)
    ).rowcount
    unwant(c, hall, ticket)
    return rows


def oldest(c: Connection) -> datetime | None:
    """When the oldest message was written whose number is still there."""
    found: datetime | None = c.execute(
        select(func.min(message.c.at)).where(message.c.address.is_not(None))
    ).scalar()
    return found


def _stored(row: Any) -> Stored:
    values = {name: getattr(row, name) for name in Stored.__slots__}
    return Stored(**{**values, "channel": Channel(row.channel), "state": State(row.state)})


def _contact(row: Any) -> Contact:
    values = {name: getattr(row, name) for name in Contact.__slots__}
    return Contact(**{**values, "channel": Channel(row.channel)})
