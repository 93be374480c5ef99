"""Where a ticket stands, for who asks at a kiosk by its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from controller.hall.commands import (
    AcceptOffline,
    CallNext,
    CancelTicket,
    CloseDay,
    Command,
    Finish,
    Hold,
    NoShow,
    Start,
    Tick,
)
from controller.hall.model import Press
from controller.hall.waits import Forecast
from controller.progress import answer
from firmware.protocol.progress import Asked, Progress
from tests.halls import Told, after, go, small, small_plan

SHANGHAI = ZoneInfo("Asia/Shanghai")


def asked(state: Told, number: str = "A001", board: str = "k-main") -> Progress:
    wanted = Asked(number=number, board=board)
    return answer(state.hall, wanted, state.now, Forecast(state.now), SHANGHAI)


@pytest.mark.parametrize(
    ("steps", "look", "zh", "en"),
    [
        ([CallNext(1)], "called", "请到", "Please go to"),
        ([CallNext(1), Start(1)], "serving", "正在 1 号窗口为您办理", "You are being served at window 1"),
        ([CallNext(1), Start(1), Hold(1, "papers")], "held", "1 号窗口暂缓办理", "On hold at window 1"),
        ([CallNext(1), Start(1), Finish(1)], "completed", "办理完毕", "All done"),
        ([CancelTicket(1, "citizen")], "cancelled", "取消", "cancelled"),
        ([CloseDay()], "expired", "", "has closed"),
    ],
)
def test_each_state_has_its_sentence(steps: Sequence[Command], look: str, zh: str, en: str) -> None:
    found = asked(go(small("A"), *steps))
    assert found.look == look
    assert zh in found.zh.headline
    assert en in found.en.headline


def test_who_waits_hears_how_many_are_ahead_and_where_to_wait() -> None:
    found = asked(small(" ".join("A" * 9)), "A009")
    assert (found.look, found.window) == ("waiting", None)
    assert (found.zh.headline, found.zh.where) == ("您前面 8 人", "请在东区等候")
    assert (found.en.headline, found.en.where) == ("8 people ahead of you", "Please wait in East")


def test_without_a_window_the_reason_is_told_instead_of_a_wait() -> None:
    assert "没有窗口" in asked(small("A", staff="")).zh.wait


def test_a_missed_call_says_until_when_one_may_queue_again() -> None:
    missed = go(small("A"), after(seconds=50), CallNext(1), NoShow(1, "gone"))
    found = asked(missed)
    assert (found.look, found.can_come_back) == ("missed", True)
    assert "09:31" in found.zh.tip
    late = asked(go(missed, after(minutes=61)))
    assert (late.can_come_back, "导办台" in late.zh.tip) == (False, True)
    assert asked(go(missed, after(minutes=61), Tick())).look == "abandoned"


@pytest.mark.parametrize("number", ["A001", "a1", " A 01", "Ａ００１"])
def test_a_number_is_found_as_people_type_it(number: str) -> None:
    assert asked(small("A"), number).number == "A001"


@pytest.mark.parametrize("number", ["A099", "X001", "A", "9" * 16, "%"])
def test_a_number_nobody_holds_is_said_not_to_be_there(number: str) -> None:
    found = asked(small("A"), number)
    assert (found.look, found.window, found.can_come_back) == ("unknown", None, False)
    assert number in found.zh.headline


@pytest.mark.parametrize("number", ["B1-001", "b1-1", "B1 - 01"])
def test_what_a_number_begins_with_may_have_digits_of_its_own(number: str) -> None:
    queues = tuple(replace(one, prefix="B1-") if one.code == "B" else one for one in small_plan().queues)
    assert asked(small("B", small_plan(queues=queues)), number).number == "B1-001"


@pytest.mark.parametrize("number", ["A-2A-1", "a-2a-001"])
def test_the_letters_of_a_dispensers_own_series_may_be_small_or_capitals(number: str) -> None:
    press = Press("node-2", "e1", 1)
    state = small()
    state = go(state, AcceptOffline(press, "A", "A-2a-001", "of-the-paper", state.now))
    assert asked(state, number).number == "A-2a-001"


def test_of_two_tickets_with_one_number_that_of_the_kiosks_own_domain_is_told() -> None:
    state = small("A T")
    state = go(state, CallNext(1))
    assert asked(state, "A001", "k-main").look == "called"
    assert "西区" in asked(state, "A001", "k-tax").zh.where


def test_the_code_of_the_slip_opens_the_same() -> None:
    state = small("A")
    token = state.hall.tickets[1].token
    found = answer(state.hall, Asked(token=token), state.now, Forecast(state.now), SHANGHAI)
    assert (found.number, found.look) == ("A001", "near")
    strange = answer(state.hall, Asked(token="strange-token"), state.now, Forecast(state.now), SHANGHAI)
    assert (strange.look, "strange" in strange.en.headline) == ("unknown", False)
