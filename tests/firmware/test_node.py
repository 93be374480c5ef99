"""A whole unit: the real drivers on emulated wires, the real store, a real broker."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys

import psutil
import pytest
from msgspec.structs import replace

from firmware import node as agent
from firmware.protocol.codec import decode
from firmware.protocol.messages import (
    AskRating,
    Beep,
    ConfigState,
    DeviceConfig,
    Faulted,
    IssuedOffline,
    KeyPressed,
    Pressed,
    Print,
    Printed,
    Recovered,
    Refuse,
    ResultState,
    SlipLine,
    Speak,
    Spoken,
)
from firmware.protocol.outbox import Outbox
from tests.controller.brokers import KINDS, free_port
from tests.firmware.hall_unit import (
    SLOW,
    Controller,
    NodeProcess,
    applied,
    healths,
    keep_config,
    kiosk_board,
    node_running,
    node_settings,
    offline,
    online,
    window_board,
)
from tests.waiting import until

ON_BOTH_BROKERS = pytest.mark.parametrize("settings", KINDS, indirect=True)


# --- a press


@ON_BOTH_BROKERS
def test_a_press_is_answered_with_the_controllers_number_on_paper(node, controller, hardware):
    hardware.push()
    until(lambda: controller.reports("Printed"), SLOW)
    assert controller.reports() == [Pressed(input="button-1"), Printed(order="slip-A001", press=1)]
    assert [slip.strip() for slip in hardware.slips()] == ["A001"]
    assert until(lambda: controller.ended("slip-A001")).state is ResultState.DONE


@ON_BOTH_BROKERS
def test_r08_a_repeated_order_prints_one_slip(node, controller, hardware):
    hardware.push()
    until(lambda: controller.granted)
    controller.grant(node.outbox.epoch, 1)
    until(lambda: controller.ended("slip-A001"), SLOW)
    controller.grant(node.outbox.epoch, 1)
    until(lambda: [one.state for one in controller.results("slip-A001")].count(ResultState.DONE) >= 2, SLOW)
    assert len(hardware.slips()) == 1
    assert controller.reports("Printed") == [Printed(order="slip-A001", press=1)]


def test_f16_without_an_answer_in_time_the_unit_gives_a_leased_number(node, controller, hardware):
    controller.lease(201, 240)
    controller.configure(hardware.config(2, grant_timeout_ms=100))
    until(lambda: applied(controller) == 2)
    controller.is_granting = False
    hardware.push()
    until(lambda: controller.reports("Printed"), SLOW)
    number = IssuedOffline(press=1, queue="A", number="A201", day="2026-11-23", lease=201)
    assert controller.reports()[1:] == [number, Printed(order="offline-1", press=1)]
    assert "A201" in hardware.slips()[0]
    assert "网络恢复后显示排队情况" in hardware.slips()[0]


def test_f17_an_answer_that_comes_too_late_prints_nothing(node, controller, hardware):
    controller.configure(hardware.config(2, grant_timeout_ms=50))
    until(lambda: applied(controller) == 2)
    controller.is_granting = False
    hardware.push()
    until(lambda: controller.reports("Printed"), SLOW)
    controller.grant(node.outbox.epoch, 1)
    assert until(lambda: controller.ended("slip-A001")).code == "press_settled"
    assert len(hardware.slips()) == 1
    assert controller.reports("NotPrinted") == []  # It would void the ticket the citizen holds.


@ON_BOTH_BROKERS
def test_f16_with_the_line_cut_numbers_go_on_at_once_and_are_told_later(node, controller, hardware, relay):
    offline(relay, node)
    hardware.push()
    hardware.push("button-2")
    until(lambda: len(hardware.slips()) == 2, SLOW)
    assert controller.reports() == []
    online(relay, node)
    until(lambda: len(controller.reports("Printed")) == 2, SLOW)
    numbers = sorted(one.number for one in controller.reports("IssuedOffline"))
    assert numbers == ["A-2-001", "B-2-001"]


def test_f01_without_paper_a_press_is_refused_and_no_number_is_used(node, controller, hardware):
    hardware.break_it("printer-1", "paper_out")
    until(lambda: controller.reports("Faulted"), SLOW)
    hardware.push()
    until(lambda: node.guard.counts().get("presses_refused"))
    hardware.break_it("printer-1", "paper_out", is_broken=False)
    until(lambda: controller.reports("Recovered"), SLOW)
    hardware.push()
    until(lambda: hardware.slips(), SLOW)
    assert [one.input for one in controller.reports("Pressed")] == ["button-1"]
    assert controller.reports("Faulted")[0].code == "printer.paper_out"


def test_f02_paper_that_ends_in_the_slip_makes_it_uncertain(node, controller, hardware):
    hardware.bench.device("printer-1").paper_mm = 20.0
    lines = [SlipLine(text=f"line {number}") for number in range(20)]
    controller.order("long", Print(device="printer-1", lines=lines, number="A009"))
    assert until(lambda: controller.ended("long"), SLOW).code == "uncertain"
    assert until(lambda: controller.reports("PrintUncertain"))[0].order == "long"


def test_f07_a_printer_that_is_gone_stops_no_votes(node, controller, hardware):
    hardware.break_it("printer-1", "unplug")
    until(lambda: controller.reports("Faulted"), SLOW)
    hardware.bench.device("keypad-1").rate(3)
    until(lambda: controller.reports("Rated"), SLOW)


def test_f10_while_a_printer_takes_no_bytes_keys_votes_and_boards_go_on(node, controller, hardware):
    """The slip hangs at the other end of the wire; nothing else of the unit waits for it."""
    hardware.break_it("printer-1", "blocked")
    long_slip = Print(device="printer-1", lines=[SlipLine(text="办" * 40)] * 300)
    controller.order("hangs", long_slip)
    until(lambda: [one for one in controller.results("hangs") if one.state is ResultState.RECEIVED], SLOW)
    hardware.bench.device("keypad-1").rate(3)
    hardware.bench.device("keypad-1").press("call_next")
    controller.show(window_board(1, "A008"))
    until(lambda: controller.reports("Rated") and controller.reports("KeyPressed"), SLOW)
    until(lambda: hardware.seen("led-1")["text"] == "A008", SLOW)
    assert until(lambda: controller.ended("hangs"), 2 * SLOW).code in ("uncertain", "not_printed")
    until(lambda: [one for one in controller.reports("Faulted") if one.device == "printer-1"], SLOW)


def test_a_refusal_of_the_controller_is_told_on_paper_where_there_is_no_screen(node, controller, hardware):
    controller.is_granting = False
    hardware.push()
    until(lambda: controller.reports("Pressed"))
    refusal = Refuse(
        device="button-1", press=1, press_epoch=node.outbox.epoch, zh="今日号已取完", en="Used up for today"
    )
    controller.order("no-1", refusal)
    assert until(lambda: controller.ended("no-1")).state is ResultState.DONE
    until(lambda: hardware.slips(), SLOW)
    assert "今日号已取完" in hardware.slips()[0]
    assert controller.reports("IssuedOffline") == []


def test_f40_while_the_disk_takes_nothing_no_number_is_given_out(node, controller, hardware):
    node.outbox._db.execute("PRAGMA query_only = ON")
    hardware.push()
    until(lambda: any(one.devices.get("node") == "node.store_failed" for one in healths(controller)), SLOW)
    node.outbox._db.execute("PRAGMA query_only = OFF")
    hardware.push("button-2")
    until(lambda: hardware.slips(), SLOW)
    until(lambda: "node" not in healths(controller)[-1].devices, SLOW)
    assert len(controller.reports("Pressed")) == 1


# --- keypads, boards, voice


def test_a_vote_is_stored_before_it_is_thanked_for(node, controller, hardware):
    controller.order("ask", AskRating(device="keypad-1", board="w3", ticket="A007"))
    until(lambda: controller.ended("ask"))
    hardware.bench.device("keypad-1").rate(3)
    until(lambda: hardware.seen("keypad-1")["stars"], SLOW)
    until(lambda: controller.reports("Rated"))
    (rated,) = controller.reports("Rated")
    assert (rated.board, rated.ticket) == ("w3", "A007")


def test_f28_votes_taken_offline_arrive_once(node, controller, hardware, relay):
    offline(relay, node)
    hardware.bench.device("keypad-1").rate(2)
    until(lambda: node.outbox.last == 1)
    online(relay, node)
    until(lambda: node.outbox.acked == 1)
    assert len(controller.reports("Rated")) == 1


def test_a_key_is_reported_and_a_beep_is_heard(node, controller, hardware):
    hardware.bench.device("keypad-1").press("call_next")
    until(lambda: controller.reports("KeyPressed"), SLOW)
    assert controller.reports("KeyPressed") == [KeyPressed(device="keypad-1", key="call_next")]
    controller.order("beep", Beep(device="keypad-1"))
    until(lambda: hardware.seen("keypad-1")["beeps"], SLOW)


@ON_BOTH_BROKERS
def test_f23_f24_the_newest_board_is_shown_whatever_comes_again(node, controller, hardware):
    for ver, line in ((2, "请A007号到3号窗口"), (1, "old"), (2, "again")):
        controller.show(window_board(ver, line))
    controller.show(window_board(1, "A008 正在办理", gen=2))
    until(lambda: hardware.seen("led-1")["text"] == "A008 正在办理", SLOW)
    assert node.shelf.get("w3").ver == 1
    controller.show(window_board(9, "of a controller that was replaced", gen=1))
    controller.show(kiosk_board(1))
    until(lambda: node.shelf.get("k-main"))
    assert node.shelf.get("w3").gen == 2


def test_f25_after_a_restart_without_the_controller_the_last_board_is_shown(folder, hardware):
    keep_config(folder / "unit", hardware.config())
    with node_running(node_settings(folder / "unit", 9)) as first:
        first._on_board(window_board(5, "A007 正在办理"))
        until(lambda: hardware.seen("led-1")["text"] == "A007 正在办理", SLOW)
    with node_running(node_settings(folder / "unit", 9)) as again:
        assert again.shelf.get("w3").ver == 5
        until(lambda: hardware.seen("led-1")["text"] == "A007 正在办理", SLOW)


def test_an_announcement_is_spoken_once_and_reported(node, controller, hardware):
    for _ in range(2):
        controller.order("call-1", Speak(device="speaker-1", zh="请A007号到3号窗口", en="A007", chime=False))
    until(lambda: controller.reports("Spoken"), SLOW)
    assert until(lambda: controller.ended("call-1")).state is ResultState.DONE
    assert controller.reports("Spoken") == [Spoken(order="call-1")]


def test_an_order_for_a_device_that_is_not_here_fails_with_its_name(node, controller):
    controller.order("c1", Beep(device="keypad-9"))
    result = until(lambda: controller.ended("c1"))
    assert (result.state, result.code) == (ResultState.FAILED, "no_device")
    assert "keypad-9" in result.detail


# --- configuration


def test_orders_wait_for_a_configuration_that_is_being_taken_up(folder, hardware, settings, controller):
    with node_running(node_settings(folder / "unit", settings.mqtt_port)):
        until(controller.births, SLOW)
        controller.order("first", Beep(device="keypad-1"))
        until(lambda: controller.results("first"), what="the order has come to the unit")
        controller.configure(hardware.config(1, without=("speaker-1",)))
        assert until(lambda: controller.ended("first"), SLOW).state is ResultState.DONE
        controller.configure(hardware.config(2))
        controller.order("second", Speak(device="speaker-1", zh="请A007号到3号窗口", en="A007", chime=False))
        assert until(lambda: controller.ended("second"), SLOW).state is ResultState.DONE


def test_orders_to_a_unit_that_gets_no_configuration_are_answered(folder, settings, controller):
    with node_running(node_settings(folder / "unit", settings.mqtt_port, first_config_s=0.1)):
        until(controller.births, SLOW)
        controller.order("c1", Beep(device="keypad-1"))
        assert until(lambda: controller.ended("c1")).code == "no_device"


@ON_BOTH_BROKERS
def test_r15_f77_a_bad_configuration_is_refused_with_reasons_and_the_last_good_stays(
    node, controller, hardware
):
    config = hardware.config(2)
    controller.configure(replace(config, devices=[*config.devices, config.devices[0]]))
    reported = until(lambda: [state for state in cfgs(controller) if state.rev == 2])[0]
    assert reported.applied == 1
    assert "button-1 is there 2 times" in reported.errors
    hardware.push()
    until(lambda: hardware.slips(), SLOW)


def test_f78_a_kind_of_device_this_version_does_not_know_is_refused(node, controller, hardware):
    config = hardware.config(2)
    robot = DeviceConfig(device="robot-1", kind="robot", wire="serial:/dev/x")
    controller.configure(replace(config, devices=[*config.devices, robot]))
    reported = until(lambda: [state for state in cfgs(controller) if state.rev == 2])[0]
    assert "robot" in reported.errors[0]
    assert reported.applied == 1


def cfgs(controller: Controller) -> list[ConfigState]:
    return [decode(one, ConfigState) for leaf, one in controller.heard() if leaf == "cfg"]


def test_a_press_during_a_reconfiguration_is_not_lost(node, controller, hardware):
    for rev in range(2, 8):
        keep = () if rev % 2 else ("keypad-1", "led-1", "speaker-1")
        controller.configure(hardware.config(rev, without=keep))
        hardware.push(f"button-{rev % 2 + 1}")
    until(lambda: applied(controller) == 7, SLOW)
    until(lambda: len(hardware.slips()) == 6, SLOW)
    assert len(controller.reports("Pressed")) == 6


def test_a_slip_waiting_for_a_printer_that_is_replaced_comes_out_of_the_new_one(node, controller, hardware):
    for number in range(4):
        controller.order(f"c{number}", Print(device="printer-1", lines=[SlipLine(text=f"slip {number}")]))
    changed = [
        type(one)(
            **{name: getattr(one, name) for name in one.__struct_fields__} | {"options": {"qr": "raster"}}
        )
        if one.kind == "printer"
        else one
        for one in hardware.config().devices
    ]
    controller.configure(type(hardware.config())(rev=2, position="hall-1", devices=changed))
    until(lambda: all(controller.ended(f"c{number}") for number in range(4)), SLOW)
    assert {controller.ended(f"c{number}").state for number in range(4)} == {ResultState.DONE}
    assert len(hardware.slips()) == 4


def test_health_names_the_worst_fault_of_each_device(node, controller, hardware):
    hardware.break_it("led-1", "unplug")
    until(lambda: any(health.devices.get("led-1") == "led.gone" for health in healths(controller)), SLOW)
    assert healths(controller)[-1].devices["printer-1"] == "ok"


# --- restarts


def test_faults_of_before_a_restart_end_with_it(folder, hardware, settings, controller):
    keep_config(folder / "unit", hardware.config())
    outbox = Outbox.open(folder / "unit" / "outbox.sqlite")
    outbox.append(Faulted(device="printer-1", code="printer.jam"))
    outbox.close()
    with node_running(node_settings(folder / "unit", settings.mqtt_port)):
        until(lambda: controller.reports("Recovered"), SLOW)
    assert controller.reports("Recovered") == [Recovered(device="printer-1", code="printer.jam")]


def test_f14_a_slip_begun_before_a_power_cut_is_uncertain_and_never_printed_again(
    folder, hardware, settings, controller
):
    keep_config(folder / "unit", hardware.config())
    outbox = Outbox.open(folder / "unit" / "outbox.sqlite")
    epoch = outbox.epoch
    seq, _ = outbox.press(Pressed(input="button-1"))
    order = Print(device="printer-1", lines=[], press=seq, press_epoch=epoch, number="A001")
    outbox.begin_slip("slip-A001", order)
    outbox.close()
    with node_running(node_settings(folder / "unit", settings.mqtt_port)):
        until(lambda: controller.reports("PrintUncertain"), SLOW)
        controller.grant(epoch, seq)
        assert until(lambda: controller.ended("slip-A001")).code == "uncertain"
    assert hardware.slips() == []
    assert controller.reports("PrintUncertain")[0].press == seq


def test_f41_a_corrupted_store_is_reported(folder, settings, controller):
    (folder / "unit").mkdir()
    (folder / "unit" / "outbox.sqlite").write_bytes(b"rubbish" * 1000)
    with node_running(node_settings(folder / "unit", settings.mqtt_port)):
        until(lambda: controller.reports("Faulted"), SLOW)
    assert controller.reports("Faulted")[0].code == "node.store_replaced"


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_stops_in_order_when_it_is_told_to(process, controller, number):
    process.start()
    until(lambda: controller.births(), SLOW)
    assert process.end(number) == 0
    until(lambda: [one for one in controller.states() if one.why == "stopped"])


@pytest.mark.system
def test_the_pages_die_with_a_killed_node(folder, settings, controller):
    places = node_settings(folder / "unit", settings.mqtt_port, pages=f"127.0.0.1:{free_port()}")
    process = NodeProcess(folder, places)
    try:
        agent_pid = process.start().pid
        until(lambda: controller.births(), SLOW)
        (pages,) = until(lambda: psutil.Process(agent_pid).children())
        process.kill()
        until(lambda: not pages.is_running(), SLOW)
    finally:
        process.close()


@pytest.mark.system
def test_systemd_hears_ready_and_then_the_watchdog(process, folder):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(folder / "notify"))
        systemd.settimeout(SLOW)
        process.start(NOTIFY_SOCKET=str(folder / "notify"))
        assert [systemd.recv(64) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]


@pytest.mark.system
def test_a_second_agent_on_the_same_data_does_not_start(process, folder, controller):
    process.start()
    until(lambda: controller.births(), SLOW)
    second = subprocess.run(
        [sys.executable, "-m", "firmware.cli", "node", "-c", str(folder / "unit.toml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "another agent runs with the data" in second.stderr


LOADED = """
import json, sys, threading
from pathlib import Path
from firmware.node import Node
from firmware.settings import load
node = Node(load(Path(sys.argv[1])))
node.start()
runner = threading.Thread(target=node.run)
runner.start()
while len(node.devices.health()) < 6 or not node.link.is_up:
    runner.join(0.05)
names = sorted(sys.modules)
node.stop(); runner.join(); node.close()
print(json.dumps(names))
"""


@pytest.mark.system
def test_the_agent_holds_nothing_in_memory_that_it_does_not_need(process, folder, hardware):
    keep_config(folder / "unit", hardware.config())
    agent = subprocess.run(
        [sys.executable, "-c", LOADED, str(folder / "unit.toml")], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(agent.stdout.splitlines()[-1]))
    assert not loaded & {"numpy", "flask", "sqlite_utils", "cv2", "sqlalchemy", "http.server"}


# --- the command


def test_an_unknown_setting_is_named_with_its_neighbours(tmp_path, capsys):
    file = tmp_path / "unit.toml"
    file.write_text('hall = "h"\nunit = "u"\nbroker = "mqtt://127.0.0.1"\ntokn = "x"\n')
    assert agent.main(["-c", str(file)]) == 1
    assert "unknown setting 'tokn'" in capsys.readouterr().err


def test_boards_without_a_wire_are_kept_for_pages(node, controller):
    controller.show(kiosk_board(3))
    until(lambda: node.shelf.get("k-main"))
    assert node.shelf.queue("A").en == "Social insurance"
