"""Reports to commands and effects to orders, through real brokers and a real store."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.hall.commands import CallNext, Finish, Start
from controller.hall.model import Slip, TicketState, WindowState
from controller.people import SYSTEM
from controller.presence import Status
from firmware.protocol import messages, topics
from firmware.protocol.messages import ControllerState, Key, ResultState, decode, encode
from tests.controller.brokers import KINDS, client
from tests.controller.sites import HALL, Running, Unit, desk, dispenser, raw_json, running
from tests.waiting import until


@pytest.fixture(params=KINDS)
def hall(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    with running(request.param, tmp_path) as found:
        yield found


def slip_of(unit_prints: dict[str, messages.Struct]) -> tuple[str, messages.Print]:
    (cid, order), *_ = unit_prints.items()
    assert isinstance(order, messages.Print)
    return cid, order


def test_a_press_becomes_a_ticket_an_ack_and_a_slip(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A", "B"))
    seq = unit.press(2)
    until(lambda: unit.acked() == seq and unit.commands(messages.Print))
    assert hall.numbers() == ["B001"]
    cid, order = slip_of(dict(unit.commands(messages.Print)))
    assert (order.press, order.press_epoch, order.number, order.device) == (seq, "e1", "B001", "printer-1")
    assert order.qr == f"{hall.settings.slip_url}/t/{hall.hall.tickets[1].token}"
    unit.say(messages.Printed(order=cid, press=seq))
    until(lambda: hall.hall.tickets[1].slip is Slip.PRINTED)
    until(lambda: hall.bus.pending_orders() == 0)


def test_a_redelivered_press_is_the_same_ticket(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    for _ in range(3):
        unit.press(seq=1)
    unit.press(seq=2)
    until(lambda: unit.acked() == 2)
    acks = len(unit.told("ack"))
    unit.press(seq=1)
    until(lambda: len(unit.told("ack")) > acks)
    assert unit.acked() == 2
    assert hall.numbers() == ["A001", "A002"]
    until(lambda: len(unit.commands(messages.Print)) == 2)


def test_messages_out_of_order_are_decided_in_order(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A", "B"))
    unit.press(2, seq=3)
    unit.press(1, seq=2)
    unit.press(2, seq=1)
    until(lambda: unit.acked() == 3)
    assert hall.numbers() == ["B001", "A001", "B002"]


def test_a_gap_is_asked_for_and_filled(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    unit.press(seq=1)
    unit.press(seq=4)
    until(lambda: unit.missed() == [(2, 3)])
    assert unit.acked() == 1
    unit.press(seq=3)
    unit.press(seq=2)
    until(lambda: unit.acked() == 4)
    assert hall.numbers() == ["A001", "A002", "A003", "A004"]


def test_bytes_that_are_no_message_are_set_aside_and_others_go_on(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    unit = hall.unit("node-1", dispenser("A"))
    good = unit.envelope(messages.Pressed(input="button-1"), 1)
    for payload in (
        b"\xff\xfe not JSON",
        b'{"ep":"e1","seq":"one"}',
        raw_json(good, seq=-3),
        raw_json(good, mono=float("nan")),
    ):
        unit.send("evt", payload)
    unit.send("health", b'{"sess":"x"}')
    unit.send("nonsense", b"{}")
    unit.press()
    until(lambda: unit.acked() == 1 and hall.bus.set_aside_total() == 6)
    assert hall.numbers() == ["A001"]
    assert hall.bus.counts()["quarantined"] == 6
    kept = {(row.topic.rpartition("/")[2], row.field) for row in hall.site.devices.set_aside(HALL)}
    assert ("health", "$.sess") in kept
    assert ("nonsense", "topic") in kept
    assert all(row.why and row.remedy for row in hall.site.devices.set_aside(HALL))
    assert hall.site.status().set_aside == 6


def test_unknown_kinds_and_unusable_reports_are_acked_and_kept(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    unit = hall.unit("node-1", dispenser("A"))
    press = messages.Pressed(input="button-1")
    unit.send("evt", raw_json(unit.envelope(press, 1), t="Teleported"))
    unit.send("evt", raw_json(unit.envelope(press, 2), v=9))
    unit.send("evt", raw_json(unit.envelope(press, 3), d={"input": 7}))
    unit.send("evt", raw_json(unit.envelope(press, 4), d={"input": "x" * 20_000}))
    unit.press(seq=5)
    until(lambda: unit.acked() == 5)
    assert hall.numbers() == ["A001"]
    counts = hall.bus.counts()
    assert (counts["unknown_kinds"], counts["quarantined"]) == (2, 2)
    kept = hall.site.devices.set_aside(HALL)
    assert [row.field for row in kept] == ["$", "$.input", "t", "t"]
    assert b"Teleported" in kept[3].payload


def test_a_report_nobody_can_make_sense_of_stops_no_other(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """F69: a time no calendar has"""
    caplog.set_level(logging.CRITICAL)
    unit = hall.unit("node-1", dispenser("A"))
    fault = unit.envelope(messages.Faulted(device="printer-1", code="printer.gone"), 1)
    unit.send("evt", raw_json(fault, ts="0001-01-01T00:00:00+14:00", tq="synced"))
    unit.press(seq=2)
    until(lambda: unit.acked() == 2)
    assert hall.numbers() == ["A001"]
    until(lambda: hall.bus.set_aside_total() == 1)


def runs_for(hall: Running, unit: Unit, uptime_s: float) -> None:
    """The unit is there and has run so long: its message n, dated n ms after its start, is as old."""
    unit.send("state", encode(messages.UnitState(online=True, sess=1, boot=1)), retain=True)
    unit.beat(uptime_s)
    until(lambda: hall.bus.presence.age_s(unit.name, 1, 0, time.monotonic()) >= uptime_s)


def test_a_key_pressed_during_an_outage_calls_nobody_after_it(hall: Running) -> None:
    taker, unit = hall.unit("node-1", dispenser("A")), hall.unit("node-2", desk(1))
    taker.press()
    runs_for(hall, unit, 60.0)
    seq = unit.say(messages.KeyPressed(device="keypad-1", key=Key.CALL_NEXT))
    until(lambda: unit.acked() == seq and hall.numbers())
    assert hall.hall.tickets[1].state is TicketState.WAITING
    (kept,) = hall.site.devices.set_aside(HALL)
    assert "late" in kept.why


def test_yesterdays_offline_numbers_wait_in_no_queue_today(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    runs_for(hall, unit, 50_000.0)
    press = unit.press()
    unit.say(messages.IssuedOffline(press=press, queue="A", number="A501", day="2020-01-02"))
    until(lambda: unit.acked() == 2)
    assert hall.numbers() == []
    until(lambda: hall.bus.set_aside_total() == 1)


def test_a_refused_press_tells_the_person_why(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A", "T", "nowhere"))
    seq = unit.press(3)
    until(lambda: unit.acked() == seq and unit.commands(messages.Refuse))
    (refuse,) = unit.commands(messages.Refuse).values()
    assert isinstance(refuse, messages.Refuse)
    assert (refuse.press, refuse.press_epoch, refuse.device) == (seq, "e1", "button-3")
    assert refuse.zh
    assert refuse.en
    assert hall.numbers() == []


def test_a_slip_that_did_not_come_out_cancels_its_ticket(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    seq = unit.press()
    until(lambda: unit.commands(messages.Print))
    cid, _ = slip_of(dict(unit.commands(messages.Print)))
    unit.say(messages.NotPrinted(order=cid, press=seq, why="paper out"))
    until(lambda: hall.hall.tickets[1].state is TicketState.CANCELLED)
    assert hall.hall.tickets[1].slip is Slip.VOID


def test_a_number_given_out_offline_is_taken_over(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    press = unit.press()
    until(lambda: hall.numbers() == ["A001"])
    day = hall.hall.day
    assert day is not None
    offline = messages.IssuedOffline(press=press, queue="A", number="A-2-001", day=day.date.isoformat())
    unit.say(offline)
    until(lambda: hall.numbers() == ["A-2-001"])
    unit.say(messages.Printed(order=f"offline-{press}", press=press))
    until(lambda: hall.hall.tickets[1].slip is Slip.PRINTED)
    assert unit.acked() <= 3


def test_an_order_is_sent_until_it_is_answered(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    unit.press()
    until(lambda: len([p for p in unit.told("cmd") if b"slip-" in p]) >= 2)
    cid, _ = slip_of(dict(unit.commands(messages.Print)))
    assert len(unit.commands(messages.Print)) == 1
    unit.answer(cid)
    until(lambda: hall.bus.pending_orders() == 0)


def test_pending_orders_are_sent_again_after_a_restart(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    unit.press()
    until(lambda: unit.commands(messages.Print))
    hall.restart()
    sent = len(unit.told("cmd"))
    until(lambda: len(unit.told("cmd")) > sent)
    cid, _ = slip_of(dict(unit.commands(messages.Print)))
    assert len(unit.commands(messages.Print)) == 1
    last = decode(unit.told("cmd")[-1], messages.Command)
    assert (last.cid, last.gen) == (cid, hall.site.generation)
    unit.press(seq=1)
    until(lambda: unit.acked() == 1)
    assert hall.numbers() == ["A001"]


def test_a_unit_set_ahead_of_a_restored_database_is_asked_for_the_rest(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    unit.birth(hi=7, acked=5)
    until(lambda: unit.missed() == [(1, 5)])


def test_keypad_keys_do_what_the_console_does(hall: Running) -> None:
    dispenser_unit, desk_unit = hall.unit("node-1", dispenser("A")), hall.unit("node-2", desk(1, 2))
    dispenser_unit.press()
    dispenser_unit.press()
    until(lambda: hall.numbers() == ["A001", "A002"])
    for key in (Key.CALL_NEXT, Key.START, Key.HOLD, Key.CALL_BACK, Key.FINISH, Key.PAUSE):
        seq = desk_unit.say(messages.KeyPressed(device="keypad-1", key=key))
        until(lambda seq=seq: desk_unit.acked() == seq)  # type: ignore[misc]
    assert hall.hall.tickets[1].state is TicketState.COMPLETED
    assert hall.hall.sessions[1].state is WindowState.PAUSED
    desk_unit.say(messages.KeyPressed(device="keypad-1", key=Key.PAUSE))
    until(lambda: hall.hall.sessions[1].state is WindowState.OPEN)


@pytest.mark.parametrize("key", [Key.RECALL, Key.TRANSFER, "unknown:7F"])
def test_a_key_that_makes_no_sense_beeps(tmp_path: Path, key: str) -> None:
    with running("nats", tmp_path) as hall:
        unit = hall.unit("node-2", desk(1))
        seq = unit.say(messages.KeyPressed(device="keypad-1", key=key))
        until(lambda: unit.acked() == seq and unit.commands(messages.Beep))


def test_a_call_is_shown_spoken_and_rated(hall: Running) -> None:
    taker, unit = hall.unit("node-1", dispenser("A")), hall.unit("node-2", desk(1, 2))
    taker.press()
    until(lambda: hall.numbers())
    hall.live.submit(CallNext(1), SYSTEM)
    until(lambda: unit.commands(messages.Speak))
    (speak,) = unit.commands(messages.Speak).values()
    assert isinstance(speak, messages.Speak)
    assert (speak.zh, speak.times) == ("请 大厅 A001 号到 1 号窗口办理业务", 2)  # S2.17
    until(lambda: (board := unit.board("w1")) and board.window and board.window.ticket == "A001")
    until(lambda: (board := unit.board("z-east")) and [call.number for call in board.calls] == ["A001"])
    hall.live.submit(Start(1), SYSTEM)
    hall.live.submit(Finish(1), SYSTEM)
    until(lambda: unit.commands(messages.AskRating))
    unit.say(messages.Rated(device="keypad-1", level=4, board="w1", ticket="A001"))
    until(lambda: hall.hall.tickets[1].rating == 4)
    until(lambda: unit.commands(messages.Thank))


def test_a_rating_that_fits_no_visit_is_kept_and_not_attached(hall: Running) -> None:
    unit = hall.unit("node-2", desk(1))
    seq = unit.say(messages.Rated(device="keypad-1", level=1, board="w1", ticket="A009"))
    until(lambda: unit.acked() == seq)
    (kept,) = hall.site.devices.set_aside(HALL)
    assert "without a finished ticket" in kept.why


def test_faults_are_noted_once_and_cleared(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    broken = messages.Faulted(device="printer-1", code="printer.paper_out", severity="citizen")
    unit.say(broken)
    unit.say(broken)
    until(lambda: unit.acked() == 2)
    (fault,) = hall.site.devices.faults(HALL)
    assert (fault.unit, fault.code, fault.severity) == ("node-1", "printer.paper_out", "citizen")
    unit.say(messages.Recovered(device="printer-1", code="printer.paper_out"))
    until(lambda: unit.acked() == 3)
    assert hall.site.devices.faults(HALL) == []
    assert hall.site.devices.last_faults(HALL)[0].until is not None


def test_a_dispenser_keeps_a_lease_of_each_of_its_queues(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A", "B", "A"))
    unit.birth()
    until(lambda: len(unit.commands(messages.Lease)) == 2)
    leases = list(unit.commands(messages.Lease).values())
    assert sorted(one.queue for one in leases if isinstance(one, messages.Lease)) == ["A", "B"]
    unit.birth(sess=2)
    unit.press()
    until(lambda: hall.numbers())
    assert len(hall.hall.leases) == 2
    lease = next(one for one in leases if isinstance(one, messages.Lease) and one.queue == "A")
    press = unit.press()
    number = f"A{lease.last:03d}"
    unit.say(messages.IssuedOffline(press=press, queue="A", number=number, day=lease.day, lease=lease.lease))
    until(lambda: len(unit.commands(messages.Lease)) == 3)


def test_units_are_seen_coming_and_going(hall: Running) -> None:
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


def test_a_unit_that_went_while_there_and_came_back_while_away_is_no_fault(hall: Running) -> None:
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


def test_a_unit_with_an_older_store_is_reported(hall: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    unit = hall.unit("node-1", dispenser("A"))
    unit.birth(sess=1)
    unit.press()
    unit.press()
    until(lambda: unit.acked() == 2)
    unit.birth(sess=2, hi=1)
    until(lambda: [fault.code for fault in hall.site.devices.faults(HALL)] == ["identity.set_back"])


def test_r17_two_boards_under_one_identity_are_both_set_apart(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    unit, other = hall.unit("node-1", dispenser("A")), hall.unit("node-2", dispenser("B"))
    for sess, board in enumerate(("one", "two", "one", "two"), 1):
        unit.birth(sess=sess, board=board)
    until(lambda: [fault.code for fault in hall.site.devices.faults(HALL)] == ["identity.clone"])
    unit.press()
    other.press()
    until(lambda: other.acked() == 1)
    assert hall.numbers() == ["B001"]
    assert unit.acked() == 0
    hall.restart()
    unit.press(seq=1)
    other.press()
    until(lambda: other.acked() == 2)
    assert unit.acked() == 0
    hall.site.devices.revoke("node-1", hall.live.clock.now())
    until(lambda: hall.site.devices.faults(HALL) == [])


def test_a_unit_gets_its_configuration_whole_and_again_when_it_changes(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    until(lambda: unit.told("cfg"))
    first = decode(unit.told("cfg")[-1], messages.UnitConfig)
    assert [one.device for one in first.devices] == ["button-1", "printer-1"]
    assert first.position == "node-1"
    devices = hall.site.devices
    devices.put_position(
        HALL,
        "node-1",
        devices.book.positions[HALL, "node-1"].name,
        dispenser("A", "B"),
        hall.live.clock.now(),
    )
    until(lambda: len(decode(unit.told("cfg")[-1], messages.UnitConfig).devices) == 3)
    assert decode(unit.told("cfg")[-1], messages.UnitConfig).rev > first.rev


def test_a_question_about_the_time_is_answered(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    unit.send("req", encode(messages.Request(rid="r1", t="time")))
    until(lambda: unit.told("rep"))
    reply = decode(unit.told("rep")[0], messages.Reply)
    assert reply.rid == "r1"
    assert reply.ts is not None
    assert reply.d["speed"] == 1
    assert abs(datetime.fromisoformat(reply.d["hall"]) - reply.ts) < timedelta(seconds=5)


def test_everything_is_back_after_the_broker_was_killed(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    unit.press()
    until(lambda: unit.acked() == 1 and unit.board("w1"))
    unit.client.got.clear()
    assert hall.broker.pid is not None
    os.kill(hall.broker.pid, signal.SIGKILL)
    until(lambda: hall.broker.restarts == 1 and hall.bus.is_up, timeout=20)
    until(lambda: unit.client.connects.count("Success") == 2 and unit.client.is_in, timeout=20)
    unit.press()
    until(lambda: unit.acked() == 2 and unit.board("w1") and unit.told("cfg"), timeout=20)
    assert hall.numbers() == ["A001", "A002"]


def test_the_controller_says_that_it_is_there_and_that_it_goes(hall: Running) -> None:
    topic = topics.controller_state(HALL)
    secret = hall.site.devices.add_unit(HALL, "listener", hall.live.clock.now())
    with client(hall.settings, "listener", secret, topic) as listener:
        until(lambda: listener.payloads(topic))
        here = decode(listener.payloads(topic)[-1], ControllerState)
        assert here.online
        assert here.gen == hall.site.generation
        until(lambda: decode(listener.payloads(topic)[-1], ControllerState).day)
        hall.site.close()
        until(lambda: not decode(listener.payloads(topic)[-1], ControllerState).online)


def test_late_orders_are_settled_as_expired(tmp_path: Path) -> None:
    with running("nats", tmp_path, slip_ttl_s=0.5) as hall:
        unit = hall.unit("node-1", dispenser("A"))
        unit.press()
        until(lambda: hall.bus.counts().get("orders_expired") == 1)
        until(lambda: hall.bus.pending_orders() == 0)
        cid, _ = slip_of(dict(unit.commands(messages.Print)))
        unit.answer(cid, ResultState.EXPIRED)
        seq = unit.press()
        until(lambda: unit.acked() == seq)


def test_what_the_store_could_not_take_is_tried_again_without_the_unit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with running("nats", tmp_path) as hall:
        unit = hall.unit("node-1", dispenser("A"))
        other = sqlite3.connect(hall.settings.data_dir / "hall.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # as a backup that hangs would
        unit.press()
        unit.press()
        until(lambda: hall.bus.is_stalled, timeout=20)
        assert (unit.acked(), hall.numbers()) == (0, [])
        other.rollback()
        other.close()
        until(lambda: unit.acked() == 2, timeout=20)
        assert hall.numbers() == ["A001", "A002"]


def test_a_unit_that_asks_for_the_news_gets_the_boards_it_lacks_again(hall):
    unit = hall.unit("desk", desk(1))
    held = until(lambda: unit.board("w1"))
    seen = len(unit.client.payloads(topics.board(HALL, "w1")))
    unit.send("req", b'{"rid":"q1","t":"news","d":{"boards":{"w1":[0,0]}}}')
    reply = decode(until(lambda: unit.told("rep"))[0], messages.Reply)
    assert messages.versions_in(reply) == {"w1": (held.gen, held.ver)}
    until(lambda: len(unit.client.payloads(topics.board(HALL, "w1"))) > seen)


def test_a_unit_that_holds_the_newest_boards_is_sent_none(hall):
    unit = hall.unit("desk", desk(1))
    until(lambda: unit.board("w1"))
    unit.send("req", b'{"rid":"q1","t":"news","d":{"boards":{"w1":[99,0],"unknown":[0,0]}}}')
    reply = decode(until(lambda: unit.told("rep"))[0], messages.Reply)
    assert messages.versions_in(reply) == {}


def test_a_question_about_news_that_names_no_versions_is_set_aside(hall):
    unit = hall.unit("desk", desk(1))
    unit.send("req", b'{"rid":"q1","t":"news","d":{"boards":{"w1":"newest"}}}')
    until(lambda: hall.bus.counts().get("quarantined") == 1)
