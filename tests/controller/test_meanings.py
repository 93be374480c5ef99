"""What a press, a key and a rating at a device ask of the hall."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from controller import meanings
from controller.devices import Book
from controller.hall import commands as c
from controller.hall.model import Hall, PauseReason, Press, Refused, Slip, Text, TicketClass
from controller.meanings import Message
from controller.store.devices import Position, Unit
from firmware.protocol import messages
from firmware.protocol.messages import DeviceConfig, Key, UnitConfig
from tests.controller.sites import desk, dispenser
from tests.halls import go, small

NOW = datetime(2025, 3, 3, 1, 0, tzinfo=UTC)


def book(**units: UnitConfig) -> Book:
    placed = {name: Unit(name, "hall", name, "", NOW) for name in units}
    positions = {
        ("hall", name): Position("hall", name, Text(name, name), config) for name, config in units.items()
    }
    return Book(1, placed, positions)


DOOR, DESK = Message("door", "e1", 7), Message("desk", "e1", 8)


def key(hall: Hall, pressed: str, window: int = 1, digits: str = "") -> c.Command | None:
    report = messages.KeyPressed(device=f"keypad-{window}", key=pressed, digits=digits)
    meaning = meanings.of_key(book(desk=desk(1, 2)), hall, DESK, report)
    if meaning is not None:
        assert meaning.by.window == window
    return None if meaning is None else meaning.command


def test_a_button_takes_a_ticket_of_its_queue_under_the_presss_identity() -> None:
    meaning = meanings.of_press(book(door=dispenser("A", "B")), DOOR, messages.Pressed(input="button-2"), "t")
    assert meaning.command == c.TakeTicket("B", "t", press=Press("door", "e1", 7))


def test_a_green_button_gives_green_tickets() -> None:
    button = DeviceConfig(
        device="button-1", kind="button", wire="gpio:1", queue="A", options={"class": "green"}
    )
    green = book(door=UnitConfig(rev=0, position="", devices=[button]))
    meaning = meanings.of_press(green, DOOR, messages.Pressed(input="button-1"), "t")
    assert isinstance(meaning.command, c.TakeTicket)
    assert meaning.command.klass is TicketClass.GREEN


def test_a_kiosk_says_which_queue_and_a_button_may_not_say_another() -> None:
    found = book(door=dispenser("A"))
    meaning = meanings.of_press(found, DOOR, messages.Pressed(input="kiosk", choice="B", item="i-7"), "t")
    assert isinstance(meaning.command, c.TakeTicket)
    assert (meaning.command.queue, meaning.command.item) == ("B", "i-7")
    for odd in (messages.Pressed(input="button-1", choice="B"), messages.Pressed(input="button-9")):
        with pytest.raises(Refused):
            meanings.of_press(found, DOOR, odd, "t")


@pytest.mark.parametrize(
    ("pressed", "command"),
    [
        (Key.CALL_NEXT, c.CallNext(1)),
        (Key.RECALL, c.Recall(1)),
        (Key.START, c.Start(1)),
        (Key.NO_SHOW, c.NoShow(1)),
        (Key.HOLD, c.Hold(1, meanings.BY_KEYPAD)),
        (Key.DELAY, c.Delay(1, reason=meanings.BY_KEYPAD)),
        (Key.FINISH, c.Finish(1)),
        (Key.PAUSE, c.Pause(1, PauseReason.OTHER)),
        (Key.CANCEL, None),
        (Key.LINE, None),
    ],
)
def test_keys_of_a_caller_are_the_commands_of_its_window(pressed: Key, command: c.Command | None) -> None:
    assert key(small("A").hall, pressed) == command


def test_pause_pressed_again_resumes() -> None:
    assert key(go(small(), c.Pause(1, PauseReason.BREAK)).hall, Key.PAUSE) == c.Unpause(1)


def test_call_back_resumes_the_newest_held_ticket_or_returns_the_last_one_missed_here() -> None:
    state = go(
        small("A A A"), c.CallNext(1), c.Start(1), c.Hold(1, "x"), c.CallNext(1), c.Start(1), c.Hold(1, "x")
    )
    assert key(state.hall, Key.CALL_BACK) == c.Resume(1, 2)
    missed = go(small("A A"), c.CallNext(2), c.NoShow(2, "gone"), c.CallNext(1), c.NoShow(1, "gone"))
    assert key(missed.hall, Key.CALL_BACK) == c.ReturnTicket(2)
    with pytest.raises(Refused):
        key(small("A").hall, Key.CALL_BACK)


@pytest.mark.parametrize("pressed", [Key.TRANSFER, "unknown:7F"])
def test_keys_that_cannot_be_carried_out_are_refused(pressed: str) -> None:
    with pytest.raises(Refused):
        key(small("A").hall, pressed)


def test_digits_before_call_are_the_end_of_the_number_that_is_called_out_of_turn() -> None:
    assert key(small("A A A").hall, Key.CALL_NEXT, digits="03") == c.JumpCall(1, 3, meanings.BY_KEYPAD)


def test_digits_that_fit_nobody_or_several_call_nobody() -> None:
    for digits in ("9", "0"):
        with pytest.raises(Refused):
            key(small("A A").hall, Key.CALL_NEXT, digits=digits)


def test_digits_before_transfer_are_a_window() -> None:
    state = go(small("A"), c.CallNext(1))
    assert key(state.hall, Key.TRANSFER, digits="2") == c.Transfer(1, meanings.BY_KEYPAD, to_window=2)


def test_a_keypad_nobody_placed_means_nothing() -> None:
    with pytest.raises(Refused):
        meanings.of_key(book(), small().hall, DESK, messages.KeyPressed(device="keypad-1", key=Key.CALL_NEXT))


def rating(hall: Hall, number: str = "", board: str = "w1") -> c.Command | None:
    report = messages.Rated(device="keypad-1", level=5, board=board, ticket=number)
    meaning = meanings.of_rating(book(desk=desk(1, 2)), hall, DESK, report)
    return None if meaning is None else meaning.command


def test_a_rating_is_of_the_visit_the_screen_showed() -> None:
    state = go(small("A A"), c.CallNext(1), c.Start(1), c.Finish(1))
    assert rating(state.hall) == rating(state.hall, "A001") == c.Rate(1, 5)
    late = go(state, c.CallNext(1), c.Start(1), c.Finish(1))
    assert rating(late.hall, "A001") == c.Rate(1, 5)
    assert rating(late.hall) == c.Rate(2, 5)


def test_f30_a_rating_that_comes_late_is_not_for_who_was_finished_since() -> None:
    state = go(small("A"), c.CallNext(1), c.Start(1), c.Finish(1))
    desks, report = book(desk=desk(1, 2)), messages.Rated(device="keypad-1", level=1)
    late, timely = state.now - timedelta(minutes=5), state.now
    assert meanings.of_rating(desks, state.hall, DESK, report, late) is None
    assert meanings.of_rating(desks, state.hall, DESK, report, timely) is not None


@pytest.mark.parametrize(("number", "board"), [("A002", "w1"), ("A001", "w2"), ("Z9", "w1"), ("A001", "w77")])
def test_f30_a_rating_that_fits_no_finished_visit_is_attached_to_none(number: str, board: str) -> None:
    state = go(small("A A"), c.CallNext(1), c.Start(1), c.Finish(1), c.CallNext(1))
    assert rating(state.hall, number, board) is None


def test_what_became_of_a_slip_is_told_by_its_order() -> None:
    hall = go(small(), c.TakeTicket("A", "t", press=DOOR.press)).hall
    printed = meanings.of_slip(hall, DOOR, messages.Printed(order="slip-1-hall-1-1"))
    assert printed is not None
    assert printed.command == c.RecordSlip(1, Slip.PRINTED)
    void = meanings.of_slip(hall, DOOR, messages.NotPrinted(order="slip-1-hall-1-1"))
    assert void is not None
    assert void.command == c.RecordSlip(1, Slip.VOID)
    for order in ("slip-9-hall-1-1", "copy-1-hall-1-2", "offline-5", "offline-x", "slip-", "nonsense"):
        assert meanings.of_slip(hall, DOOR, messages.Printed(order=order)) is None


def test_a_late_void_of_the_dropped_slip_does_not_cancel_a_renumbered_ticket() -> None:
    state = go(small(), c.TakeTicket("A", "t", press=DOOR.press))
    offline = c.AcceptOffline(DOOR.press, "A", "A-2-001", "o", state.now)
    hall = go(state, offline).hall
    assert meanings.of_slip(hall, DOOR, messages.NotPrinted(order="slip-1-hall-1-1")) is None
    failed = meanings.of_slip(hall, DOOR, messages.NotPrinted(order=f"offline-{DOOR.seq}"))
    assert failed is not None
    assert failed.command == c.RecordSlip(1, Slip.VOID)


def test_no_unit_says_what_became_of_another_ones_slip() -> None:
    hall = go(small(), c.TakeTicket("A", "t", press=DOOR.press)).hall
    assert meanings.of_slip(hall, DESK, messages.NotPrinted(order="slip-1-hall-1-1")) is None


def test_a_slip_printed_offline_belongs_to_the_ticket_of_its_press() -> None:
    state = go(small(), c.TakeTicket("A", "t", press=Press("door", "e1", 5)))
    meaning = meanings.of_slip(state.hall, DOOR, messages.Printed(order="offline-5", press=5))
    assert meaning is not None
    assert meaning.command == c.RecordSlip(1, Slip.PRINTED)


@pytest.mark.parametrize(("text", "day"), [("2025-03-03", date(2025, 3, 3)), ("", None), ("soon", None)])
def test_an_offline_number_carries_the_day_its_unit_went_by(text: str, day: date | None) -> None:
    report = messages.IssuedOffline(press=5, queue="A", number="A-2-001", day=text)
    meaning = meanings.of_offline(replace(DOOR, seq=6), report, "t", NOW)
    assert meaning.command == c.AcceptOffline(Press("door", "e1", 5), "A", "A-2-001", "t", NOW, day=day)


def test_a_card_shown_before_makes_any_button_green() -> None:
    report = messages.Pressed(input="button-1", klass="green")
    meaning = meanings.of_press(book(door=dispenser("A")), DOOR, report, "t")
    assert isinstance(meaning.command, c.TakeTicket)
    assert meaning.command.klass is TicketClass.GREEN


def test_a_class_this_hall_does_not_know_is_an_ordinary_one() -> None:
    report = messages.Pressed(input="button-1", klass="platinum")
    meaning = meanings.of_press(book(door=dispenser("A")), DOOR, report, "t")
    assert isinstance(meaning.command, c.TakeTicket)
    assert meaning.command.klass is TicketClass.NORMAL


def test_a_slip_held_to_a_scanner_brings_back_who_missed_the_call() -> None:
    waiting = go(small(), c.TakeTicket("A", "slip-1"))
    missed = go(waiting, c.CallNext(1), c.NoShow(1, "gone")).hall
    scanned = messages.Scanned(device="scanner-1", code="http://hall/h/hall/t/slip-1")
    assert meanings.of_scan(waiting.hall, DOOR, scanned) is None
    meaning = meanings.of_scan(missed, DOOR, scanned)
    assert meaning is not None
    assert isinstance(meaning.command, c.ReturnTicket)
    assert meanings.of_scan(missed, DOOR, messages.Scanned(device="scanner-1", code="6901234567892")) is None
