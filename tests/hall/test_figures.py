"""Key figures from tallies: waits, shares, what is usual, and windows needed beside those staffed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controller.hall.figures import coarse, figures, waited_at_most
from controller.hall.loads import Gap, busy, gaps, load, turned
from controller.hall.model import Outcome, TicketClass, TicketState
from controller.hall.staffing import QUARTERS, Target
from controller.hall.tallies import Tally, Visit, by_queue, count, spread, together

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def visit(waited_min: float | None, **changes: object) -> Visit:
    usual: dict[str, object] = {
        "queue": "A",
        "klass": TicketClass.NORMAL,
        "state": TicketState.COMPLETED if waited_min is not None else TicketState.EXPIRED,
        "window": 1,
        "issued_at": NINE,
        "wait_s": None if waited_min is None else waited_min * 60,
        "service_s": 300.0,
        "misses": 0,
        "legs": 1,
        "outcome": Outcome.CASE,
        "rating": None,
    }
    return Visit(**{**usual, **changes})  # type: ignore[arg-type]


def tally(*visits: Visit) -> Tally:
    found = Tally()
    for one in visits:
        count(found, one)
    return found


def test_waits_are_told_as_mean_half_most_and_longest() -> None:
    found = figures(tally(*(visit(minutes) for minutes in range(1, 101))))
    assert found.mean_wait == pytest.approx(50.5)
    assert found.half_wait == pytest.approx(50, abs=2)
    assert found.most_wait == pytest.approx(90, abs=2)
    assert (found.longest_wait, found.soon, found.long) == (100, 0.15, 0.70)


def test_no_wait_is_told_longer_than_the_longest() -> None:
    assert waited_at_most(tally(visit(31)), 0.9) == 31
    assert waited_at_most(tally(visit(400)), 0.9) == pytest.approx(378)
    assert waited_at_most(Tally(), 0.5) is None


def test_a_wait_of_exactly_the_limit_is_within_it() -> None:
    found = figures(tally(visit(15), visit(15.1), visit(30), visit(30.1)))
    assert (found.soon, found.long) == (0.25, 0.25)


def test_counts_of_several_days_are_means_a_day_and_shares_are_of_all() -> None:
    two_days = together([tally(*[visit(10, rating=5)] * 3), tally(visit(20, rating=2), visit(None))])
    found = figures(two_days, days=2)
    assert (found.issued, found.served, found.rated, found.expired) == (2.5, 2.0, 2.0, 0.5)
    assert (found.mean_wait, found.satisfied, found.bad) == (12.5, 0.75, 0.5)


def test_nothing_is_measured_where_nobody_came() -> None:
    found = figures(Tally())
    assert (found.issued, found.mean_wait, found.satisfied, found.no_show) == (0, None, None, None)


def test_a_visit_counts_for_the_queue_it_was_last_in() -> None:
    found = by_queue([visit(1), visit(1, queue="B", legs=2)])
    assert {code: (one.issued, one.moved) for code, one in found.items()} == {"A": (1, 0), "B": (1, 1)}


def test_waits_are_drawn_in_fewer_classes() -> None:
    assert coarse(tally(visit(4), visit(5), visit(29), visit(200)).waits) == [2, 0, 0, 0, 1, 0, 0, 0, 1]


def test_seconds_are_spread_over_the_quarters_they_lie_in() -> None:
    quarters = [0] * QUARTERS
    spread(quarters, NINE + timedelta(minutes=10), NINE + timedelta(minutes=32))
    assert quarters[36:39] == [300, 900, 120]


def test_a_night_goes_on_at_the_first_quarter() -> None:
    quarters = [0] * QUARTERS
    late = NINE.replace(hour=23, minute=50)
    spread(quarters, late, late + timedelta(minutes=20))
    assert (quarters[95], quarters[0]) == (600, 600)


@pytest.mark.parametrize(("hours", "quarter"), [(8, 68), (0, 36), (-5, 16), (5.75, 59)])
def test_quarters_of_utc_become_the_halls_own(hours: float, quarter: int) -> None:
    utc = [0] * QUARTERS
    utc[36] = 7
    assert turned(utc, timedelta(hours=hours)).index(7) == quarter


def test_too_few_and_too_many_windows_are_said_with_when() -> None:
    arrivals, staffed = [0] * QUARTERS, [0] * QUARTERS
    arrivals[36:46] = [40] * 4 + [4] * 6
    staffed[36:46] = [2 * 900] * 4 + [6 * 900] * 6
    found = load(arrivals, staffed, 2, timedelta(minutes=6), Target())
    short, much = gaps(found)
    assert short.is_short
    assert (short.first, short.last) == (36, 41)  # services begun before are still going on
    assert short.needed > 5
    assert isinstance(much, Gap)
    assert not much.is_short
    assert much.last == 46


def test_a_day_is_drawn_from_its_first_to_its_last_quarter() -> None:
    assert busy([[0, 0, 1, 0, 2, 0], [0, 3, 0, 0, 0, 0]]) == range(1, 5)
    assert busy([[0, 0]]) == range(0)
