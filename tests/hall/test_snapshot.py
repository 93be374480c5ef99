"""A hall frozen and thawed is the same hall."""

from __future__ import annotations

from dataclasses import fields

from controller.hall.commands import CallNext, CancelTicket, Hold, LeaseNumbers, NoShow, Start, Transfer
from controller.hall.engine import new_hall
from controller.hall.snapshot import HallSnapshot, freeze, thaw
from tests.halls import Told, go, small, small_plan, take

RECORDS = ("plan", "day", "paces", "figures", "figures_at")


def busy() -> Told:
    state = small("A A A A A B T")
    state = go(state, take(state, "A", person="p1"), LeaseNumbers("node-1", "A", 5), CancelTicket(5))
    state = go(state, CallNext(1), NoShow(1, "gone"), CallNext(1), Start(1), Hold(1, "form"))
    return go(state, CallNext(1), Transfer(3, "knows it", to_window=2), CallNext(1))


def test_a_thawed_hall_equals_the_frozen_one() -> None:
    hall = busy().hall
    assert thaw(freeze(hall)) == hall
    assert thaw(freeze(new_hall("hall", small_plan()))) == new_hall("hall", small_plan())


def test_a_thawed_hall_decides_alike() -> None:
    state = busy()
    thawed = Told(thaw(freeze(state.hall)), state.now)
    assert go(thawed, CallNext(2)).events == go(state, CallNext(2)).events[len(state.events) :]


def test_a_snapshot_holds_plain_lists_only() -> None:
    snapshot = freeze(busy().hall)
    for field in fields(HallSnapshot):
        value = getattr(snapshot, field.name)
        assert isinstance(value, list | int | str) or field.name in RECORDS
