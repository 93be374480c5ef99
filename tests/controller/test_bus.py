"""Reports to commands and effects to orders, through real brokers and a real store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.hall.commands import CallNext, Finish, Rate, Start
from controller.hall.model import Slip, TicketState, WindowState
from controller.hall.ratings import Channel
from controller.people import SYSTEM
from firmware.protocol import messages, topics
from firmware.protocol.codec import decode, encode
from firmware.protocol.messages import ControllerState, Key, ResultState
from firmware.protocol.progress import progress_in
from tests.controller.brokers import KINDS, client
from tests.controller.sites import HALL, Running, Unit, desk, dispenser, running
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
    assert hall.bus.set_aside_total() == 1


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

        def presses_again() -> bool:
            """A beep is worth 5 s, so that on a slow machine the first may come to nothing."""
            unit.say(messages.KeyPressed(device="keypad-1", key=key))
            return bool(unit.commands(messages.Beep))

        until(presses_again, every=1.0)


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


def test_a_second_rating_of_a_visit_is_kept_and_changes_nothing(hall: Running) -> None:
    taker, unit = hall.unit("node-1", dispenser("A")), hall.unit("node-2", desk(1))
    taker.press()
    until(hall.numbers)
    for command in (CallNext(1), Start(1), Finish(1), Rate(1, 5, Channel.PHONE)):
        hall.live.submit(command, SYSTEM)
    seq = unit.say(messages.Rated(device="keypad-1", level=2, board="w1", ticket="A001"))
    until(lambda: unit.acked() == seq)
    (kept,) = hall.site.devices.set_aside(HALL)
    assert (hall.hall.tickets[1].rating, kept.why) == (5, "refused: A001 has been rated already")


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


def test_a_question_about_the_time_is_answered(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    unit.send("req", encode(messages.Request(rid="r1", t="time")))
    until(lambda: unit.told("rep"))
    reply = decode(unit.told("rep")[0], messages.Reply)
    assert reply.rid == "r1"
    assert reply.ts is not None
    assert reply.d["speed"] == 1
    assert abs(datetime.fromisoformat(reply.d["hall"]) - reply.ts) < timedelta(seconds=5)


def test_a_question_about_a_number_is_answered_with_where_its_ticket_stands(hall: Running) -> None:
    unit = hall.unit("node-1", dispenser("A"))
    unit.press()
    until(hall.numbers)
    hall.live.submit(CallNext(1), SYSTEM)
    unit.send("req", encode(messages.Request(rid="r1", t="ticket", d={"number": "a1", "board": "k-main"})))
    reply = decode(until(lambda: unit.told("rep"))[0], messages.Reply)
    stands = progress_in(reply.d)
    assert (reply.rid, stands.number, stands.look, stands.window) == ("r1", "A001", "called", 1)


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
        until(lambda: hall.hall.tickets[1].slip is Slip.UNCERTAIN, what="nobody knows what came out")
        assert hall.hall.tickets[1].state is TicketState.WAITING
        cid, _ = slip_of(dict(unit.commands(messages.Print)))
        unit.answer(cid, ResultState.EXPIRED)
        seq = unit.press()
        until(lambda: unit.acked() == seq)


def test_a_slip_the_unit_did_not_print_in_time_is_void(tmp_path: Path) -> None:
    with running("nats", tmp_path) as hall:
        unit = hall.unit("node-1", dispenser("A"))
        unit.press()
        cid, _ = slip_of(until(lambda: dict(unit.commands(messages.Print))))
        unit.answer(cid, ResultState.EXPIRED)
        until(lambda: hall.hall.tickets[1].slip is Slip.VOID)
        assert hall.hall.tickets[1].state is TicketState.CANCELLED
