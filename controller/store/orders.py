"""Orders to devices, from the transaction that decided them until the device says what became of them.

An order is pending until its result is final; after a restart the pending ones are sent again (R8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from controller.store import prepared
from controller.store.tables import orders
from firmware.protocol.messages import ResultState

FINAL = frozenset({ResultState.DONE, ResultState.FAILED, ResultState.REJECTED, ResultState.EXPIRED})

# Made once: SQLAlchemy takes longer to make one than to carry it out.
_ADD = insert(orders)
_SETTLE = (
    update(orders)
    .where(
        orders.c.cid == bindparam("b_cid"),
        orders.c.hall == bindparam("b_hall"),
        orders.c.settled_at.is_(None),
        or_(bindparam("b_unit") == "", orders.c.unit == bindparam("b_unit")),
    )
    .values({name: bindparam(name) for name in ("state", "code", "settled_at")})
)

Settled = tuple[str, ResultState, str]  # cid, what became of it, code of the reason


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """One order to a unit. t: kind of the message in `body`; cid: its identity, never used twice."""

    cid: str
    hall: str
    unit: str
    t: str
    body: bytes
    ttl_ms: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Copy:
    """A further slip of a ticket. state: what its unit said last; None: nothing yet."""

    unit: str
    at: datetime
    state: ResultState | None


def add(c: Connection, new: Sequence[PendingOrder]) -> None:
    prepared.execute(c, _ADD, [_row(order) for order in new])


def pending(c: Connection, hall: str, unit: str | None = None) -> list[PendingOrder]:
    """Orders of the hall without a final result, oldest first."""
    query = select(orders).where(orders.c.hall == hall, orders.c.settled_at.is_(None))
    if unit is not None:
        query = query.where(orders.c.unit == unit)
    return [_order(row) for row in c.execute(query.order_by(orders.c.issued_at, orders.c.cid))]


def copies(c: Connection, hall: str, ticket: int) -> list[Copy]:
    """The further slips of a ticket that were ordered, oldest first."""
    first, beyond = copy_kind(ticket) + "-", copy_kind(ticket) + "."  # the character after "-"
    query = select(orders).where(orders.c.cid > first, orders.c.cid < beyond, orders.c.hall == hall)
    rows = c.execute(query.order_by(orders.c.issued_at, orders.c.cid))
    return [Copy(row.unit, row.issued_at, ResultState(row.state) if row.state else None) for row in rows]


def copy_kind(ticket: int) -> str:
    """How the identity of an order begins that prints a further slip of a ticket."""
    return f"copy-{ticket}"


def settle(c: Connection, hall: str, results: Sequence[Settled], now: datetime, unit: str = "") -> None:
    """Note what became of orders. A final result stays; `unit` settles only its own orders ("": any)."""
    settle_all(c, hall, [(unit, result) for result in results], now)


def settle_all(c: Connection, hall: str, results: Sequence[tuple[str, Settled]], now: datetime) -> None:
    """Note what became of orders, each with the unit that says so, in one statement."""
    prepared.execute(c, _SETTLE, [_result(hall, result, now, unit) for unit, result in results])


def prune(c: Connection, hall: str, before: datetime) -> None:
    """Forget orders that were final before that time."""
    c.execute(delete(orders).where(orders.c.hall == hall, orders.c.settled_at < before))


def _result(hall: str, result: Settled, now: datetime, unit: str) -> Mapping[str, Any]:
    cid, state, code = result
    settled_at = now if state in FINAL else None
    keys = {"b_hall": hall, "b_cid": cid, "b_unit": unit}
    return {**keys, "state": state.value, "code": code, "settled_at": settled_at}


def _row(order: PendingOrder) -> dict[str, Any]:
    return {
        "cid": order.cid,
        "hall": order.hall,
        "unit": order.unit,
        "kind": order.t,
        "body": order.body,
        "ttl_ms": order.ttl_ms,
        "issued_at": order.issued_at,
    }


def _order(row: Any) -> PendingOrder:
    return PendingOrder(row.cid, row.hall, row.unit, row.kind, row.body, row.ttl_ms, row.issued_at)
