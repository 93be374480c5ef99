"""The push button: one Pressed for one push (F12, F13)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from firmware import wires
from firmware.drivers.button import QUIET_S, ButtonDriver, Debounce, Verdict
from firmware.emulators.gpio import GpioBoard
from firmware.protocol.messages import DeviceConfig, Pressed
from firmware.wires import pins
from tests.firmware.rig import Reports, rig
from tests.waiting import until

BUTTON = {"kind": "button", "device": "button-1", "pin": 17}


def verdicts(debounce: Debounce, edges: list[tuple[float, bool]], end: float) -> list[Verdict]:
    """What the button says when it is looked at every millisecond while `edges` happen."""
    told: list[Verdict | None] = []
    waiting, is_down = list(edges), False
    for millisecond in range(int(end * 1000)):
        at = millisecond / 1000
        while waiting and waiting[0][0] <= at:
            is_down = waiting[0][1]
            told.append(debounce.edge(*waiting.pop(0)))
        told.append(debounce.check(at, is_down))
    return [verdict for verdict in told if verdict is not None]


def test_f12_a_bouncing_contact_is_one_press() -> None:
    edges = [(0.1, True), (0.102, False), (0.103, True), (0.3, False), (0.302, True), (0.304, False)]
    assert verdicts(Debounce(), edges, 1.0) == [Verdict.PRESSED]


def test_a_push_that_is_heard_of_when_it_is_over_counts() -> None:
    debounce = Debounce()
    assert debounce.edge(5.0, True) is None
    assert debounce.edge(5.15, False) is Verdict.PRESSED
    assert debounce.check(9.0, False) is None


def test_interference_that_is_heard_of_late_is_nothing() -> None:
    debounce = Debounce()
    assert debounce.edge(5.0, True) is None
    assert debounce.edge(5.005, False) is None
    assert debounce.check(9.0, False) is None


def test_letting_go_after_a_long_push_is_no_second_press() -> None:
    edges = [(0.1, True), (2.0, False), (2.003, True), (2.03, False)]
    assert verdicts(Debounce(), edges, 3.0) == [Verdict.PRESSED]


def test_f12_a_leaning_child_gets_one_ticket_per_800_ms() -> None:
    edges = [(at / 10, at % 2 == 1) for at in range(1, 17)]  # pushed every 200 ms from 0.1 to 1.5 s
    assert verdicts(Debounce(), edges, 2.0).count(Verdict.PRESSED) == 2


def test_interference_shorter_than_a_push_is_nothing() -> None:
    assert verdicts(Debounce(), [(0.1, True), (0.105, False)], 1.0) == []


def test_a_burst_on_the_cable_is_nothing() -> None:
    spikes = [
        (0.1 + n / 1000, n % 2 == 0) for n in range(16)
    ]  # every 2 ms, for as long as IEC 61000-4-4 has it
    assert verdicts(Debounce(), spikes, 1.0) == []


def test_a_push_whose_edge_was_lost_is_still_seen() -> None:
    debounce = Debounce()
    assert debounce.check(5.0, True) is None
    assert debounce.check(5.03, True) is Verdict.PRESSED


def test_f13_a_stuck_button_gives_one_ticket_then_a_fault_until_it_is_free() -> None:
    edges = [(0.1, True), (12.0, False)]
    assert verdicts(Debounce(), edges, 13.0) == [Verdict.PRESSED, Verdict.STUCK, Verdict.FREED]


def test_a_worn_button_on_a_pin_reports_one_press(tmp_path: Path) -> None:
    with rig(tmp_path, BUTTON) as hall:
        driver = hall.driver("button-1")
        hall.until(lambda: hall.state("button-1")["is_wired"])
        hall.broken("button-1", "bounce")
        button = hall.bench.device("button-1")

        def pushed_again() -> bool:
            button.press()  # type: ignore[union-attr, call-arg]
            return bool(driver.counts()["swallowed"])

        until(pushed_again, every=3 * QUIET_S)
        assert hall.reports.all[0] == Pressed(input="button-1")
        assert driver.counts()["presses"] == len(hall.reports.all)


def test_edges_carry_the_time_of_the_push_and_not_of_their_arrival(tmp_path: Path) -> None:
    board = GpioBoard(tmp_path / "gpio.sock")
    board.start()
    edges: list[tuple[float, bool]] = []
    pin = wires.open_button(
        wires.pin_wire(f"gpio:emulated:{board.path}#17"), lambda *edge: edges.append(edge)
    )
    try:
        until(lambda: board.is_watched(17))
        before = time.monotonic()
        board.set_level(17, True)
        after = time.monotonic()
        until(lambda: edges)
        assert before - 0.001 <= edges[0][0] <= after + 0.001
    finally:
        pin.close()
        board.stop()


def test_an_edge_that_comes_while_the_pin_is_opened_is_survived() -> None:
    """On a board it would be raised in the one thread that hears all pins."""

    class Busy(MockPin):  # type: ignore[misc]
        def _set_when_changed(self, heard: Callable[..., None] | None) -> None:
            super()._set_when_changed(heard)
            if heard is not None:
                self.drive_low()
                self.drive_high()
                self.drive_low()

    contact = pins._contact(wires.pin_wire("gpio:17"), MockFactory(pin_class=Busy))
    assert contact.is_active
    contact.close()


def test_f13_a_stuck_button_on_a_pin_faults_once_and_recovers_once(tmp_path: Path) -> None:
    with rig(tmp_path, BUTTON) as hall:
        driver = hall.driver("button-1", options={"stuck_s": "0.3"})
        hall.until(lambda: hall.state("button-1")["is_wired"])
        hall.broken("button-1", "stuck")
        hall.until(lambda: driver.health() == "input.stuck")
        hall.broken("button-1", "stuck", False)
        hall.until(lambda: driver.health() == "ok")
        assert hall.reports.codes() == ["+input.stuck", "-input.stuck"]
        assert len(hall.reports.of(Pressed)) == 1


@pytest.mark.parametrize("wire", ["gpio:", "gpio:40", "gpio:x", "serial:/dev/ttyUSB0", "gpio:emulated:17"])
def test_a_wrong_pin_is_told_with_how_to_write_it(wire: str) -> None:
    with pytest.raises(wires.WireFault, match="gpio:"):
        wires.pin_wire(wire)


def test_a_pin_that_was_in_use_at_the_start_is_opened_later(tmp_path: Path) -> None:
    board = GpioBoard(tmp_path / "gpio.sock")
    board.start()
    tries: list[wires.PinWire] = []

    def open_second(wire: wires.PinWire, on_edge: Callable[[float, bool], None]) -> wires.Pin:
        tries.append(wire)
        if len(tries) == 1:
            raise wires.WireFault("busy", "pin 17 cannot be used: it is in use")
        return wires.open_button(wire, on_edge)

    reports = Reports()
    config = DeviceConfig(device="button-1", kind="button", wire=f"gpio:emulated:{board.path}#17")
    driver = ButtonDriver(config, reports, open_second)
    driver.start()
    try:
        until(lambda: reports.codes() == ["+input.gone", "-input.gone"])
        until(lambda: board.is_watched(17))
        assert driver.health() == "ok"
    finally:
        driver.stop()
        board.stop()
