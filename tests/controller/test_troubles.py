"""What the controller says of a unit that goes away and comes back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.clock import real_now
from controller.hall.model import Text
from controller.presence import Presence
from controller.store.devices import Record, last_faults
from controller.store.records import add_hall
from controller.troubles import FLAPS_CALM_S, Troubles
from firmware.protocol.logs import Outages
from firmware.protocol.messages import UnitState
from tests.controller.sites import HALL, dispenser
from tests.web.desk import Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        with opened.site.store.writing() as c:
            add_hall(c, HALL, Text("大厅", "Hall"), real_now())
        opened.site.devices.put_position(HALL, "front", Text("前", "front"), dispenser("A"), real_now())
        opened.site.devices.add_unit(HALL, "front", real_now(), "front")
        yield opened


def test_f62_a_unit_that_comes_and_goes_is_told_as_away_until_it_stays(desk: Desk) -> None:
    """Ten absences of ten seconds are three rows, and the last ends when the unit has stayed a minute."""
    presence = Presence()
    troubles = Troubles(
        HALL, desk.site.devices, presence, desk.live.clock, _keeper(desk), Outages(logging.getLogger()), 60.0
    )
    at_s = 0.0
    for sess in range(1, 11):
        presence.state("front", UnitState(online=True, sess=sess, boot=1), at_s)
        troubles.watch(at_s + 1)
        presence.state("front", UnitState(online=False, sess=sess, boot=1), at_s + 10)
        troubles.watch(at_s + 11)
        at_s += 20
    presence.state("front", UnitState(online=True, sess=11, boot=1), at_s)
    troubles.watch(at_s)
    assert _open(desk) == [None]
    troubles.watch(at_s + FLAPS_CALM_S)
    assert _open(desk) == []
    with desk.site.store.reading() as c:
        told = last_faults(c, HALL)
    assert len(told) == 3
    assert told[0].detail == "comes and goes: 3 times in 10 min"


def _keeper(desk: Desk):
    def keep(row: Record) -> None:
        with desk.site.store.writing() as c:
            row(c)

    return keep


def _open(desk: Desk) -> list[object]:
    """When each open fault of the hall ended: not yet."""
    return [fault.until for fault in desk.site.devices.faults(HALL)]
