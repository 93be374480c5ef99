"""Orders stay pending until their result is final, and are forgotten long after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from controller.hall.engine import new_hall
from controller.store import orders
from firmware.protocol.messages import ResultState
from tests.store.halls import MORNING, PLAN, open_store, slip

HALL = new_hall("hall", PLAN)


@pytest.fixture
def c(database: str) -> Iterator[Connection]:
    store = open_store(database)
    with store.writing() as connection:
        yield connection
    store.close()


def cids(c: Connection, unit: str | None = None) -> list[str]:
    return [order.cid for order in orders.pending(c, "hall", unit)]


def test_an_order_comes_back_as_it_was_given(c: Connection) -> None:
    order = replace(slip(HALL, "node-1", "o1", MORNING), body=b"\x00\xff{}")
    orders.add(c, [order])
    assert orders.pending(c, "hall") == [order]


def test_pending_orders_are_oldest_first_and_of_one_unit_if_asked(c: Connection) -> None:
    later = MORNING + timedelta(seconds=1)
    orders.add(c, [slip(HALL, "node-1", "o2", later), slip(HALL, "node-2", "o1", MORNING)])
    assert cids(c) == ["o1", "o2"]
    assert cids(c, "node-1") == ["o2"]


@pytest.mark.parametrize("state", ResultState)
def test_an_order_is_pending_until_its_result_is_final(c: Connection, state: ResultState) -> None:
    orders.add(c, [slip(HALL, "node-1", "o1", MORNING)])
    orders.settle(c, "hall", [("o1", state, "")], MORNING)
    assert cids(c) == ([] if state in orders.FINAL else ["o1"])


def test_a_unit_settles_only_its_own_orders(c: Connection) -> None:
    orders.add(c, [slip(HALL, "node-1", "o1", MORNING)])
    orders.settle(c, "hall", [("o1", ResultState.DONE, "")], MORNING, unit="node-2")
    orders.settle(c, "other", [("o1", ResultState.DONE, "")], MORNING)
    assert cids(c) == ["o1"]


def test_only_orders_settled_long_ago_are_forgotten(c: Connection) -> None:
    orders.add(c, [slip(HALL, "node-1", f"o{n}", MORNING) for n in (1, 2, 3)])
    orders.settle(c, "hall", [("o1", ResultState.DONE, "")], MORNING)
    orders.settle(c, "hall", [("o2", ResultState.DONE, "")], MORNING + timedelta(hours=2))
    orders.prune(c, "hall", MORNING + timedelta(hours=1))
    with pytest.raises(IntegrityError), c.begin_nested():
        orders.add(c, [slip(HALL, "node-1", "o2", MORNING)])
    orders.add(c, [slip(HALL, "node-1", "o1", MORNING)])
    assert cids(c) == ["o1", "o3"]
