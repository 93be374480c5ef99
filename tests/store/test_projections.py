"""Lists of tickets and the figures of a day, as the hall's own day made them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from controller.hall.commands import (
    CallNext,
    CancelTicket,
    CloseDay,
    Command,
    Finish,
    Hold,
    JumpCall,
    Login,
    Logout,
    NoShow,
    Rate,
    Resume,
    ReturnTicket,
    Start,
    TakeTicket,
    Transfer,
)
from controller.hall.model import Outcome, TicketState
from controller.live import Live
from controller.people import SYSTEM
from controller.store import log, projections
from tests.store.halls import DAY, MORNING, Time, morning


class Day:
    """A hall in which things happen minutes apart."""

    def __init__(self, live: Live, time: Time) -> None:
        self.live, self.time = live, time

    def after(self, minutes: float, *commands: Command) -> None:
        self.time.pass_by(minutes=minutes)
        for command in commands:
            self.live.submit(command, SYSTEM)

    def row(self, ticket: int) -> projections.TicketRow:
        with self.live.store.reading() as c:
            row = projections.find_ticket(c, "hall", ticket)
        assert row is not None
        return row

    def numbers(self, **where: object) -> list[str]:
        with self.live.store.reading() as c:
            return [row.number for row in projections.tickets(c, "hall", DAY, **where)]  # type: ignore[arg-type]


@pytest.fixture
def day(database: str) -> Iterator[Day]:
    time = Time()
    with morning(database, time) as live:
        yield Day(live, time)
        with live.store.reading() as c:
            assert log.differing_tickets(c, "hall") == []


def take(queue: str, token: str) -> TakeTicket:
    return TakeTicket(queue, token)


def test_a_row_follows_its_ticket(day: Day) -> None:
    day.after(0, take("A", "t1"))
    assert (day.row(1).state, day.row(1).wait_s) == (TicketState.WAITING, None)
    day.after(4, CallNext(1))
    day.after(1, Start(1))
    assert (day.row(1).window, day.row(1).clerk) == (1, "li")
    day.after(6, Finish(1, Outcome.CASE), Rate(1, 5))
    row = day.row(1)
    assert (row.state, row.outcome, row.rating) == (TicketState.COMPLETED, Outcome.CASE, 5)
    assert (row.wait_s, row.service_s) == (240.0, 360.0)
    assert row.finished_at == MORNING + timedelta(minutes=11)
    assert (row.window, row.clerk) == (1, "li")


def test_the_wait_is_to_the_very_first_call(day: Day) -> None:
    day.after(0, take("A", "t1"), take("A", "t2"))
    day.after(2, CallNext(1), NoShow(1, "away"), ReturnTicket(1))
    day.after(3, CallNext(1), Start(1), Finish(1), CallNext(1))
    assert day.row(1).misses == 1
    assert day.row(1).wait_s == 120.0


def test_service_of_all_legs_adds_up(day: Day) -> None:
    day.after(0, take("A", "t1"), CallNext(1), Start(1))
    day.after(5, Transfer(1, "wrong line", to_queue="B"))
    day.after(1, CallNext(1), Start(1))
    day.after(2, Hold(1, "copies"))
    day.after(9, Resume(1, 1))
    day.after(1, Finish(1))
    row = day.row(1)
    assert (row.queue, row.legs, row.service_s) == ("B", 2, 480.0)


def test_held_tickets_move_with_the_window_they_are_handed_to(day: Day) -> None:
    day.after(0, Login(2, "wang"), take("A", "t1"), CallNext(1), Start(1), Hold(1, "copies"))
    day.after(1, Logout(1, hand_over_to=2))
    assert day.row(1).window == 2


def test_lists_are_filtered_and_paged(day: Day) -> None:
    for n in range(5):
        day.after(1, take("AB"[n % 2], f"t{n}"))
    day.after(1, JumpCall(1, 1, "first come"))
    assert day.numbers() == ["A001", "B001", "A002", "B002", "A003"]
    assert day.numbers(queue="B") == ["B001", "B002"]
    assert day.numbers(window=1) == ["A001"]
    assert day.numbers(states=[TicketState.WAITING], queue="A") == ["A002", "A003"]
    assert day.numbers(limit=2, after=2) == ["A002", "B002"]


def test_a_slips_code_finds_its_ticket_in_its_own_hall(day: Day) -> None:
    day.after(0, take("A", "t1"))
    with day.live.store.reading() as c:
        found = projections.find_token(c, "hall", "t1")
        assert found is not None
        assert found.number == "A001"
        assert projections.find_token(c, "other", "t1") is None
        assert projections.find_token(c, "hall", "t2") is None


def test_a_day_in_figures(day: Day) -> None:
    day.after(0, *(take("A", f"a{n}") for n in range(4)), take("B", "b1"))
    day.after(5, JumpCall(1, 1, "first come"), Start(1))
    day.after(5, Finish(1), Rate(1, 4), JumpCall(1, 2, "first come"), NoShow(1, "away"))
    day.after(0, CancelTicket(3, "went home"))
    with day.live.store.reading() as c:
        assert [row.id for row in projections.open_tickets(c, "hall", DAY)] == [2, 4, 5]
    day.after(1, CloseDay())
    with day.live.store.reading() as c:
        figures = projections.day_figures(c, "hall", DAY)
        queues = projections.figures_by_queue(c, "hall", DAY)
        windows = projections.figures_by_window(c, "hall", DAY)
    assert (figures.issued, figures.served, figures.missed) == (5, 1, 1)
    assert (figures.cancelled, figures.expired, figures.abandoned) == (1, 3, 0)
    assert (figures.mean_wait, figures.max_wait) == (timedelta(minutes=7.5), timedelta(minutes=10))
    assert figures.mean_service == timedelta(minutes=5)
    assert figures.ratings == {1: 0, 2: 0, 3: 0, 4: 1, 5: 0}
    assert {code: one.issued for code, one in queues.items()} == {"A": 4, "B": 1}
    assert {number: one.served for number, one in windows.items()} == {1: 1}


def test_a_day_without_tickets_has_empty_figures(day: Day) -> None:
    with day.live.store.reading() as c:
        figures = projections.day_figures(c, "hall", DAY)
    assert (figures.issued, figures.served, figures.mean_wait) == (0, 0, None)
