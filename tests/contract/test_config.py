"""What a unit shall be, and what it is: R15."""

from __future__ import annotations

from controller.clock import real_now
from controller.hall.model import Text
from firmware.protocol.codec import decode
from firmware.protocol.messages import ConfigState, UnitConfig
from tests.contract.unit import Unit
from tests.contract.whole import Whole
from tests.controller.sites import HALL, dispenser
from tests.firmware.far_end import FarEnd
from tests.waiting import until


def change(both: Whole, *queues: str) -> int:
    """Give node-1's position other buttons; the revision of that."""
    put = both.site.devices.put_position(
        HALL, "node-1", Text("node-1", "node-1"), dispenser(*queues), real_now()
    )
    return put.config.rev


def test_r15_a_configuration_comes_whole_and_again_when_it_changes(both: Whole) -> None:
    """Desired config is the full document with rev; a change is the whole document with a higher one."""
    unit = both.met()
    assert [one.device for one in unit.configs[-1].devices] == ["button-1", "printer-1"]
    assert unit.configs[-1].position == "node-1"
    rev = change(both, "A", "B")
    until(lambda: unit.configs[-1].rev == rev)
    assert [one.device for one in unit.configs[-1].devices] == ["button-1", "button-2", "printer-1"]
    assert unit.configs[0].rev < rev


def test_r15_only_a_newer_configuration_is_applied(unit: Unit, controller: FarEnd) -> None:
    """A unit applies it if rev is higher than what it applied."""
    unit.meet(controller)
    unit.link.report_config(ConfigState(rev=4, applied=4))
    controller.configure(UnitConfig(rev=4, position="hall-1", devices=[]))
    controller.configure(UnitConfig(rev=5, position="hall-1", devices=[]))
    until(lambda: unit.configs)
    assert {config.rev for config in unit.configs} == {5}


def test_r15_an_unreadable_configuration_is_reported_with_its_field(unit: Unit, controller: FarEnd) -> None:
    """It reports {rev, applied, errors}; a bad configuration leaves the last good one in force (F77)."""
    unit.meet(controller)
    unit.link.report_config(ConfigState(rev=4, applied=4))
    controller.down("cfg", b'{"rev": 6, "position": "p", "devices": [{"device": 3}]}')
    reported = until(
        lambda: [
            one
            for leaf, one in controller.heard()
            if leaf == "cfg" and isinstance(one, bytes) and b"devices" in one
        ]
    )
    state = decode(reported[0], ConfigState)
    assert (state.rev, state.applied) == (6, 4)
    assert "$.devices[0].device" in state.errors[0]


def test_r15_a_configuration_never_touches_the_outbox(both: Whole) -> None:
    """Config never touches the outbox: what waits is sent under the new one as under the old."""
    unit = both.met()
    both.near.is_refusing = True
    both.near.cut()
    until(lambda: not unit.link.is_up)
    epoch, last = unit.outbox.epoch, unit.press(5)
    rev = change(both, "A", "B")
    both.near.is_refusing = False
    until(lambda: unit.configs[-1].rev == rev)
    until(lambda: unit.outbox.acked >= last)
    assert unit.outbox.epoch == epoch
    assert len(both.numbers()) == 5


def test_r15_what_a_unit_applied_is_known_to_the_controller(both: Whole) -> None:
    """The reported revision is seen beside the desired one."""
    unit = both.met()
    rev = unit.configs[-1].rev
    unit.link.report_config(ConfigState(rev=rev, applied=0, errors=["button-1: no such pin"]))
    until(lambda: (seen := both.bus.presence.of("node-1").config) and seen.errors)
    assert both.site.devices.book.positions[HALL, "node-1"].config.rev == rev
