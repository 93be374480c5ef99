"""Positions, units, faults and set-aside messages: their rows, and nothing about what they mean.

Hides the tables. Functions take the connection of a transaction somebody else opened; the ones that
return a Record are given to the live hall, to be written in the transaction of the message they are of.
Config revisions come from one counter of the site, so that a unit that moves always gets a higher one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, delete, func, insert, select, update

from controller.hall.model import Text
from controller.store.records import count_up, get_meta, upsert
from controller.store.tables import fault, heard, position, quarantine, unit
from firmware.protocol.messages import UnitConfig

CHANGES = "devices_rev"  # meta: counts every change, so that other processes notice it
MOST_FAULTS = 200  # in one report
PAYLOAD_KEPT = 4096  # bytes of a set-aside message

Record = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class Position:
    """点位: a place in a hall with its peripherals, whichever board (unit) serves it."""

    hall: str
    id: str
    name: Text
    config: UnitConfig  # rev and position filled in


@dataclass(frozen=True, slots=True)
class Unit:
    """A board with a network address and credentials. position None: a spare."""

    id: str
    hall: str
    position: str | None
    secret_hash: str
    added_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a device reported as broken. until None: still so."""

    unit: str
    device: str
    code: str
    severity: str
    detail: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """A message that could not be used, with its bytes, why, and what to do."""

    unit: str
    topic: str
    payload: bytes
    why: str
    field: str
    remedy: str
    at: datetime


# --- positions and units


def changes(c: Connection) -> int:
    """Counts up whenever positions or units change."""
    return int(get_meta(c, CHANGES) or "0")


def all_positions(c: Connection) -> list[Position]:
    rows = c.execute(select(position).order_by(position.c.hall, position.c.id))
    return [_position(row) for row in rows]


def all_units(c: Connection) -> list[Unit]:
    """Every unit ever added, revoked ones too: ids are never used again."""
    rows = c.execute(select(unit).order_by(unit.c.hall, unit.c.id))
    return [Unit(r.id, r.hall, r.position, r.secret_hash, r.added_at, r.revoked_at) for r in rows]


def put_position(c: Connection, hall: str, id: str, name: Text, config: UnitConfig) -> None:
    """Write a position down, or change it; its configuration gets the next revision."""
    rev = count_up(c, CHANGES)
    wire = {key: value for key, value in _plain(config).items() if key not in ("rev", "position")}
    row = {"hall": hall, "id": id, "name_zh": name.zh, "name_en": name.en, "config": wire, "rev": rev}
    upsert(c, position, [row])


def outrank(c: Connection, hall: str, id: str, rev: int) -> None:
    """Let a position's configuration be newer than `rev`, which this database has forgotten (F81)."""
    is_it = and_(position.c.hall == hall, position.c.id == id)
    c.execute(update(position).where(is_it).values(rev=count_up(c, CHANGES, rev + 1)))


def put_unit(c: Connection, new: Unit) -> None:
    c.execute(
        insert(unit).values(
            id=new.id,
            hall=new.hall,
            position=new.position,
            secret_hash=new.secret_hash,
            added_at=new.added_at,
            revoked_at=new.revoked_at,
        )
    )
    _touch(c, new.hall, new.position)


def set_secret(c: Connection, id: str, secret_hash: str) -> None:
    c.execute(update(unit).where(unit.c.id == id).values(secret_hash=secret_hash))
    count_up(c, CHANGES)


def place_unit(c: Connection, id: str, at: str | None) -> None:
    """Let the unit serve another position, or none. Whoever stood there becomes a spare."""
    hall = c.execute(select(unit.c.hall).where(unit.c.id == id)).scalar_one()
    if at is not None:
        stood = and_(unit.c.hall == hall, unit.c.position == at, unit.c.id != id)
        c.execute(update(unit).where(stood).values(position=None))
    c.execute(update(unit).where(unit.c.id == id).values(position=at))
    _touch(c, hall, at)


def revoke_unit(c: Connection, id: str, now: datetime) -> None:
    c.execute(update(unit).where(unit.c.id == id).values(revoked_at=now, position=None))
    count_up(c, CHANGES)


def catalogue_changed(c: Connection) -> None:
    """What kiosks can find is part of their configuration: let every unit take it anew."""
    c.execute(update(position).values(rev=count_up(c, CHANGES)))


def _touch(c: Connection, hall: str, at: str | None) -> None:
    """A unit that comes to a position has an older revision of some other one: give this a higher."""
    rev = count_up(c, CHANGES)
    if at is not None:
        here = and_(position.c.hall == hall, position.c.id == at)
        c.execute(update(position).where(here).values(rev=rev))


def _position(row: Any) -> Position:
    config = msgspec.convert({**row.config, "rev": row.rev, "position": row.id}, UnitConfig)
    return Position(row.hall, row.id, Text(row.name_zh, row.name_en), config)


def _plain(config: UnitConfig) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(config)
    return plain


# --- faults


def raise_fault(hall: str, found: Fault) -> Record:
    """Note a fault, once: while it is there, telling of it again only renews its detail."""

    def write(c: Connection) -> None:
        known = _open_fault(hall, found.unit, found.device, found.code)
        renewed = c.execute(
            update(fault).where(known).values(detail=found.detail, severity=found.severity)
        ).rowcount
        if not renewed:
            c.execute(insert(fault).values(hall=hall, **_fault_columns(found)))

    return write


def clear_fault(hall: str, unit_id: str, device: str, code: str, now: datetime) -> Record:
    """The device works again."""

    def write(c: Connection) -> None:
        c.execute(update(fault).where(_open_fault(hall, unit_id, device, code)).values(until=now))

    return write


def open_faults(c: Connection, hall: str) -> list[Fault]:
    """What is broken now, the longest first."""
    query = select(fault).where(fault.c.hall == hall, fault.c.until.is_(None))
    return [_fault(row) for row in c.execute(query.order_by(fault.c.since, fault.c.id))]


def faults_during(c: Connection, hall: str, start: datetime, end: datetime) -> list[Fault]:
    """Those that began in this time, and those still there from before it, in order."""
    began = (fault.c.since >= start) & (fault.c.since < end)
    lasts = fault.c.until.is_(None) & (fault.c.since < start)
    queries = [select(fault).where(fault.c.hall == hall, which) for which in (lasts, began)]
    found = [_fault(row) for query in queries for row in c.execute(query.order_by(fault.c.since))]
    return found[:MOST_FAULTS]


def last_faults(c: Connection, hall: str, limit: int = 100) -> list[Fault]:
    """The newest faults, mended ones too, newest first."""
    query = select(fault).where(fault.c.hall == hall).order_by(fault.c.since.desc(), fault.c.id.desc())
    return [_fault(row) for row in c.execute(query.limit(limit))]


def _open_fault(hall: str, unit_id: str, device: str, code: str) -> Any:
    return and_(
        fault.c.hall == hall,
        fault.c.unit == unit_id,
        fault.c.device == device,
        fault.c.code == code,
        fault.c.until.is_(None),
    )


def _fault_columns(found: Fault) -> dict[str, object]:
    return {
        "unit": found.unit,
        "device": found.device,
        "code": found.code,
        "severity": found.severity,
        "detail": found.detail,
        "since": found.since,
        "until": found.until,
    }


def _fault(row: Any) -> Fault:
    return Fault(row.unit, row.device, row.code, row.severity, row.detail, row.since, row.until)


# --- messages set aside


def set_aside(hall: str, found: SetAside) -> Record:
    """Keep a message nobody could use, so that somebody can look at it."""

    def write(c: Connection) -> None:
        c.execute(
            insert(quarantine).values(
                hall=hall,
                unit=found.unit,
                topic=found.topic,
                payload=found.payload[:PAYLOAD_KEPT],
                why=found.why,
                field=found.field,
                remedy=found.remedy,
                at=found.at,
            )
        )

    return write


def forget(hall: str, set_aside_before: datetime, heard_before: datetime) -> Record:
    """Forget messages set aside before a time, and stores that were last heard before another.

    A store that speaks again after that is heard from its first message on.
    """

    def write(c: Connection) -> None:
        c.execute(delete(quarantine).where(quarantine.c.hall == hall, quarantine.c.at < set_aside_before))
        c.execute(delete(heard).where(heard.c.hall == hall, heard.c.at < heard_before))

    return write


def set_aside_count(c: Connection, hall: str) -> int:
    return int(c.execute(select(func.count()).where(quarantine.c.hall == hall)).scalar_one())


def last_set_aside(c: Connection, hall: str, limit: int = 100) -> Sequence[SetAside]:
    """The newest messages set aside, newest first."""
    query = select(quarantine).where(quarantine.c.hall == hall).order_by(quarantine.c.id.desc())
    return [
        SetAside(row.unit, row.topic, row.payload, row.why, row.field, row.remedy, row.at)
        for row in c.execute(query.limit(limit))
    ]
