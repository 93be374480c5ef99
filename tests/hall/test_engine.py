"""What holds in a hall after any commands in any order, by brute force over all tickets.

The hall is told everything by its indexes; here everything is worked out again from the tickets alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controller.hall import commands as c
from controller.hall import engine, events
from controller.hall.commands import Command
from controller.hall.events import Event, NumbersLeased, TicketCalled, TicketIssued, TicketRenumbered
from controller.hall.model import (
    FINAL,
    DayState,
    Hall,
    Outcome,
    PauseReason,
    Press,
    Refused,
    Rules,
    Session,
    Slip,
    Ticket,
    TicketClass,
    TicketState,
    WindowMode,
    WindowState,
)
from controller.hall.refusals import REFUSALS
from controller.hall.sessions import DayKind
from controller.hall.snapshot import freeze, thaw
from tests.halls import CLOSING, OPENING, TODAY, small_plan

CLERKS = ("wang", "li", "zhao", "sun")
AT_WINDOW = {TicketState.CALLED, TicketState.SERVING, TicketState.HELD}

windows = st.integers(1, 4)
queues = st.sampled_from("AABBTG")
classes = st.sampled_from([TicketClass.NORMAL, TicketClass.NORMAL, *TicketClass])
reasons = st.sampled_from(["", "because"])
numbers = st.integers(0, 255)  # which of those there are


class AnyDay(RuleBasedStateMachine):
    """Any people doing anything, also what makes no sense, for some days."""

    def __init__(self) -> None:
        super().__init__()
        plan = small_plan(Rules(lease_from=4))  # soon reached, so that online numbers pass leases over
        self.plan = replace(plan, queues=(replace(plan.queues[0], daily_quota=12), *plan.queues[1:]))
        self.hall = self.start = engine.new_hall("hall", self.plan)
        self.now = OPENING
        self.log: list[Event] = []
        self.opened = 0  # length of the log when the day was opened
        self.earlier: set[int] = set()  # tickets of an earlier day, still at a window
        self.thawed: tuple[int, Hall] = (0, self.hall)
        self.given: set[tuple[object, str, str]] = set()  # day, domain, number
        self.seen: dict[int, tuple[object, list[tuple[datetime, bool]]]] = {}  # who was called past whom
        self.codes: set[str] = set()  # of refusals met
        self.blocks: list[tuple[object, str, range]] = []  # day, series, leased numbers

    # --- what people do

    @initialize()
    def open(self) -> None:
        self.say(c.OpenDay(TODAY, CLOSING))
        for window, clerk in enumerate(CLERKS, 1):
            self.say(c.Login(window, clerk))
        for queue in "AABATBA":
            self.say(c.TakeTicket(queue, f"token-{self.hall.next_ticket}"))

    @rule(queue=queues, klass=classes, more=st.booleans(), n=numbers)
    def somebody_comes(self, queue: str, klass: TicketClass, more: bool, n: int) -> None:
        slot = self.now + timedelta(minutes=n % 60) if klass is TicketClass.APPOINTMENT else None
        self.say(
            c.TakeTicket(
                queue,
                f"token-{self.hall.next_ticket}",
                klass,
                Press("node-1", "epoch", n % 40) if n % 3 == 0 else None,
                slot,
                person=f"p{n % 4}" if n % 5 == 0 else None,
                chain=("B",) if more else (),
            )
        )

    @rule(seconds=st.sampled_from([1, 5, 20, 61, 121, 600, 1900]), tick=st.booleans())
    def time_passes(self, seconds: int, tick: bool) -> None:
        self.now += timedelta(seconds=seconds)
        if tick:
            self.say(c.Tick())

    @rule(window=windows)
    def a_clerk_calls(self, window: int) -> None:
        self.say(c.CallNext(window))

    @rule(window=windows, minutes=st.integers(0, 12))
    def a_clerk_serves(self, window: int, minutes: int) -> None:
        self.say(c.CallNext(window))
        self.say(c.Start(window))
        self.now += timedelta(minutes=minutes)
        self.say(c.Finish(window))

    @rule(window=windows, minutes=st.integers(0, 12))
    def a_clerk_needs_papers(self, window: int, minutes: int) -> None:
        self.say(c.CallNext(window))
        self.say(c.Start(window))
        self.now += timedelta(minutes=minutes)
        self.say(c.Hold(window, "copies"))

    @rule(window=windows, n=numbers)
    def a_line_is_cut(self, window: int, n: int) -> None:
        self.say(c.CallNext(window))
        self.say(c.LoseWindow(window))
        self.now += timedelta(seconds=n)
        self.say(c.Tick())

    @precondition(lambda self: self.any(TicketState.CALLED))
    @rule(n=numbers)
    def a_service_begins(self, n: int) -> None:
        self.say(c.Start(self.some_window(n, TicketState.CALLED)))

    @precondition(lambda self: self.any(TicketState.SERVING))
    @rule(n=numbers, reason=reasons, hold=st.booleans())
    def a_service_stops(self, n: int, reason: str, hold: bool) -> None:
        window = self.some_window(n, TicketState.SERVING)
        self.say(c.Hold(window, reason) if hold else c.Finish(window, list(Outcome)[n % 4], reason))

    @precondition(lambda self: self.any(TicketState.CALLED))
    @rule(n=numbers, reason=reasons)
    def nobody_came(self, n: int, reason: str) -> None:
        window = self.some_window(n, TicketState.CALLED)
        self.say(c.Delay(window, behind=n % 3) if n % 4 == 0 else c.NoShow(window, reason))

    @precondition(lambda self: self.any(TicketState.HELD))
    @rule(n=numbers, window=windows)
    def a_held_ticket_goes_on(self, n: int, window: int) -> None:
        ticket = self.some_ticket(n, TicketState.HELD)
        here = self.hall.tickets[ticket].window if n % 2 and ticket in self.hall.tickets else None
        self.say(c.Resume(here or window, ticket))

    @precondition(lambda self: self.any(*AT_WINDOW))
    @rule(n=numbers, queue=queues, window=st.none() | windows)
    def a_ticket_is_transferred(self, n: int, queue: str, window: int | None) -> None:
        ticket = self.some_ticket(n, *sorted(AT_WINDOW))
        self.say(c.Transfer(ticket, "because", None if window else queue, window))

    @precondition(lambda self: self.any(TicketState.NO_SHOW))
    @rule(n=numbers)
    def somebody_returns(self, n: int) -> None:
        self.say(c.ReturnTicket(self.some_ticket(n, TicketState.NO_SHOW)))

    @precondition(lambda self: self.any(TicketState.WAITING))
    @rule(n=numbers, window=windows, what=st.integers(0, 4))
    def something_befalls_one_who_waits(self, n: int, window: int, what: int) -> None:
        ticket = self.some_ticket(n, TicketState.WAITING)
        choices: tuple[Command, ...] = (
            c.LetPass(ticket),
            c.CancelTicket(ticket, events.GIVEN_UP if n % 2 else ""),
            c.JumpCall(window, ticket, "because"),
            c.RecordSlip(ticket, list(Slip)[n % 5]),
            c.LetPass(ticket),
        )
        self.say(choices[what])

    @precondition(lambda self: self.any(TicketState.CANCELLED))
    @rule(n=numbers)
    def somebody_takes_a_ticket_up_again(self, n: int) -> None:
        self.say(c.TakeUpAgain(self.some_ticket(n, TicketState.CANCELLED)))

    @precondition(lambda self: self.any(TicketState.COMPLETED))
    @rule(n=numbers, window=windows, level=st.integers(0, 6))
    def something_befalls_one_who_is_finished(self, n: int, window: int, level: int) -> None:
        ticket = self.some_ticket(n, TicketState.COMPLETED)
        there = self.hall.tickets.get(ticket)
        here = there.legs[-1].window if there is not None and n % 3 else None
        self.say(c.Rate(ticket, level) if n % 2 else c.Reopen(here or window, ticket, "because"))

    @rule(window=windows, what=st.integers(0, 7), n=numbers)
    def a_window_changes(self, window: int, what: int, n: int) -> None:
        choices: tuple[Command, ...] = (
            c.Pause(window, PauseReason.BREAK, timedelta(minutes=n % 30) if n % 2 else None),
            c.Unpause(window),
            c.ChangeMode(window, list(WindowMode)[n % 7]),
            c.Logout(window, None if n % 2 else 1 + n % 4),
            c.Login(window, CLERKS[n % 4]),
            c.LoseWindow(window),
            c.RestoreWindow(window),
            c.Recall(window),
        )
        self.say(choices[what])

    @rule(n=numbers, queue=queues, size=st.integers(0, 12))
    def a_dispenser_is_alone(self, n: int, queue: str, size: int) -> None:
        if n % 3 == 0:
            self.say(c.LeaseNumbers("node-1", queue, size))
        if n % 11 == 0 and 0 < size < 5:
            self.say(c.PassOverNumbers(queue, size))
        prefix = self.hall.queues[queue].prefix
        number = f"{prefix}{n % 30:03d}" if n % 2 else f"{prefix}-2-{n % 30:03d}"
        taken_at = self.now - timedelta(minutes=n % 10)
        press = Press("node-1", "epoch", n % 40)
        self.say(c.AcceptOffline(press, queue, number, f"offline-{self.hall.next_ticket}", taken_at))

    @precondition(lambda self: len(self.log) - self.opened > 60 or self.hall.day.state is DayState.CLOSED)
    @rule(n=numbers)
    def a_day_ends(self, n: int) -> None:
        assert self.hall.day is not None
        if n % 2:
            self.say(c.CloseDay())
        if self.hall.day.state is DayState.CLOSED:
            days = n % 2
            date = self.hall.day.date + timedelta(days=days)
            self.now += timedelta(hours=20 * days)
            self.say(c.OpenDay(date, self.now + timedelta(hours=8)))
            self.opened = len(self.log)
            if days:
                self.earlier = set(self.hall.tickets)

    @rule()
    def a_snapshot_is_taken_and_the_plan_changed(self) -> None:
        frozen = freeze(self.hall)
        assert thaw(frozen) == self.hall
        assert freeze(thaw(frozen)) == frozen
        self.thawed = (len(self.log), thaw(frozen))
        self.say(c.ChangePlan(replace(self.hall.plan, rev=self.hall.plan.rev + 1)))

    # --- how it is said

    def any(self, *states: TicketState) -> bool:
        return any(ticket.state in states for ticket in self.hall.tickets.values())

    def some_ticket(self, n: int, *states: TicketState) -> int:
        """One of those in these states; now and then, or when there is none, any number at all."""
        there = [id for id in sorted(self.hall.tickets) if self.hall.tickets[id].state in states]
        return there[n % len(there)] if there and n % 16 != 15 else n % 30

    def some_window(self, n: int, state: TicketState) -> int:
        ticket = self.hall.tickets.get(self.some_ticket(n, state))
        return (ticket.window if ticket else None) or 1 + n % 4

    def say(self, command: Command) -> None:
        before, frozen = self.hall, freeze(self.hall)
        try:
            decided = engine.decide(self.hall, command, self.now)
        except Refused as refused:
            self.codes.add(refused.code)
            decided = []
        for event in decided:
            self.check_event(event)
            self.hall = engine.apply(self.hall, event)
            self.log.append(event)
            engine.effects(self.hall, event)
        assert freeze(before) == frozen
        assert self.codes <= set(REFUSALS)

    def check_event(self, event: Event) -> None:
        """What must be true of an event, seen from the hall before it."""
        if isinstance(event, TicketCalled) and not event.jump:
            self.check_call(event)
        if isinstance(event, TicketCalled):
            self.count_passed(event)
        day = None if self.hall.day is None else self.hall.day.date
        if isinstance(event, TicketIssued):
            queue = self.hall.queues[event.queue]
            if event.count is not None:
                assert all(
                    event.count not in block
                    for on, series, block in self.blocks
                    if (on, series) == (day, queue.domain + queue.prefix)
                )
                is_limited = queue.daily_quota is not None and event.klass is not TicketClass.APPOINTMENT
                assert not is_limited or self.hall.issued.get(event.queue, 0) < (queue.daily_quota or 0)
            self.give((day, queue.domain, event.number))
        if isinstance(event, TicketRenumbered):
            ticket = self.hall.tickets[event.ticket]
            if (ticket.domain, ticket.number) in self.hall.numbers:
                self.give((day, ticket.domain, event.number))
        if isinstance(event, NumbersLeased):
            queue = self.hall.queues[event.queue]
            block = range(event.first, event.last + 1)
            assert not any(
                set(block) & set(other)
                for on, series, other in self.blocks
                if (on, series) == (day, queue.domain + queue.prefix)
            )
            self.blocks.append((day, queue.domain + queue.prefix, block))

    def check_call(self, event: TicketCalled) -> None:
        """By brute force over all who wait: levels, the oldest first, and nobody passed too often."""
        hall, rules, session = self.hall, self.hall.plan.rules, self.hall.sessions[event.window]
        can = _callable(hall, session)
        chosen = hall.tickets[event.ticket]
        oldest = min(_due(hall, ticket) for _, ticket in can)
        is_late = self.now - oldest > rules.oldest_first_after
        if is_late and (session.overdue < rules.overdue_in_a_row or chosen.klass is TicketClass.NORMAL):
            assert self.now - _due(hall, chosen) > rules.oldest_first_after
            assert _due(hall, chosen) == oldest or self.now - oldest <= rules.strictly_oldest_after
        assert event.reasons is not None
        assert event.reasons.code != "overdue" or is_late
        for ticket in _passed(hall, event):
            near, far = self.passes(ticket)
            is_near = hall.queues[ticket.queue].zone == hall.queues[chosen.queue].zone
            assert near < rules.balance.passed_in_section or not is_near
            assert far < rules.balance.passed_in_hall

    def count_passed(self, event: TicketCalled) -> None:
        """Note, for everybody who waits, who was called past him since he stands in this line."""
        hall, chosen = self.hall, self.hall.tickets[event.ticket]
        zone = hall.queues[chosen.queue].zone
        for ticket in _passed(hall, event):
            stands = _line(ticket), len(ticket.legs)
            where, seen = self.seen.get(ticket.id, (stands, []))
            one = (_due(hall, chosen), hall.queues[ticket.queue].zone == zone)
            self.seen[ticket.id] = stands, [*(seen if where == stands else []), one]

    def passes(self, ticket: Ticket) -> tuple[int, int]:
        where, seen = self.seen.get(ticket.id, ((), []))
        counted = [near for due, near in seen if due > _due(self.hall, ticket)]
        return (sum(counted), len(counted)) if where == (_line(ticket), len(ticket.legs)) else (0, 0)

    def give(self, number: tuple[object, str, str]) -> None:
        assert number not in self.given, "a number is given once a domain and day"
        self.given.add(number)

    # --- what always holds

    @invariant()
    def a_ticket_is_at_one_window_at_most(self) -> None:
        there = Counter(
            id
            for session in self.hall.sessions.values()
            for id in (*session.held, *([] if session.current is None else [session.current]))
        )
        assert all(times == 1 for times in there.values())
        at_windows = {id: ticket for id, ticket in self.hall.tickets.items() if ticket.state in AT_WINDOW}
        assert set(there) == set(at_windows)
        for id, ticket in at_windows.items():
            assert ticket.window is not None
            session = self.hall.sessions[ticket.window]
            assert (id in session.held) is (ticket.state is TicketState.HELD)
            assert (id == session.current) is (ticket.state is not TicketState.HELD)
        assert all(ticket.window is None for id, ticket in self.hall.tickets.items() if id not in at_windows)

    @invariant()
    def a_window_is_busy_while_it_serves_and_only_then(self) -> None:
        for session in self.hall.sessions.values():
            current = None if session.current is None else self.hall.tickets[session.current].state
            state = session.former if session.state is WindowState.OFFLINE else session.state
            assert (state is WindowState.BUSY) is (current is TicketState.SERVING)
            assert (state is WindowState.CLOSED) is (session.clerk is None)
            assert session.clerk is not None or (session.current is None and not session.held)
            assert (session.paused_at is not None) is (state is WindowState.PAUSED)
        clerks = [session.clerk for session in self.hall.sessions.values() if session.clerk is not None]
        assert len(clerks) == len(set(clerks))

    @invariant()
    def every_ticket_stands_where_its_state_says(self) -> None:
        hall, tickets = self.hall, self.hall.tickets.values()
        waiting = [ticket for ticket in tickets if ticket.state is TicketState.WAITING]
        assert {key: list(line) for key, line in hall.lines.items()} == _grouped(
            ((_line(ticket), ticket.klass), ticket.place) for ticket in waiting
        )
        assert {key: list(line) for key, line in hall.ages.items()} == _grouped(
            (_line(ticket), (ticket.waiting_since, ticket.id)) for ticket in waiting
        )
        assert list(hall.missed) == sorted(
            (ticket.missed_at, ticket.id) for ticket in tickets if ticket.state is TicketState.NO_SHOW
        )
        assert dict(hall.persons) == Counter(
            (ticket.queue, ticket.person) for ticket in tickets if ticket.state not in FINAL and ticket.person
        )

    @invariant()
    def counters_and_names_agree_with_the_tickets(self) -> None:
        hall = self.hall
        assert all(id < hall.next_ticket for id in hall.tickets)
        assert {hall.tokens[ticket.token] for ticket in hall.tickets.values()} == set(hall.tickets)
        for press, id in hall.presses.items():
            assert hall.tickets[id].press == press
        for (domain, _), id in hall.numbers.items():
            assert hall.tickets[id].domain == domain
        if hall.day is None:
            return
        for code in hall.queues:
            issued = [ticket for ticket in hall.tickets.values() if ticket.legs[0].queue == code]
            back = [
                ticket
                for ticket in issued
                if ticket.state is TicketState.CANCELLED and ticket.legs[0].called_at is None
            ]
            today = set(hall.numbers.values()) - self.earlier  # one of those may be renumbered today
            counted = sum(ticket.id in today for ticket in issued) - sum(t.id in today for t in back)
            assert hall.issued.get(code, 0) == counted

    @invariant()
    def nobody_waits_while_the_day_is_closed(self) -> None:
        if self.hall.day is not None and self.hall.day.state is DayState.CLOSED:
            assert not self.hall.lines
            assert not self.hall.missed

    def teardown(self) -> None:
        assert _replayed(self.start, self.log) == self.hall
        seen, thawed = self.thawed
        assert _replayed(thawed, self.log[seen:]) == self.hall


# --- everything again, from the tickets alone ------------------------------------------------------


def _replayed(hall: Hall, log: list[Event]) -> Hall:
    for event in log:
        hall = engine.apply(hall, event)
    return hall


def _line(ticket: Ticket) -> str:
    target = ticket.legs[-1].target
    return ticket.legs[-1].queue if target is None else f"@{target}"


def _grouped(pairs: object) -> dict[object, list[object]]:
    groups: dict[object, list[object]] = {}
    for key, entry in sorted(pairs, key=lambda pair: pair[1]):  # type: ignore[call-overload]
        groups.setdefault(key, []).append(entry)
    return groups


def _due(hall: Hall, ticket: Ticket) -> datetime:
    """Since when its wait counts: the key time without what its class has ahead."""
    rules = hall.plan.rules
    ahead = {TicketClass.GREEN: rules.green_credit, TicketClass.APPOINTMENT: rules.appointment_lead}
    return ticket.place[0] + ahead.get(ticket.klass, timedelta())


def _callable(hall: Hall, session: Session) -> list[tuple[int, Ticket]]:
    """Everybody who waits and whom this window might call, with his level there."""
    return [
        (level, ticket)
        for ticket in hall.tickets.values()
        if ticket.state is TicketState.WAITING and (level := _level(hall, session, ticket)) is not None
    ]


def _passed(hall: Hall, event: TicketCalled) -> list[Ticket]:
    """Who had waited longer, might have been called instead, and is of no worse class or level."""
    chosen = hall.tickets[event.ticket]
    can = _callable(hall, hall.sessions[event.window])
    level = next((level for level, ticket in can if ticket.id == chosen.id), None)
    return [
        ticket
        for other, ticket in can
        if _due(hall, ticket) < _due(hall, chosen)
        and chosen.klass in (TicketClass.NORMAL, ticket.klass)
        and (level is None or other <= level)
    ]


def _level(hall: Hall, session: Session, ticket: Ticket) -> int | None:
    """Level of the ticket at the window; None when the window may not call it."""
    serves = hall.windows[session.window].serves
    target = ticket.legs[-1].target
    if target is not None:
        return min(each.level for each in serves) if target == session.window else None
    levels = [
        each.level
        for each in serves
        if each.queue == ticket.queue
        and _fits(hall, session, ticket.queue)
        and not (each.overflow and _has_own_window(hall, ticket.queue))
    ]
    return min(levels, default=None)


def _fits(hall: Hall, session: Session, code: str) -> bool:
    queue, clerk = hall.queues[code], hall.clerks.get(session.clerk or "")
    skilled = queue.skill is None or (clerk is not None and queue.skill in clerk.skills)
    return skilled and queue.is_bulk == (session.mode is WindowMode.BULK)


def _has_own_window(hall: Hall, code: str) -> bool:
    return any(
        each.queue == code and not each.overflow and _fits(hall, hall.sessions[window.number], code)
        for window in hall.plan.windows
        if hall.sessions[window.number].state in (WindowState.OPEN, WindowState.BUSY)
        for each in window.serves
    )


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(
    max_examples=200,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


# --- the words -------------------------------------------------------------------------------------


def test_every_event_is_of_one_sort() -> None:
    sorts = (events.OfHall, events.OfTicket, events.OfService, events.OfWindow, events.OfBookings)
    kinds = [kind for sort in sorts for kind in get_args(sort)]
    defined = [kind for kind in vars(events).values() if getattr(kind, "__module__", "") == events.__name__]
    assert sorted(map(repr, kinds)) == sorted(map(repr, defined))


@pytest.mark.parametrize("kind", get_args(events.Event), ids=lambda kind: kind.__name__)
def test_apply_accepts_every_event_even_of_things_it_does_not_know(kind: type) -> None:
    values = {
        "at": OPENING,
        "closes_at": CLOSING,
        "date": TODAY,
        "plan": small_plan(),
        "midnight": OPENING,
        "kinds": (DayKind.WORKDAY,),
        "place": (OPENING, 0, 77),
        "klass": TicketClass.NORMAL,
        "slip": Slip.NONE,
        "outcome": Outcome.CASE,
        "mode": WindowMode.BULK,
        "length": timedelta(minutes=1),
        "quota_back": True,
        "reason": PauseReason.OTHER,
    }
    facts = {
        each.name: values.get(each.name, "X" if "str" in str(each.type) else 77) for each in fields(kind)
    }
    event = kind(**facts)
    hall = engine.new_hall("hall", small_plan())
    after = engine.apply(hall, event)
    assert isinstance(after, Hall)
    assert isinstance(engine.effects(after, event), list)
