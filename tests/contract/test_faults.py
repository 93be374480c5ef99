"""Accidents no single rule is about: a controller that restarts in the middle, a partition, a thief."""

from __future__ import annotations

import logging

import pytest

from controller.hall.commands import TakeTicket
from controller.people import SYSTEM
from firmware.protocol import topics
from firmware.protocol.guard import Guard
from firmware.protocol.session import Session
from tests.contract.whole import Whole
from tests.firmware.far_end import HALL, QUICK
from tests.waiting import until

UNITS = 6


def test_f55_a_controller_that_restarts_in_the_middle_of_a_batch_loses_and_doubles_nothing(
    both: Whole,
) -> None:
    """Events on their way at a restart count once, orders get definite results, the generation is new."""
    unit = both.met()
    before = both.site.generation
    unit.press(20)
    until(lambda: both.numbers())
    both.stop()
    unit.press(5)
    both.begin()
    until(lambda: unit.is_quiet and len(unit.slips) == 25, timeout=40)
    until(lambda: both.bus.pending_orders() == 0, timeout=30)
    assert sorted(unit.slips) == sorted(both.numbers())
    assert len(set(both.numbers())) == 25
    assert both.site.generation > before


def test_f61_what_many_units_kept_through_a_partition_arrives_and_calls_go_on(both: Whole) -> None:
    """Everything that units gave out by themselves arrives once; who asks meanwhile is not kept waiting."""
    units = [both.met(f"node-{n}") for n in range(1, UNITS + 1)]
    both.near.is_refusing = True
    both.near.cut()
    until(lambda: not any(unit.link.is_up for unit in units))
    for unit in units:
        for _ in range(10):
            unit.press_alone()
    both.near.is_refusing = False
    both.live.submit(TakeTicket("A", "meanwhile"), SYSTEM)
    until(lambda: all(unit.is_quiet for unit in units), timeout=60)
    on_paper = [number for unit in units for number in unit.slips]
    assert len(on_paper) == len(set(on_paper)) == UNITS * 10
    assert set(on_paper) <= set(both.numbers())
    assert len(both.numbers()) == UNITS * 10 + 1


def test_f66_who_takes_another_units_client_id_stops_it_for_a_moment_only(
    both: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    """Who connects under another's client id says nothing in its name, and the other one comes back."""
    caplog.set_level(logging.CRITICAL)
    unit = both.met()
    other = both.add("node-2")
    thief = Session(
        other,
        client_id="node-1",
        guard=Guard(logging.getLogger("thief")),
        on_message=lambda topic, payload: None,
        on_up=lambda: None,
        filters=[topics.down(HALL, "node-2", "#")],
        timing=QUICK,
    )
    thief.start()
    until(lambda: thief.is_up and unit.downs, what="the thief has taken the connection")
    thief.publish(topics.up(HALL, "node-1", "evt"), b"{}")
    unit.press(3)
    thief.stop()
    until(lambda: unit.is_quiet and unit.slips == both.numbers(), timeout=30)
    assert len(both.numbers()) == 3
    assert both.bus.counts().get("quarantined", 0) == 0
