"""What screens show, read from the hall's value; and what makes a board new."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from controller import boards
from controller.boards import Version
from controller.hall.calendar import Calendar
from controller.hall.commands import (
    CallNext,
    ChangePlan,
    CloseDay,
    Finish,
    Logout,
    OpenDay,
    Pause,
    Start,
)
from controller.hall.duty import opening
from controller.hall.model import PauseReason, Sitting, TicketClass
from controller.hall.sessions import Extended, SessionKind, SessionMode
from controller.hall.waits import forecast, in_words
from controller.screens import Screens
from firmware.protocol.messages import QueueLine
from tests.halls import CLOSING, OPENING, Told, after, go, small, small_plan, told


def face(state: Told, window: int) -> boards.WindowBoard:
    return boards.window_board(state.hall, window, state.now)


def lines(state: Told, domain: str = "main") -> dict[str, QueueLine]:
    return {
        line.code: line
        for line in boards.kiosk_queues(state.hall, domain, state.now, forecast(state.hall, state.now))
    }


def test_a_window_shows_whom_it_calls_and_who_sits_there() -> None:
    state = go(small("A A"), CallNext(1))
    shown = face(state, 1)
    assert (shown.ticket, shown.is_called, shown.calls, shown.waiting) == ("A001", True, 1, 1)
    assert (shown.staff_number, shown.staff_name) == ("001", "王*")
    assert shown.line == "请A001号到1号窗口"


def test_a_window_stops_flashing_when_service_begins_and_clears_when_it_ends() -> None:
    state = go(small("A"), CallNext(1), Start(1))
    assert (face(state, 1).is_called, face(state, 1).line) == (False, "A001 正在办理")
    state = go(state, Finish(1))
    assert (face(state, 1).ticket, face(state, 1).state) == ("", "open")


def test_a_paused_window_says_so_and_a_closed_one_names_nobody() -> None:
    state = go(small(), Pause(1, PauseReason.BREAK, timedelta(minutes=10)), Logout(2))
    assert face(state, 1).line == "暂停服务"
    assert face(state, 1).until is not None
    assert (face(state, 2).staff_name, face(state, 2).line) == ("", "窗口未开")


def test_a_zone_shows_its_newest_call_first_and_no_other_zones_windows() -> None:
    state = go(small("A A", staff="wang@1 li@2 zhao@3"), CallNext(1), after(seconds=5), CallNext(2))
    calls = boards.zone_calls(state.hall, "east")
    assert [(call.number, call.window) for call in calls] == [("A002", 2), ("A001", 1)]
    assert boards.zone_calls(state.hall, "west") == []


def test_a_kiosk_says_how_many_wait_how_long_and_who_is_next() -> None:
    state = small("A A A A")
    line = lines(state)["A"]
    assert (line.waiting, line.windows, line.next) == (4, 2, ["A001", "A002", "A003"])
    told = in_words(forecast(state.hall, state.now).joining["A", TicketClass.NORMAL])
    assert (line.wait, line.wait_min, line.wait_max, line.is_rough) == ("about", told.low, told.high, True)
    assert line.is_open


def test_a_queue_without_a_window_promises_no_time() -> None:
    line = lines(small("B", staff="wang@1"))["B"]
    assert (line.windows, line.wait, line.wait_min, line.is_open) == (0, "none", None, True)


def test_no_ticket_can_be_taken_before_the_day_opens_or_after_it_closes() -> None:
    assert lines(told())["A"].why_zh == "现在不在取号时间"
    closed = lines(go(small(), CloseDay()))["A"]
    assert not closed.is_open
    assert closed.why_en


def test_a_queue_that_gave_out_its_quota_says_so() -> None:
    plan = small_plan()
    small_quota = replace(plan, queues=(replace(plan.queues[0], daily_quota=1), *plan.queues[1:]))
    assert lines(small("A", plan=small_quota))["A"].why_zh == "今日号已取完，可预约其他时间"


def test_every_board_of_the_plan_is_drawn_and_no_other() -> None:
    state = small("A")
    names = boards.names(state.hall)
    assert names == ["w1", "w2", "w3", "w4", "z-east", "z-west", "k-main", "k-tax"]
    drawn = [boards.draw(state.hall, name, state.now, Version(3, 7)) for name in names]
    assert all(board is not None and (board.gen, board.ver) == (3, 7) for board in drawn)
    assert boards.draw(state.hall, "w99", state.now, Version(1, 1)) is None
    assert boards.draw(state.hall, "nonsense", state.now, Version(1, 1)) is None


def test_no_board_carries_more_of_a_name_than_its_first_character() -> None:
    state = go(small("A A", staff="wang@1 li@2 zhao@3"), CallNext(1))
    text = str([boards.draw(state.hall, name, state.now, Version(1, 1)) for name in boards.names(state.hall)])
    assert not [clerk.name for clerk in state.hall.plan.clerks if clerk.name in text]


def test_a_call_touches_its_window_zone_and_kiosk() -> None:
    before = small("A")
    state = go(replace(before, effects=()), CallNext(1))
    touched = boards.touched(state.hall, state.effects)
    assert {"w1", "z-east", "k-main"} <= touched
    assert "k-tax" not in touched


def test_a_board_is_new_only_when_somebody_could_see_a_difference() -> None:
    state = [small("A")]
    screens = Screens(lambda: state[0].hall, lambda: state[0].now, gen=2)
    fresh, gone = screens.refresh()
    assert ({board.ver for board in fresh}, gone) == ({1}, [])
    screens.touch_all()
    assert screens.refresh() == ([], [])
    state[0] = go(replace(state[0], effects=()), CallNext(1))
    screens.touch(state[0].effects)
    fresh, _ = screens.refresh()
    assert {(board.board, board.ver) for board in fresh} == {("w1", 2), ("z-east", 2), ("k-main", 2)}
    screens.touch_late()  # how many wait, at the other windows of the queue
    fresh, _ = screens.refresh()
    assert {board.board for board in fresh} == {"w2", "w4"}
    assert screens.wait("w1", after=1, timeout_s=0) == screens.get("w1")
    assert screens.wait("w1", after=2, timeout_s=0) is None


def test_a_kiosk_says_where_to_wait_and_who_is_called() -> None:
    state = go(small("A"), CallNext(1))
    board = boards.draw(state.hall, "k-main", state.now, Version(1, 1), "Asia/Shanghai")
    assert board is not None
    assert (board.hall_zh, board.time_zone) == (state.hall.plan.name.zh, "Asia/Shanghai")
    assert next((line.code, line.zone_zh) for line in board.queues) == ("A", "东区")
    assert [(call.number, call.window) for call in board.calls] == [("A001", 1)]


def test_a_board_is_drawn_at_once_unless_it_was_drawn_just_now() -> None:
    state = [small("A A", staff="wang@1 li@2")]
    screens = Screens(lambda: state[0].hall, lambda: state[0].now, gen=1, every_s=0.1)
    screens.refresh(10.0)
    state[0] = go(replace(state[0], effects=()), CallNext(1))
    screens.touch(state[0].effects)
    assert "w1" in {board.board for board in screens.refresh(11.0)[0]}
    state[0] = go(replace(state[0], effects=()), CallNext(2))
    screens.touch(state[0].effects)
    assert {board.board for board in screens.refresh(11.05)[0]} == {"w2"}
    assert screens.is_dirty
    assert "z-east" in {board.board for board in screens.refresh(11.1)[0]}


def test_a_windows_own_board_does_not_wait_for_the_others() -> None:
    state = [small("A")]
    screens = Screens(lambda: state[0].hall, lambda: state[0].now, gen=1)
    screens.refresh()
    state[0] = go(replace(state[0], effects=()), CallNext(1))
    screens.touch(state[0].effects)
    assert {board.board for board in screens.refresh_windows()} == {"w1"}
    assert {board.board for board in screens.refresh()[0]} == {"z-east", "k-main"}


def test_the_boards_of_a_window_that_is_gone_are_taken_away() -> None:
    state = [small(staff="wang@1")]
    screens = Screens(lambda: state[0].hall, lambda: state[0].now, gen=1)
    screens.refresh()
    plan = small_plan()
    state[0] = go(state[0], ChangePlan(replace(plan, windows=plan.windows[:3])))
    screens.touch_all()
    _, gone = screens.refresh()
    assert gone == ["w4"]
    assert screens.get("w4") is None


@pytest.mark.parametrize("day", [date(2025, 3, 3), date(2025, 12, 31)])
def test_a_board_names_the_business_day(day: date) -> None:
    state = go(told(), OpenDay(day, CLOSING + (day - OPENING.date())))
    board = boards.draw(state.hall, "w1", state.now, Version(1, 1))
    assert board is not None
    assert board.day == day.isoformat()


def test_a_queue_off_duty_says_when_tickets_are_given_out_again_and_for_how_long_it_is_so() -> None:
    noon = Extended(SessionKind.NOON, SessionMode.DUTY, time(12), time(13, 30), queues=("A",))
    hours = (Sitting(time(9), time(12)), Sitting(time(13, 30), time(17)))
    plan = small_plan(hours=hours, extended=(noon,))
    state = go(told(plan), opening(Calendar(), OPENING.date(), CLOSING, ZoneInfo("Asia/Shanghai")))
    before, during = lines(state)["B"], lines(go(state, after(hours=3, minutes=45)))
    assert before.is_open
    (shut,) = before.shut
    assert (shut.end - shut.start, shut.zh) == (timedelta(minutes=90), "现在不办理，13:30起取号；可预约")
    assert (during["B"].is_open, during["B"].why_en) == (
        False,
        "Not now: tickets again at 13:30; you can book",
    )
    assert during["A"].is_open
