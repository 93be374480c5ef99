"""Waits as people are told them, and one look ahead shared by everybody who shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.hall.commands import CallNext, TakeTicket
from controller.hall.hindsight import Expected
from controller.hall.waits import Forecast, Words, forecast
from controller.lookout import Lookout
from controller.told import at_issue, joining_text, left, wait_text
from tests.halls import go, small, ticket

MINUTE_S = 60.0


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        (Words("about", 10, 15), "约 10–15 分钟", "about 10–15 min"),
        (Words("about", 0, 5), "5 分钟以内", "under 5 min"),
        (Words("any_moment"), "马上轮到", "any moment now"),
        (Words("longer", 90), "90 分钟以上", "over 90 min"),
        (
            Words("about", 10, 20, is_calibrated=False),
            "约 10–20 分钟（粗略估计）",
            "about 10–20 min (rough estimate)",
        ),
        (Words("any_moment", is_calibrated=False), "马上轮到", "any moment now"),
        (Words("none"), "", ""),
    ],
)
def test_a_wait_is_told_as_a_range_that_says_how_good_it_is(words: Words, zh: str, en: str) -> None:
    assert (wait_text("zh", words), wait_text("en", words)) == (zh, en)


def test_where_nobody_waits_and_a_window_is_free_there_is_no_wait() -> None:
    state = small()
    assert joining_text("zh", state.hall, forecast(state.hall, state.now), "A") == "即到即办"


def test_what_no_window_serves_has_no_wait_to_tell() -> None:
    state = small("B", staff="wang@1")
    known = forecast(state.hall, state.now)
    assert joining_text("zh", state.hall, known, "B") == ""
    assert left(state.hall, known, ticket(state, "B001"), state.now).code == "none"


def test_a_ticket_the_forecast_does_not_reach_has_what_it_was_told_less_what_has_passed() -> None:
    state = small("A A A")
    told = Expected(40 * MINUTE_S, 40 * MINUTE_S, 50 * MINUTE_S, 60 * MINUTE_S, True)
    held = replace(ticket(state, "A003"), expected=told)
    later = held.issued_at + timedelta(minutes=35)
    assert left(state.hall, Forecast(later), held, later) == Words("about", 5, 25)


def test_an_appointment_is_told_how_long_until_its_call_and_not_only_from_its_slot() -> None:
    state = small("A")
    told = Expected(0.0, 0.0, 5 * MINUTE_S, 10 * MINUTE_S, True)
    slot = ticket(state, "A001").issued_at + timedelta(minutes=30)
    held = replace(ticket(state, "A001"), expected=told, slot=slot)
    assert at_issue(held) == Words("about", 30, 40)
    assert at_issue(replace(held, slot=held.issued_at - timedelta(minutes=9))) == Words("about", 0, 10)
    assert left(state.hall, Forecast(slot), held, slot) == Words("about", 0, 10)


def test_who_is_called_waits_no_longer() -> None:
    state = go(small("A"), CallNext(1))
    known = forecast(state.hall, state.now)
    assert left(state.hall, known, ticket(state, "A001"), state.now).code == "none"


def test_what_was_told_at_issue_stays_with_the_ticket() -> None:
    told = Expected(600.0, 600.0, 700.0, 900.0, True)
    state = go(small("A"), TakeTicket("A", "another", expected=told))
    assert at_issue(ticket(state, "A002")) == Words("about", 10, 15)
    assert at_issue(ticket(state, "A001")).code == "none"


def test_all_who_ask_share_one_look_until_it_is_due() -> None:
    states = [small("A")]
    lookout = Lookout(lambda: states[-1].hall, lambda: states[-1].now, every_s=3600.0)
    first = lookout.now()
    states.append(go(states[-1], TakeTicket("A", "another")))
    assert lookout.now() is lookout.latest() is first


def test_a_look_is_made_again_only_when_something_has_changed() -> None:
    states = [small("A")]
    lookout = Lookout(lambda: states[-1].hall, lambda: states[-1].now, every_s=0.0)
    first = lookout.now()
    assert lookout.now() is first
    states.append(go(states[-1], TakeTicket("A", "another")))
    assert len(lookout.now().left) == len(first.left) + 1


def test_nobody_who_only_reads_makes_a_look() -> None:
    state = small("A")
    assert not Lookout(lambda: state.hall, lambda: state.now).latest().joining


def test_a_look_is_told_once() -> None:
    state, told = small("A"), []
    lookout = Lookout(lambda: state.hall, lambda: state.now)
    for _ in range(2):
        lookout.look_and_tell(lambda: told.append(lookout.latest()))
    assert [bool(known.joining) for known in told] == [True]
