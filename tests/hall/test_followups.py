"""What follows a bad rating, step by step (G4-G10), and that no order of steps gets around the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.hall.calendar import Calendar
from controller.hall.followups import (
    TAKES,
    Appeal,
    CallBack,
    Case,
    CheckFacts,
    Close,
    Deed,
    Explain,
    Extend,
    Fix,
    Ground,
    Handler,
    Part,
    Reject,
    SendBack,
    Stage,
    Uphold,
    advance,
    possible,
)
from controller.hall.model import Refused, Rules, Text
from controller.hall.ratings import by_calendar
from controller.hall.values import replace

ZONE = ZoneInfo("Asia/Shanghai")
AFTER = by_calendar(Calendar(), ZONE)
FRIDAY = datetime(2026, 3, 6, 2, 0, tzinfo=UTC)  # 10:00
UNIT = Handler("lead", frozenset({Part.UNIT}))
SUPERVISOR = Handler("sup", frozenset({Part.SUPERVISOR}))
MANAGER = Handler("boss", frozenset({Part.MANAGER}))
EVERY = (UNIT, SUPERVISOR, MANAGER)
REACHED, NOBODY = CallBack(True, "she waited an hour"), CallBack(False, "no answer")
FIX = Fix("a second window from ten", "window lead", "told her on the phone")
CLOSE = Close("she is content", Text("高峰增开窗口", "A second window at busy hours"))


def opened(is_named: bool = True, **more: object) -> Case:
    due = AFTER(FRIDAY, Rules().call_back_days)
    case = Case(7, 3, "A003", 2, is_named, Stage.OPEN, FRIDAY, due, clerk="wang")
    return replace(case, **more)


def done(case: Case, *deeds: Deed, now: datetime = FRIDAY, rules: Rules | None = None) -> Case:
    """The case after the deeds, each by whom it belongs to."""
    for deed in deeds:
        part = TAKES[case.stage].get(type(deed), Part.UNIT)
        by = next(one for one in EVERY if part in one.parts)
        case = advance(case, deed, by, now, rules or Rules(), AFTER)
    return case


def refused(case: Case, deed: Deed, by: Handler, now: datetime = FRIDAY) -> str:
    with pytest.raises(Refused) as error:
        advance(case, deed, by, now, Rules(), AFTER)
    return error.value.code


def local(moment: datetime | None) -> str:
    assert moment is not None
    return f"{moment.astimezone(ZONE):%m-%d %H:%M}"


def test_a_real_name_case_goes_from_a_call_back_to_its_end() -> None:
    """G5, G6, G10"""
    case = done(opened(), REACHED, FIX)
    assert (case.stage, case.fixed_by) == (Stage.FIXED, "lead")
    assert refused(case, CLOSE, SUPERVISOR) == "call_back_needed"  # P.09: 100 % of the real-name ones
    closed = done(case, REACHED, CLOSE)
    assert (closed.stage, closed.closed_at, closed.told) == (Stage.CLOSED, FRIDAY, CLOSE.told)


def test_an_anonymous_case_has_its_facts_checked_instead() -> None:
    assert refused(opened(False), REACHED, UNIT) == "no_contact"
    assert refused(opened(True), CheckFacts("the log says 70 minutes"), UNIT) == "must_call"
    assert done(opened(False), CheckFacts("the log says 70 minutes"), FIX, CLOSE).stage is Stage.CLOSED


def test_the_third_call_that_reaches_nobody_counts_as_called() -> None:
    """G5; the number of attempts is a rule of the hall."""
    case = done(opened(), NOBODY, NOBODY)
    assert (case.stage, case.attempts) == (Stage.OPEN, 2)
    assert done(case, NOBODY).stage is Stage.VERIFIED
    assert done(opened(), NOBODY, rules=Rules(call_attempts=1)).stage is Stage.VERIFIED
    assert done(opened(), REACHED, FIX, NOBODY, NOBODY, NOBODY, CLOSE).stage is Stage.CLOSED


def test_its_clocks_count_working_days_and_are_rules_of_the_hall() -> None:
    """P.10: called back until Monday night, put right within five working days after that."""
    case = opened()
    assert local(case.due) == "03-10 00:00"
    assert not case.is_overdue(FRIDAY + timedelta(days=3))
    assert case.is_overdue(FRIDAY + timedelta(days=4))
    verified = done(case, REACHED, now=FRIDAY + timedelta(days=3))
    assert (local(verified.due), local(verified.appeal_due)) == ("03-17 00:00", "03-13 00:00")
    assert local(done(case, REACHED, rules=Rules(rectify_days=1)).due) == "03-10 00:00"


def test_a_complex_one_goes_onto_the_ledger_with_a_limit_of_the_manager() -> None:
    """G6"""
    case = done(opened(), REACHED)
    assert refused(case, Extend(10, "needs a new counter"), UNIT) == "not_your_part"
    assert refused(case, Extend(16, "needs a new counter"), MANAGER) == "bad_extension"
    extended = done(case, Extend(10, "needs a new counter"))
    assert (extended.is_extended, local(extended.due)) == (True, "03-21 00:00")
    assert refused(extended, Extend(15, "still"), MANAGER) == "extended_before"


def test_an_appeal_comes_in_time_and_the_supervisor_decides_it() -> None:
    """G8, G9: void is kept and final; rejected, it has to be put right after all."""
    case, appeal = done(opened(), REACHED), Appeal(Ground.MISTAKE, "she meant another window")
    assert refused(case, appeal, UNIT, FRIDAY + timedelta(days=6)) == "appeal_too_late"
    appealed = done(case, appeal)
    assert appealed.due is None
    assert refused(appealed, Uphold("so it was"), UNIT) == "not_your_part"
    assert done(appealed, Uphold("so it was")).stage is Stage.VOID
    again = done(appealed, Reject("the log says otherwise"), now=FRIDAY + timedelta(days=3))
    assert (again.stage, local(again.due)) == (Stage.VERIFIED, "03-17 00:00")


def test_what_was_not_put_right_comes_back_and_never_has_more_than_fifteen_days_in_all() -> None:
    """G10"""
    fixed = done(opened(), REACHED, Explain("no law allows it"))
    back = done(fixed, SendBack("she never heard of it"), now=FRIDAY + timedelta(days=18))
    assert (back.stage, local(back.due)) == (Stage.VERIFIED, "03-28 00:00")
    assert not back.is_called


def test_who_was_rated_or_answered_has_no_say_in_it() -> None:
    everything = frozenset(Part)
    clerk, lead = Handler("wang", everything), Handler("lead", everything)
    assert refused(opened(), REACHED, clerk) == "rated_clerk"
    assert possible(opened(), clerk, FRIDAY) == []
    assert refused(done(opened(False), CheckFacts("so it was"), FIX), CLOSE, lead) == "own_work"


def test_nothing_is_done_without_words() -> None:
    assert refused(opened(), CallBack(True, "  "), UNIT) == "words_needed"
    assert refused(done(opened(), REACHED), Fix("a measure", "", "an answer"), UNIT) == "words_needed"


DEEDS = (
    *(REACHED, NOBODY, CheckFacts("so it was"), FIX, Explain("no law"), Extend(9, "long")),
    *(Appeal(Ground.MALICE, "proof"), Uphold("yes"), Reject("no"), CLOSE, SendBack("not yet")),
)


@settings(max_examples=30)
@given(
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(EVERY), st.integers(0, 4)), max_size=14),
)
def test_no_order_of_steps_gets_around_the_rules(
    is_named: bool, tried: list[tuple[Deed, Handler, int]]
) -> None:
    """What is offered is what is taken; nothing closes uncalled; what is over stays over."""
    case, now = opened(is_named), FRIDAY
    for deed, by, days in tried:
        now += timedelta(days=days)
        offered = type(deed) in possible(case, by, now)
        try:
            found = advance(case, deed, by, now, Rules(), AFTER)
        except Refused:
            assert not offered
            continue
        assert offered
        if found.stage is Stage.CLOSED and is_named:
            assert case.is_called
        case = found
        assert case.fix_due is None or case.fix_due <= AFTER(case.verified_at or now, 15)
