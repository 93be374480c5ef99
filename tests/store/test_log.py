"""The log leads back to the hall, tells the history of a ticket, and mends the lists made from it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, text, update

from controller.hall.commands import (
    CallNext,
    CancelTicket,
    Command,
    Delay,
    Finish,
    Hold,
    Login,
    LoseWindow,
    NoShow,
    Rate,
    RestoreWindow,
    Resume,
    ReturnTicket,
    Start,
    TakeTicket,
    Tick,
    Transfer,
)
from controller.hall.model import Refused
from controller.live import Live
from controller.people import CITIZEN, SYSTEM, Actor, ActorKind, Role
from controller.store import codec, log
from controller.store import tables as t
from tests.store.halls import MORNING, Time, count, morning

LI = Actor(ActorKind.PERSON, "li", frozenset({Role.CLERK}))


def serve_one(live: Live, time: Time) -> None:
    live.submit(TakeTicket("A", "t1"), CITIZEN)
    time.pass_by(minutes=4)
    live.submit(CallNext(1), LI)
    time.pass_by(seconds=20)
    live.submit(Start(1), LI)
    time.pass_by(minutes=6)
    live.submit(Finish(1), LI)


@pytest.mark.parametrize("format", codec.READABLE_SNAPSHOTS)
def test_a_snapshot_of_an_earlier_version_spares_reading_the_whole_log(database: str, format: int) -> None:
    time = Time()
    with morning(database, time) as live:
        serve_one(live, time)
        live.keep_snapshot()
        live.submit(TakeTicket("A", "t2"), CITIZEN)
        with live.store.writing() as c:
            c.execute(update(t.snapshot).values(format=format))
            c.execute(delete(t.event).where(t.event.c.seq == 1))  # who reads from the first on finds a gap
        with live.store.reading() as c:
            assert log.load(c, "hall") == (live.hall, live.seq)


def test_the_history_of_a_ticket_says_what_and_who(database: str) -> None:
    time = Time()
    with morning(database, time) as live:
        with live.store.writing() as c:
            row = {"id": "li", "name": "李", "roles": ["clerk"], "created_at": MORNING}
            c.execute(insert(t.person), [row])
        serve_one(live, time)
        live.submit(TakeTicket("A", "t2"), CITIZEN)
        with live.store.reading() as c:
            history = log.ticket_history(c, "hall", 1)
    told = [(type(one.event).__name__, one.actor_kind, one.actor_name) for one in history]
    assert told == [
        ("TicketIssued", "citizen", None),
        ("TicketCalled", "person", "李"),
        ("ServiceStarted", "person", "李"),
        ("TicketFinished", "person", "李"),
    ]


def test_a_hall_nothing_happened_in_is_empty(database: str) -> None:
    with morning(database) as live, live.store.reading() as c:
        hall, seq = log.load(c, "elsewhere")
        assert (hall.id, seq, log.halls(c)) == ("elsewhere", 0, ["hall"])
        assert log.last_event_at(c, "elsewhere") is None
        assert log.last_event_at(c) == log.last_event_at(c, "hall") == MORNING


def test_the_events_after_a_given_one(database: str) -> None:
    with morning(database) as live:
        after = live.seq
        live.submit(TakeTicket("A", "t1"), CITIZEN)
        with live.store.reading() as c:
            assert [one.seq for one in log.events(c, "hall", after=after)] == [after + 1]


def test_lists_are_made_again_from_the_log(database: str) -> None:
    time = Time()
    with morning(database, time) as live:
        serve_one(live, time)
        live.submit(TakeTicket("B", "t2"), CITIZEN)
        with live.store.writing() as c:
            assert log.differing_tickets(c, "hall") == []
            before = c.execute(t.ticket.select()).all()
            c.execute(update(t.ticket).where(t.ticket.c.id == 1).values(state="waiting"))
            c.execute(text("DELETE FROM ticket WHERE id = 2"))
            assert log.differing_tickets(c, "hall") == [1, 2]
            assert log.rebuild(c, "hall") == 2
            assert c.execute(t.ticket.select()).all() == before


def test_old_answers_and_orders_are_forgotten_and_events_are_not(database: str) -> None:
    with morning(database) as live:
        live.submit(TakeTicket("A", "t1"), CITIZEN, key="k1")
        events = count(live.store, t.event)
        with live.store.writing() as c:
            log.prune(c, "hall", MORNING + log.KEEP_ANSWERS)
        assert count(live.store, t.answer) == 1
        with live.store.writing() as c:
            log.prune(c, "hall", MORNING + log.KEEP_ANSWERS + timedelta(seconds=1))
        assert count(live.store, t.answer) == 0
        assert count(live.store, t.event) == events


def any_command(chance: random.Random, n: int) -> Command:
    """Something somebody might ask for, sensible or not."""
    window, ticket = chance.choice((1, 2)), chance.randint(1, 30)
    makers: list[Callable[[], Command]] = [
        lambda: TakeTicket(chance.choice("AB"), f"t{n}"),
        lambda: TakeTicket(chance.choice("AB"), f"t{n}"),
        lambda: CallNext(window),
        lambda: Start(window),
        lambda: Finish(window),
        lambda: NoShow(window, "away"),
        lambda: Delay(window, behind=2),
        lambda: ReturnTicket(ticket),
        lambda: CancelTicket(ticket),
        lambda: Hold(window, "copies"),
        lambda: Resume(window, ticket),
        lambda: Transfer(ticket, "wrong line", to_queue=chance.choice("AB")),
        lambda: Rate(ticket, chance.randint(1, 5)),
        lambda: LoseWindow(window),
        lambda: RestoreWindow(window),
        Tick,
    ]
    return chance.choice(makers)()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_happens_log_snapshots_and_lists_agree(database: str, seed: int) -> None:
    chance, time = random.Random(seed), Time()
    with morning(database, time) as live:
        live.submit(Login(2, "wang"), SYSTEM)
        for burst in range(60):
            asked = [live.post(any_command(chance, 10 * burst + n), SYSTEM) for n in range(10)]
            mistakes = [one.exception(20) for one in asked]
            assert {type(mistake) for mistake in mistakes} <= {type(None), Refused}
            time.pass_by(seconds=chance.randint(1, 60))
        live.keep_snapshot()
        live.submit(TakeTicket("A", "last"), CITIZEN)
        with live.store.reading() as c:
            assert log.load(c, "hall") == log.replay(c, "hall") == (live.hall, live.seq)
            assert log.differing_tickets(c, "hall") == []
