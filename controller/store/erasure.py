"""Taking what names or ties to a person out of the tables, when its time is over or the person asks.

Every function takes the connection of a transaction somebody else opened. What is left still adds up: a
ticket stays in the log without what tied it to its holder, an account as its id. The audit trail is not
touched: it holds ids only, and stays whole.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, update

from controller.store import conduct
from controller.store.records import get_meta, put_meta
from controller.store.tables import (
    event,
    link,
    login_session,
    person,
    planned,
    recovery_code,
    snapshot,
    ticket,
)

AT_ONCE = 200  # events in one transaction, so that no command waits for long
ISSUED, PLANNED, BOOKED = (
    "TicketIssued",
    "PlanChanged",
    "AppointmentBooked",
)  # kinds of events that hold something of a person


@dataclass(frozen=True, slots=True)
class Step:
    """rows: changed since the last proof, which `proven` says was written. is_last: nothing older is left."""

    rows: int
    is_last: bool


# --- visitors


def forget_visitors(
    c: Connection, hall: str, before: datetime, below: int | None, at_once: int = AT_ONCE
) -> Step:
    """Take the person's digest, the desk's note and the slip's code from some more tickets issued before
    that; where it stopped is remembered. below: tickets from this on are still in use."""
    last, unproven = _mark(c, hall)
    query = select(event.c.seq, event.c.ticket, event.c.body).where(
        event.c.hall == hall, event.c.seq > last, event.c.kind == ISSUED
    )
    if (end := _first_since(c, hall, before)) is not None:
        query = query.where(event.c.seq < end)
    if below is not None:
        query = query.where(event.c.ticket < below)
    rows = c.execute(query.order_by(event.c.seq).limit(at_once)).all()
    for row in rows:
        _forget_ticket(c, hall, row.seq, row.ticket, row.body)
    if rows:
        _set_mark(c, hall, rows[-1].seq, unproven + len(rows))
    return Step(unproven + len(rows), len(rows) < at_once)


def proven(c: Connection, hall: str) -> None:
    """What was forgotten up to here stands in the audit trail."""
    _set_mark(c, hall, _mark(c, hall)[0], 0)


def _mark(c: Connection, hall: str) -> tuple[int, int]:
    """The last event that was looked at, and how many rows were changed since the last proof."""
    seq, _, rows = (get_meta(c, f"forgotten:{hall}") or "0 0").partition(" ")
    return int(seq), int(rows or 0)


def _set_mark(c: Connection, hall: str, seq: int, rows: int) -> None:
    put_meta(c, f"forgotten:{hall}", f"{seq} {rows}")


def _first_since(c: Connection, hall: str, moment: datetime) -> int | None:
    """The first event from that moment on; the index finds it at once, however long the log is."""
    query = select(event.c.seq).where(event.c.hall == hall, event.c.at >= moment)
    found: int | None = c.execute(query.order_by(event.c.at, event.c.seq).limit(1)).scalar()
    return found


def forget_visitor(c: Connection, hall: str, id: int) -> None:
    """The same for one ticket, which is not in use any more."""
    query = select(event.c.seq, event.c.ticket, event.c.body).where(
        event.c.hall == hall, event.c.ticket == id, event.c.kind == ISSUED
    )
    rows = c.execute(query).all()
    for row in rows:
        _forget_ticket(c, hall, row.seq, row.ticket, row.body)
    _change_snapshots(c, lambda said: _unknown_holder(said, id), hall)


def forget_in_snapshots(c: Connection, hall: str, in_use: Collection[int]) -> None:
    """The same for every ticket that snapshots still know and the hall does not use any more."""

    def change(said: Any) -> Any:
        for one in {one["id"] for one in said["tickets"]} - set(in_use):
            said = _unknown_holder(said, one)
        return said

    _change_snapshots(c, change, hall)


def _unknown_holder(said: dict[str, Any], id: int) -> dict[str, Any]:
    """A snapshot in which nothing ties this ticket to its holder."""
    return said | {"tickets": [_untied(one, id) if one["id"] == id else one for one in said["tickets"]]}


def _untied(said: dict[str, Any], id: int) -> dict[str, Any]:
    """A ticket, or how it was issued."""
    precheck = said.get("precheck")
    untied = said | {"token": f"erased-{id}", "person": None}
    return untied | {"precheck": precheck | {"note": ""}} if precheck else untied


def _forget_ticket(c: Connection, hall: str, seq: int, id: int, body: str) -> None:
    said = _untied(json.loads(body), id)
    _rewrite(c, hall, seq, said)
    c.execute(update(ticket).where(ticket.c.hall == hall, ticket.c.id == id).values(token=said["token"]))


def forget_bookings(c: Connection, hall: str, before: datetime, at_once: int = AT_ONCE) -> int:
    """Take digests, codes and wishes from some more appointments booked before that; how many. The hall
    itself has forgotten them long before."""
    name = f"forgotten-bookings:{hall}"
    query = select(event.c.seq, event.c.body).where(
        event.c.hall == hall, event.c.seq > int(get_meta(c, name) or 0), event.c.kind == BOOKED
    )
    query = query.where(event.c.at < before).order_by(event.c.seq).limit(at_once)
    rows = c.execute(query).all()
    for row in rows:
        said = json.loads(row.body)
        nobody = {"token": f"erased-{said['appointment']}", "code": "", "persons": [], "tail": "", "wish": ""}
        _rewrite(c, hall, row.seq, said | nobody)
    if rows:
        put_meta(c, name, str(rows[-1].seq))
    return len(rows)


def held_visitors(c: Connection, hall: str) -> datetime | None:
    """When the oldest ticket was issued that still has what ties it to its holder."""
    query = select(event.c.at).where(
        event.c.hall == hall, event.c.seq > _mark(c, hall)[0], event.c.kind == ISSUED
    )
    found: datetime | None = c.execute(query.order_by(event.c.seq).limit(1)).scalar()
    return found


# --- sign-ins


def forget_sign_ins(c: Connection, before: datetime) -> int:
    """Sessions, links and recovery codes last used before that."""
    return sum(
        c.execute(delete(table).where(at < before)).rowcount
        for table, at in (
            (login_session, login_session.c.seen_at),
            (link, link.c.expires_at),
            (recovery_code, recovery_code.c.used_at),
        )
    )


def held_sign_ins(c: Connection) -> datetime | None:
    found: datetime | None = c.execute(select(func.min(login_session.c.seen_at))).scalar()
    return found


# --- people who worked here


def erase_person(c: Connection, id: str) -> dict[str, int]:
    """Name, number, secrets and sign-ins of the person, wherever they stand: rows by table."""
    nobody = {
        "name": "",
        "staff_number": None,
        "home_unit": None,
        "is_active": False,
        "password_hash": None,
        "second_factor": None,
        "second_factor_at": None,
    }
    counts = {"person": c.execute(update(person).where(person.c.id == id).values(nobody)).rowcount}
    for table in (login_session, link, recovery_code):
        counts[table.name] = c.execute(delete(table).where(table.c.person == id)).rowcount
    nameless = _nameless(id)
    counts["event"] = _rename_events(c, nameless)
    counts["planned"] = _rename_rows(c, planned, (planned.c.base.name, planned.c.plan.name), nameless)
    counts["snapshot"] = _change_snapshots(c, nameless)
    counts["conduct_step"] = conduct.forget_words(c, id)
    return counts


Change = Callable[[Any], Any]


def _nameless(id: str) -> Change:
    """The same JSON value, in which the clerk of this id has neither name nor number."""

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.get("id") == id and "staff_number" in value:
            return value | {"name": "", "staff_number": ""}
        return {name: change(one) for name, one in value.items()}

    return change


def _rename_events(c: Connection, change: Change) -> int:
    count = 0
    query = select(event.c.hall, event.c.seq, event.c.body).where(event.c.kind == PLANNED)
    for row in c.execute(query).all():
        said = json.loads(row.body)
        if (changed := change(said)) != said:
            _rewrite(c, row.hall, row.seq, changed)
            count += 1
    return count


def _rename_rows(c: Connection, table: Table, columns: tuple[str, ...], change: Change) -> int:
    count = 0
    for row in c.execute(select(table)).mappings().all():
        said = {name: json.loads(row[name]) for name in columns if row[name]}
        changed = {name: change(value) for name, value in said.items()}
        if changed != said:
            texts = {name: _text(value) for name, value in changed.items()}
            c.execute(update(table).where(table.c.id == row["id"]).values(texts))
            count += 1
    return count


def _change_snapshots(c: Connection, change: Change, hall: str | None = None) -> int:
    count = 0
    query = select(snapshot) if hall is None else select(snapshot).where(snapshot.c.hall == hall)
    for row in c.execute(query).all():
        said = json.loads(zlib.decompress(row.body))
        if (changed := change(said)) != said:
            where = (snapshot.c.hall == row.hall, snapshot.c.seq == row.seq)
            body = zlib.compress(_text(changed).encode(), 1)
            c.execute(update(snapshot).where(*where).values(body=body))
            count += 1
    return count


def _rewrite(c: Connection, hall: str, seq: int, said: dict[str, Any]) -> None:
    c.execute(update(event).where(event.c.hall == hall, event.c.seq == seq).values(body=_text(said)))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
