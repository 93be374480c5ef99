"""Two boards under one identity, and boards that were set back: R17."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace

import pytest

from tests.contract.unit import TIMING, Unit
from tests.contract.whole import Whole
from tests.controller.sites import HALL, Running, desk, dispenser
from tests.waiting import until


def test_r17_two_boards_under_one_identity_are_both_set_apart(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """Two live sessions for one unit, three takeovers in 60 s: neither is heard until a technician acts."""
    caplog.set_level(logging.CRITICAL)
    unit, other = hall.unit("node-1", dispenser("A")), hall.unit("node-2", dispenser("B"))
    for sess, board in enumerate(("one", "two", "one", "two"), 1):
        unit.birth(sess=sess, board=board)
    until(lambda: [fault.code for fault in hall.site.devices.faults(HALL)] == ["identity.clone"], timeout=30)
    unit.press()
    other.press()
    until(lambda: other.acked() == 1)
    assert hall.numbers() == ["B001"]
    assert unit.acked() == 0
    hall.restart()
    unit.press(seq=1)
    until(lambda: other.press(seq=2) == other.acked(), every=0.2)  # the subscription may not hold yet
    assert unit.acked() == 0
    hall.site.devices.revoke("node-1", hall.live.clock.now())
    until(lambda: hall.site.devices.faults(HALL) == [])


def test_r17_a_copied_card_in_a_second_board_is_found(both: Whole, caplog: pytest.LogCaptureFixture) -> None:
    """A cloned card conflicts visibly: two boards take the connection from each other (F65)."""
    caplog.set_level(logging.CRITICAL)
    login = both.add("node-1", desk(1))
    timing = replace(TIMING, session=replace(TIMING.session, backoff_min_s=0.3, backoff_max_s=0.6))
    first = Unit(login, both.folder / "first", timing, board="10000000a1b2c3d4")
    first.outbox.close()
    shutil.copytree(both.folder / "first", both.folder / "second")
    boards = [
        Unit(login, both.folder / name, timing, board=serial)
        for name, serial in (("first", "10000000a1b2c3d4"), ("second", "10000000ffffffff"))
    ]
    for board in boards:
        board.link.start()
    until(lambda: both.faults() == ["identity.clone"], timeout=20)
    for board in boards:
        board.close()


def test_r17_a_board_that_only_restarts_is_one_board(both: Whole) -> None:
    """A board that restarts again and again is a new life each time and no clone."""
    unit = both.met()
    for _ in range(4):
        unit.close()
        unit = Unit(both.login("node-1"), unit.folder)
        unit.link.start()
        unit.press()
        until(lambda unit=unit: unit.is_quiet)  # type: ignore[misc]
    unit.close()
    assert len(both.numbers()) == 4
    assert "identity.clone" not in both.faults()


def test_r17_a_unit_with_an_older_store_is_reported(hall: Running, caplog: pytest.LogCaptureFixture) -> None:
    """A restored card ends before what was heard of it: reported, as its numbers would be used twice (R3)."""
    caplog.set_level(logging.CRITICAL)
    unit = hall.unit("node-1", dispenser("A"))
    unit.birth(sess=1)
    unit.press()
    unit.press()
    until(lambda: unit.acked() == 2)
    unit.birth(sess=2, hi=1)
    until(lambda: [fault.code for fault in hall.site.devices.faults(HALL)] == ["identity.set_back"])
