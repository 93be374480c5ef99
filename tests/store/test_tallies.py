"""Days that are over, in figures: kept when they are closed, and the same when made again from the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, text, update

from controller.hall.commands import (
    CallNext,
    CloseDay,
    Command,
    Finish,
    JumpCall,
    Login,
    Logout,
    NoShow,
    OpenDay,
    Pause,
    PlanShifts,
    Rate,
    Start,
    TakeTicket,
    Unpause,
)
from controller.hall.model import Outcome, PauseReason, Shift
from controller.live import Live
from controller.people import SYSTEM, Actor, ActorKind, Role
from controller.store import integrity, log, tallies
from controller.store import tables as t
from controller.store.tallies import DayTally
from tests.store.halls import DAY, MORNING, Time, morning

BOSS = Actor(ActorKind.PERSON, "boss", frozenset({Role.HALL_MANAGER}))


class Day:
    """A hall in which things happen minutes apart."""

    def __init__(self, live: Live, time: Time) -> None:
        self.live, self.time = live, time

    def after(self, minutes: float, *commands: Command) -> None:
        self.time.pass_by(minutes=minutes)
        for command in commands:
            self.live.submit(command, BOSS if isinstance(command, CloseDay) else SYSTEM)

    def figures(self) -> DayTally:
        with self.live.store.reading() as c:
            found = tallies.of_day(c, "hall", DAY, self.time.now, {"1": "east", "2": "east"})
        assert found is not None
        return found

    def problems(self) -> tuple[str, ...]:
        with self.live.store.reading() as c:
            return integrity.examine(c).problems


@pytest.fixture
def day(database: str) -> Iterator[Day]:
    time = Time()
    with morning(database, time) as live:
        yield Day(live, time)


def serve_some(day: Day) -> None:
    """Three come: one is served and rates, one is missed, one is called out of turn after 20 minutes."""
    day.after(0, *(TakeTicket("A", f"t{n}") for n in range(3)))
    day.after(2, CallNext(1), Start(1))
    day.after(5, Finish(1, Outcome.CASE), Rate(1, 4), CallNext(1), NoShow(1, "away"))
    day.after(13, JumpCall(1, 3, "ill"), Start(1))
    day.after(10, Finish(1))


def test_a_day_that_is_over_is_kept_in_figures(day: Day) -> None:
    serve_some(day)
    before = day.figures()
    day.after(0, CloseDay())
    kept = day.figures()
    queue, window = kept.queues["A"], kept.windows[1]
    assert (queue.issued, queue.called, queue.served, queue.missed) == (3, 3, 2, 1)
    assert (queue.wait_s, queue.longest_s, queue.service_s) == (29 * 60, 20 * 60, 15 * 60)
    assert (queue.cases, queue.enquiries, queue.rated_4, queue.expired) == (1, 1, 1, 1)
    assert (sum(queue.waits), queue.arrivals[4]) == (3, 3)  # 09:00 in Shanghai is the fourth quarter
    assert (window.served, window.service_s, window.staffed_s) == (2, 900, 1800)
    assert kept.zones["east"][4:7] == [900, 900, 0]
    assert (kept.jumps, kept.happened["TicketIssued"]) == (1, 3)
    assert (kept.day.closed_by, kept.day.closed_at) == ("person/boss", day.time.now)
    assert before.queues["A"].served == 2
    assert before.windows[1].staffed_s == kept.windows[1].staffed_s


def test_a_rating_after_the_closing_is_still_counted(day: Day) -> None:
    serve_some(day)
    day.after(0, CloseDay())
    day.after(1, Rate(3, 2))
    assert day.figures().queues["A"].rated_2 == 1
    assert day.problems() == ()


def test_a_citizen_still_at_a_window_counts_for_the_day_he_came(day: Day) -> None:
    day.after(0, TakeTicket("A", "t1"), CallNext(1), Start(1), CloseDay())
    assert day.figures().queues["A"].served == 0
    next_day = DAY + timedelta(days=1)
    day.after(24 * 60, OpenDay(next_day, MORNING + timedelta(hours=32)), Finish(1))
    assert day.figures().queues["A"].served == 1
    assert day.problems() == ()


def test_a_day_closed_too_early_goes_on_as_the_same_day(day: Day) -> None:
    serve_some(day)
    day.after(0, CloseDay())
    day.after(5, OpenDay(DAY, MORNING + timedelta(hours=8)), TakeTicket("B", "b1"))
    assert day.figures().day.closed_at is None
    day.after(5, CloseDay())
    assert {code: one.issued for code, one in day.figures().queues.items()} == {"A": 3, "B": 1}
    assert day.figures().day.opened_at == MORNING
    assert day.problems() == ()


def test_breaks_and_times_nobody_was_there_are_told_apart(day: Day) -> None:
    nine_to_ten = (Shift(MORNING, MORNING + timedelta(hours=1)),)
    day.after(0, PlanShifts(2, nine_to_ten))
    day.after(20, Login(2, "wang"))
    day.after(10, Pause(2, PauseReason.BREAK))
    day.after(15, Unpause(2))
    day.after(15, Logout(2))
    day.after(30, CloseDay())
    window = day.figures().windows[2]
    assert (window.staffed_s, window.paused_s) == (25 * 60, 15 * 60)
    assert (window.planned_s, window.absent_s) == (3600, 20 * 60)
    assert window.first_at == MORNING + timedelta(minutes=20)


def test_a_pause_ends_with_the_service_that_begins_in_it(day: Day) -> None:
    day.after(0, TakeTicket("A", "t1"), CallNext(1), Pause(1, PauseReason.OTHER))
    day.after(6, Start(1))
    day.after(4, Finish(1), CloseDay())
    assert (day.figures().windows[1].paused_s, day.figures().windows[1].staffed_s) == (360, 240)


def test_days_are_found_wrong_and_made_again_from_the_log(day: Day) -> None:
    serve_some(day)
    day.after(0, CloseDay())
    with day.live.store.writing() as c:
        before = [c.execute(table.select()).all() for table in (t.service_day, *tallies.FIGURED)]
        c.execute(update(t.day_queue).values(served=99))
    assert [f"the first is {DAY}" in one for one in day.problems()] == [True]
    with day.live.store.writing() as c:
        c.execute(delete(t.service_day))
        log.rebuild(c, "hall")
        assert [c.execute(table.select()).all() for table in (t.service_day, *tallies.FIGURED)] == before
    assert day.problems() == ()


def test_a_day_from_before_such_rows_is_left_to_a_rebuild(day: Day) -> None:
    with day.live.store.writing() as c:
        c.execute(text("DELETE FROM service_day"))
    day.after(1, CloseDay())
    assert [f"the first is {DAY}" in one for one in day.problems()] == [True]
    with day.live.store.writing() as c:
        log.rebuild(c, "hall")
    assert day.problems() == ()
