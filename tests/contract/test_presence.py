"""Who is there: R12, R13."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from controller.presence import Status
from firmware.protocol import messages
from firmware.protocol.codec import encode
from firmware.protocol.messages import UnitState
from tests.contract.unit import Unit
from tests.contract.whole import Whole, whole
from tests.controller.sites import HALL, Running, dispenser, running
from tests.faults.proxy import Proxy, Way, where
from tests.firmware.far_end import FarEnd, far_end
from tests.waiting import until


def sessions(controller: FarEnd, *, online: bool) -> list[int]:
    """Session numbers that were told as online, or as ended."""
    return sorted({one.sess for one in controller.states() if one.online is online})


def test_r12_will_and_state_carry_the_number_of_their_connection(
    unit: Unit, proxy: Proxy, controller: FarEnd
) -> None:
    """The will and the state carry sess, durable and one higher with each connection."""
    unit.meet(controller)
    until(lambda: sessions(controller, online=True))
    proxy.cut()
    until(lambda: len(sessions(controller, online=True)) == 2 and sessions(controller, online=False))
    told = {one.sess: one.why for one in controller.states() if not one.online}
    first, second = sessions(controller, online=True)
    assert told == {first: "connection lost"}
    assert second == first + 1 == unit.outbox.session


def test_r12_a_unit_that_stops_says_so_instead_of_leaving_a_will(unit: Unit, controller: FarEnd) -> None:
    """A clean stop is said by the unit itself."""
    unit.meet(controller)
    until(lambda: controller.states())
    unit.link.stop()
    until(lambda: [one for one in controller.states() if one.why == "stopped"])
    assert "connection lost" not in [one.why for one in controller.states()]


def test_r12_an_old_will_after_a_new_birth_is_ignored(both: Whole) -> None:
    """online:false counts only when its sess is the current one: a half-open line's will comes late (F67)."""
    unit = both.met()
    will = both.far.hold(lambda packet: packet.topic.endswith("up/state") and b"lost" in packet.payload)
    both.near.drop(lambda packet: packet.line == 1)  # the first connection goes dead, nobody is told
    until(lambda: unit.ups == 2 and will.hits, timeout=20)
    until(lambda: both.bus.presence.of("node-1").sess == 2)
    will.lift()
    both.far.release()
    unit.press()
    until(lambda: unit.is_quiet)
    assert both.bus.units()[0].status is Status.ONLINE
    assert both.bus.presence.of("node-1").is_claimed


def test_r12_units_are_seen_coming_and_going(hall: Running) -> None:
    """The controller notes once when a unit goes and once when it is back."""
    unit = hall.unit("node-1", dispenser("A"))
    (at_first,) = hall.bus.units()
    assert at_first.status is Status.UNKNOWN
    unit.birth(sess=3)
    unit.beat()
    until(lambda: hall.bus.units()[0].status is Status.ONLINE)
    old_will = messages.UnitState(online=False, sess=2, boot=1)
    unit.send("state", encode(old_will), retain=True)
    unit.press()
    until(lambda: unit.acked() == 1)
    assert hall.bus.units()[0].status is Status.ONLINE
    unit.send("state", encode(messages.UnitState(online=False, sess=3, boot=1)), retain=True)
    until(lambda: hall.bus.units()[0].status is Status.OFFLINE)
    until(lambda: [fault.code for fault in hall.site.devices.faults(HALL)] == ["unit.offline"])
    unit.birth(sess=4, hi=1)
    unit.beat()
    until(lambda: hall.site.devices.faults(HALL) == [])


def test_r13_heartbeats_are_not_retained_and_health_documents_are(
    unit: Unit, controller: FarEnd, settings
) -> None:
    """A heartbeat is a live word; only the whole health document is retained."""
    unit.meet(controller)
    until(lambda: controller.leaves().count("health") >= 4)
    with far_end(settings) as late:
        first = until(lambda: [one for leaf, one in late.heard() if leaf == "health"])[0]
    assert json.loads(first)["full"]


def test_r13_a_retained_online_alone_turns_suspect_and_then_offline(kind: str, tmp_path: Path) -> None:
    """A retained online without health is suspect after 90 s and offline after 180 s (F68); here shorter."""
    with running(kind, tmp_path, suspect_after_s=1.0, offline_after_s=3.0) as hall:
        ghost = hall.unit("node-1", dispenser("A"))
        ghost.send("state", encode(UnitState(online=True, sess=1, boot=1)), retain=True)
        for wanted in (Status.ONLINE, Status.SUSPECT, Status.OFFLINE):
            until(lambda wanted=wanted: hall.bus.units()[0].status is wanted)  # type: ignore[misc]
        until(lambda: [fault.code for fault in hall.site.devices.faults(HALL)] == ["unit.offline"])


def test_r13_a_unit_that_falls_silent_is_offline_on_the_controllers_clock(kind: str, tmp_path: Path) -> None:
    """A unit whose line is half open falls silent, is offline, and is back when it speaks (F59)."""
    with whole(kind, tmp_path, heartbeat_lost_s=1.0) as both:
        unit = both.met()
        hole = both.near.drop(where(Way.UP))
        until(lambda: both.bus.units()[0].status is Status.OFFLINE and both.faults() == ["unit.offline"])
        hole.lift()
        unit.press()
        until(lambda: both.bus.units()[0].status is Status.ONLINE and both.faults() == [], timeout=20)
        until(lambda: unit.is_quiet)
        assert both.numbers() == ["A001"]


def test_r13_what_went_while_the_controller_was_there_and_came_while_it_was_away_is_no_fault(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """An offline fault of before a restart ends when the unit is heard after it."""
    caplog.set_level(logging.CRITICAL)
    unit = hall.unit("node-1", dispenser("A"))
    unit.birth(sess=3)
    unit.beat()
    until(lambda: hall.bus.units()[0].status is Status.ONLINE)
    unit.send("state", encode(messages.UnitState(online=False, sess=3, boot=1)), retain=True)
    until(lambda: [fault.code for fault in hall.site.devices.faults(HALL)] == ["unit.offline"])
    unit.birth(sess=4)
    hall.restart()

    def is_cleared() -> bool:
        unit.beat()  # one before the subscription holds is heard by nobody
        return hall.site.devices.faults(HALL) == []

    until(is_cleared)
