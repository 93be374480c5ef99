"""Working days: by hand around Spring Festival and make-up weekends, and what holds for any of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.hall.calendar import Calendar, DayKind, Special, calendar_of
from controller.hall.model import Refused
from controller.holidays import shipped

LISTS = shipped()
CHINA = calendar_of(*(LISTS[year] for year in sorted(LISTS)), years=LISTS)
DAYS = st.dates(date(2007, 1, 1), date(2026, 12, 31))

# From, working days, due. Counted on the wall calendar of each year, with the notice beside it:
# 2023 free 21-27 January, worked 28, 29 January; 2024 free 10-17 February, worked 4, 18 February;
# 2025 free 28 January - 4 February, worked 26 January, 8 February; 2026 free 15-23 February, worked 14, 28;
# 2020 free 24 January - 2 February (made longer in the year), worked none of its 1 February.
BY_HAND = """
2023-01-19 1 2023-01-20
2023-01-19 2 2023-01-28
2023-01-20 1 2023-01-28
2023-01-20 2 2023-01-29
2023-01-20 3 2023-01-30
2023-01-21 1 2023-01-28
2023-01-28 1 2023-01-29
2023-01-13 5 2023-01-20
2023-01-13 10 2023-02-01
2024-02-02 1 2024-02-04
2024-02-02 2 2024-02-05
2024-02-02 7 2024-02-18
2024-02-08 1 2024-02-09
2024-02-09 1 2024-02-18
2024-02-09 2 2024-02-19
2024-02-18 5 2024-02-23
2025-01-24 1 2025-01-26
2025-01-24 2 2025-01-27
2025-01-24 3 2025-02-05
2025-01-26 4 2025-02-07
2025-02-07 1 2025-02-08
2025-02-07 2 2025-02-10
2025-02-08 5 2025-02-14
2026-02-13 1 2026-02-14
2026-02-13 2 2026-02-24
2026-02-14 1 2026-02-24
2026-02-14 5 2026-02-28
2026-02-27 1 2026-02-28
2026-02-27 2 2026-03-02
2026-02-10 20 2026-03-16
2023-09-28 1 2023-10-07
2023-12-29 1 2024-01-02
""".strip().splitlines()


@pytest.mark.parametrize("counted", BY_HAND)
def test_counted_as_on_the_wall_calendar(counted: str) -> None:
    start, days, due = counted.split()
    assert CHINA.after(date.fromisoformat(start), int(days)).day == date.fromisoformat(due)


def test_a_day_says_what_it_is() -> None:
    days = ("2026-02-13", "2026-02-14", "2026-02-16", "2026-03-01")
    kinds = [CHINA.kind(date.fromisoformat(day)) for day in days]
    assert kinds == [DayKind.WORKDAY, DayKind.MAKE_UP, DayKind.HOLIDAY, DayKind.WEEKEND]
    assert CHINA.name(date(2026, 2, 16)) == "春节"


def test_the_notice_of_a_year_may_move_the_last_days_of_the_one_before() -> None:
    assert CHINA.kind(date(2018, 12, 31)) is DayKind.HOLIDAY
    assert CHINA.kind(date(2018, 12, 29)) is DayKind.MAKE_UP


def test_what_is_laid_down_goes_before_the_notice() -> None:
    ours = calendar_of(LISTS[2026], [Special(date(2026, 2, 24), True, "停电")], years=[2026])
    assert ours.after(date(2026, 2, 14), 1).day == date(2026, 2, 25)
    assert ours.name(date(2026, 2, 24)) == "停电"


def test_a_year_without_a_list_counts_by_weekdays_and_promises_nothing() -> None:
    assert CHINA.after(date(2026, 12, 31), 1).day == date(2027, 1, 1)
    assert CHINA.after(date(2026, 12, 31), 1).is_provisional
    assert not CHINA.after(date(2026, 12, 30), 1).is_provisional
    with pytest.raises(Refused, match="2027"):
        CHINA.deadline(date(2026, 12, 31), 1)
    assert CHINA.deadline(date(2026, 12, 30), 1) == date(2026, 12, 31)


def test_a_day_laid_down_in_such_a_year_is_certain() -> None:
    ours = calendar_of([Special(date(2027, 1, 1), True)], years=[2026])
    assert not ours.is_provisional(date(2027, 1, 1))
    assert ours.after(date(2026, 12, 31), 1).is_provisional


def test_spans_nobody_means_are_refused() -> None:
    for days in (-1, 5000):
        with pytest.raises(Refused):
            CHINA.after(date(2026, 1, 1), days)
    with pytest.raises(Refused):
        CHINA.between(date(2007, 1, 1), date(2026, 1, 1))
    assert CHINA.between(date(2026, 1, 5), date(2026, 1, 5)) == 0


@given(DAYS, st.integers(0, 120))
def test_counting_there_counts_the_days_between(day: date, days: int) -> None:
    due = CHINA.after(day, days).day
    assert CHINA.between(day, due) == days
    assert days == 0 or CHINA.is_working(due)


@given(DAYS, st.integers(0, 120))
def test_counting_back_leads_where_one_came_from(day: date, days: int) -> None:
    start = CHINA.next_working(day)
    assert CHINA.before(CHINA.after(start, days).day, days).day == start


@given(DAYS, st.integers(0, 60), st.integers(0, 60))
def test_counting_on_is_counting_together(day: date, few: int, more: int) -> None:
    assert CHINA.after(CHINA.after(day, few).day, more).day == CHINA.after(day, few + more).day


@given(DAYS)
def test_without_lists_the_calendar_is_the_week(day: date) -> None:
    assert Calendar().is_working(day) is (day.isoweekday() <= 5)
    assert Calendar().is_provisional(day)
    assert CHINA.next_working(day) - day <= timedelta(days=10)
