"""Which leases are asked for, and when again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.devices import Book
from controller.hall.commands import LeaseNumbers
from controller.hall.model import Hall, Lease, Text
from controller.leases import AboutNumbers, Leases
from controller.store.devices import Position, Unit
from tests.controller.sites import dispenser
from tests.halls import OPENING, small_hall

BOOK = Book(
    units={"node-1": Unit("node-1", "hall", "door", "", OPENING)},
    positions={("hall", "door"): Position("hall", "door", Text("门", "Door"), dispenser("A", "B"))},
)


class Asking:
    """Leases of a hall that can be changed, and what they asked for."""

    def __init__(self) -> None:
        self.hall: Hall = small_hall()
        self.asked: list[AboutNumbers] = []
        self.leases = Leases(lambda: self.hall, lambda: BOOK, self._take, 40, set())

    def _take(self, unit: str, command: AboutNumbers) -> None:
        self.asked.append(command)


@pytest.fixture
def asking() -> Asking:
    found = Asking()
    found.leases.keep("node-1", "e1")
    return found


def test_a_lease_is_asked_for_once_a_day(asking: Asking) -> None:
    asking.leases.keep("node-1", "e1")
    asking.leases.ask_again()
    assert asking.asked == [LeaseNumbers("node-1", "A", 40), LeaseNumbers("node-1", "B", 40)]


def test_a_lease_that_was_not_given_is_asked_for_again(asking: Asking) -> None:
    asking.leases.failed("node-1", asking.asked[1])
    asking.leases.ask_again()
    asking.leases.ask_again()
    assert asking.asked[2:] == [LeaseNumbers("node-1", "B", 40)]


def test_yesterdays_lease_is_not_asked_for_again(asking: Asking) -> None:
    asking.leases.failed("node-1", asking.asked[1])
    assert asking.hall.day is not None
    asking.hall = replace(asking.hall, day=replace(asking.hall.day, date=asking.hall.day.date + timedelta(1)))
    asking.leases.ask_again()
    assert len(asking.asked) == 2


def test_what_a_unit_holds_follows_every_lease_that_is_given(asking: Asking) -> None:
    first, second = Lease(1, "node-1", "A", 1, 40), Lease(2, "node-1", "A", 41, 80)
    assert asking.leases.held("node-1") == {}
    for given, held in (
        (first, {1: 40}),
        (second, {1: 40, 2: 80}),
        (Lease(3, "node-2", "A", 81, 99), {1: 40, 2: 80}),
    ):
        asking.hall = replace(asking.hall, leases=asking.hall.leases.set(given.id, given))
        assert asking.leases.held("node-1") == held
