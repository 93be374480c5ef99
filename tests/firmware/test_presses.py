"""Whose number counts when ours and the controller's come at the same instant."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from firmware.devices import Devices
from firmware.drivers import Driver
from firmware.presses import Presses, PressRefused
from firmware.protocol.guard import Guard
from firmware.protocol.messages import IssuedOffline, Pressed, Print
from firmware.protocol.outbox import Outbox
from firmware.shelf import Shelf
from tests.waiting import until


class NoPrinter(Devices):
    """A unit without devices. Between giving up waiting and giving a number it is asked for its printer:
    then the controller's answer arrives."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(lambda report: None, guard)
        self.arrives: list[Print] = []
        self.presses: Presses | None = None

    def printer(self, name: str = "") -> Driver | None:
        while self.arrives and self.presses is not None:
            self.presses.answered(self.arrives.pop())
        return None


def made(outbox: Outbox, devices: Devices, guard: Guard, *, is_linked: bool = True) -> Presses:
    return Presses(
        outbox,
        devices,
        Shelf(outbox),
        guard,
        is_linked=lambda: is_linked,
        changed=lambda: None,
        print_offline=lambda issued: None,
    )


def test_who_checks_in_waits_for_the_controller_and_gets_no_number_of_ours(tmp_path: Path) -> None:
    guard, outbox = Guard(logging.getLogger(__name__)), Outbox.open(tmp_path / "outbox.sqlite")
    devices = Devices(lambda report: None, guard)
    presses, asked = made(outbox, devices, guard), Pressed(input="kiosk", appointment="12345678")
    presses.grant_timeout_s = 0.0
    seq = presses.take(asked, "tap-00000001")
    assert presses.take(asked, "tap-00000001") == seq
    assert presses.wait(seq, 0.0).number == ""
    order = Print(device="", lines=[], press=seq, press_epoch=outbox.epoch, number="A012", qr="https://x")
    assert presses.answered(order)
    assert presses.wait(seq, 0.0).number == "A012"
    with pytest.raises(PressRefused, match="check in"):
        made(outbox, devices, guard, is_linked=False).take(asked)
    presses.stop()
    outbox.close()


def test_f16_an_answer_that_comes_while_we_number_the_press_is_not_shown(tmp_path: Path) -> None:
    guard, outbox = Guard(logging.getLogger(__name__)), Outbox.open(tmp_path / "outbox.sqlite")
    devices, issued = NoPrinter(guard), list[IssuedOffline]()
    devices.presses = presses = Presses(
        outbox,
        devices,
        Shelf(outbox),
        guard,
        is_linked=lambda: True,
        changed=lambda: None,
        print_offline=issued.append,
    )
    presses.grant_timeout_s, presses.suffix = 0.3, "2"
    seq = presses.take(Pressed(input="kiosk", choice="A"))
    devices.arrives.append(Print(device="", lines=[], press=seq, press_epoch=outbox.epoch, number="A001"))
    assert [one.number for one in until(lambda: issued)] == ["A-2-001"]
    assert presses.wait(seq, 0).number == "A-2-001"
    presses.stop()
    outbox.close()
