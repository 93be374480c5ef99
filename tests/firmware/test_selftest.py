"""Self-tests: what a unit finds by itself, and what it leaves for a person to say."""

from __future__ import annotations

from firmware.protocol.messages import Examine, Examined, ResultState
from tests.firmware.hall_unit import SLOW, keep_config, node_running, node_settings
from tests.waiting import until


def examine(controller, what: str, device: str = "") -> Examined:
    """Ask for a test and wait for what was found."""
    cid = f"examine-{what}-{device}"
    controller.order(cid, Examine(what=what, device=device))
    return until(lambda: of(controller, cid), SLOW, what=f"{cid} has ended")


def of(controller, cid: str) -> Examined | None:
    return next((one for one in controller.reports("Examined") if one.order == cid), None)


def found(examined: Examined) -> dict[str, bool | None]:
    return {check.name: check.is_ok for check in examined.checks}


def test_the_start_ends_with_a_quick_test(folder, hardware, controller, relay):
    keep_config(folder / "unit", hardware.config())
    settings = node_settings(folder / "unit", relay.port, selftest_after_s=2.0)
    with node_running(settings):
        examined = until(lambda: of(controller, ""), SLOW)
    assert examined.what == "quick"
    assert found(examined)["store"]
    assert "device printer-1" in found(examined)


def test_a_full_test_looks_at_the_whole_store_and_at_every_device(node, controller, hardware):
    hardware.break_it("led-1", "unplug")
    until(lambda: node.devices.health()["led-1"] != "ok", SLOW)
    examined = examine(controller, "full")
    assert found(examined)["store whole"]
    assert found(examined)["write time"] is not None
    assert found(examined)["device led-1"] is False
    assert "device led-1 led.gone" in [f"{check.name} {check.detail}" for check in examined.checks]
    assert until(lambda: controller.ended("examine-full-")).state is ResultState.DONE


def test_a_test_slip_comes_out_and_a_person_has_to_read_it(node, controller, hardware):
    assert found(examine(controller, "print", "printer-1")) == {"print": None}
    assert "这张不是号票" in hardware.slips()[0]


def test_a_printer_without_paper_fails_its_test(node, controller, hardware):
    hardware.break_it("printer-1", "paper_out")
    (check,) = examine(controller, "print", "printer-1").checks
    assert (check.is_ok, check.detail) == (False, "printer.paper_out")


def test_a_pattern_lights_every_segment(node, controller, hardware):
    assert found(examine(controller, "pattern", "led-1")) == {"pattern": None}
    until(lambda: hardware.seen("led-1")["text"] == "8888", SLOW)
    assert found(examine(controller, "pattern", "keypad-1")) == {"pattern": None}


def test_a_sentence_is_spoken(node, controller, hardware):
    assert found(examine(controller, "speak", "speaker-1")) == {"speak": None}
    until(lambda: "语音测试" in str(hardware.seen("speaker-1")), SLOW)


def test_keys_that_are_tested_are_no_tickets_and_no_calls(node, controller, hardware):
    controller.order("keys", Examine(what="keys", device="button-1"))
    until(lambda: node._selftest._keys is not None, SLOW)
    hardware.push("button-1")
    examined = until(lambda: of(controller, "keys"), SLOW)
    assert [(check.is_ok, check.detail) for check in examined.checks] == [(None, "press")]
    assert controller.reports("Pressed") == []
    until(lambda: hardware.push("button-1") or controller.reports("Pressed"), SLOW, every=0.5)


def test_no_key_is_a_failed_test(node, controller, monkeypatch):
    monkeypatch.setattr("firmware.selftest.KEYS_S", 0.1)
    (check,) = examine(controller, "keys", "keypad-1").checks
    assert (check.is_ok, check.detail) == (False, "no key came")


def test_what_a_device_cannot_do_is_said(node, controller):
    assert found(examine(controller, "print", "led-1")) == {"print": None}  # the unit's printer prints
    assert found(examine(controller, "snapshot", "led-1")) == {"snapshot": False}
    assert found(examine(controller, "dance")) == {"dance": False}
