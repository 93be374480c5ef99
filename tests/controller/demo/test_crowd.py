"""The sample hall's plan and its crowd, which here meets the real engine at a desk instead of on wires."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random

from controller import boards
from controller.demo.citizens import Citizen, Step, Told
from controller.demo.clerks import Clerk, Mood
from controller.demo.crowd import Crowd, new_day
from controller.demo.hall import CLERKS, QUEUES, SERVES, VISITOR_WINDOW, sample_plan
from controller.demo.matters import sample_items
from controller.demo.sight import (
    Act,
    Key,
    Keypad,
    Pace,
    Phone,
    Press,
    RateKey,
    Seen,
    SendOn,
    SignIn,
    SignOut,
    Slip,
)
from controller.hall import commands as c
from controller.hall.engine import new_hall, run
from controller.hall.model import Hall, PauseReason, Refused, TicketState, WindowState
from controller.simulate import Arrival, Demand, made_up_day, shipped_shapes

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
PACE = Pace(8.0)
CLOSES = timedelta(hours=17)
OPENS = timedelta(hours=8, minutes=55)
STEP = timedelta(seconds=2)


@dataclass
class Desk:
    """The hall engine with the crowd's acts as its commands; `deaf`: keys that are lost on the way."""

    hall: Hall = field(default_factory=lambda: new_hall("hall", sample_plan()))
    slips: list[Slip] = field(default_factory=list)
    rating: dict[int, int] = field(default_factory=dict)  # window -> ticket asked about
    prints: bool = True
    deaf: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    phones: Counter[str] = field(default_factory=Counter)

    def give(self, command: c.Command, now: timedelta) -> None:
        try:
            self.hall, events, _ = run(self.hall, command, MIDNIGHT + now)
        except Refused as no:
            self.refused[f"{type(command).__name__} {no.code}"] += 1
            return
        for event in events:
            if type(event).__name__ == "TicketFinished":
                self.rating[event.window] = event.ticket

    def seen(self) -> Seen:
        windows = {n: boards.window_board(self.hall, n, MIDNIGHT) for n in self.hall.windows}
        return Seen(
            bars={n: board.line for n, board in windows.items()},
            keypads={n: Keypad(board.waiting, None, n in self.rating) for n, board in windows.items()},
            slips=tuple(self.slips),
        )

    def do(self, act: Act, now: timedelta) -> None:
        match act:
            case Press(queue, _):
                self._take(queue, now)
            case Key(window, key) if self.deaf[key] > 0:
                self.deaf[key] -= 1
            case Key(window, key):
                self._key(window, key, now)
            case RateKey(window, value) if window in self.rating:
                self.give(c.Rate(self.rating.pop(window), value + 2), now)
            case SignIn(window):
                clerk = next(one.id for one in CLERKS if one.window == window)
                self.give(c.Login(window, clerk), now)
            case SignOut(window):
                self.give(c.Logout(window), now)
            case RateKey():
                self.refused["rating nobody asked for"] += 1
            case SendOn(window) if (ticket := self.hall.sessions[window].current) is not None:
                self.give(c.Transfer(ticket, "elsewhere", to_queue=self._other_queue(ticket)), now)
            case SendOn():
                self.refused["nobody to send on"] += 1
            case Phone(_, what):
                self.phones[what] += 1

    def _other_queue(self, ticket: int) -> str:
        here = self.hall.queues[self.hall.tickets[ticket].queue]
        return next(q.code for q in QUEUES if q.code != here.code and q.zone == here.zone)

    def _take(self, queue: str, now: timedelta) -> None:
        if not self.prints:
            return
        token = f"t{len(self.hall.tickets)}"
        self.give(c.TakeTicket(queue, token), now)
        number = self.hall.tickets[self.hall.tokens[token]].number
        self.slips.append(Slip(number, f"http://hall/t/{token}"))

    def _key(self, window: int, key: str, now: timedelta) -> None:
        session = self.hall.sessions[window]
        self.rating.pop(window, None)
        simple = {
            "call_next": c.CallNext(window),
            "recall": c.Recall(window),
            "start": c.Start(window),
            "no_show": c.NoShow(window),
            "finish": c.Finish(window),
            "hold": c.Hold(window, "keypad"),
        }
        if key in simple:
            self.give(simple[key], now)
        elif key == "pause" and session.state is WindowState.PAUSED:
            self.give(c.Unpause(window), now)
        elif key == "pause":
            self.give(c.Pause(window, PauseReason.BREAK), now)
        elif key == "call_back" and session.held:
            self.give(c.Resume(window, session.held[0]), now)


def open_desk() -> Desk:
    desk = Desk()
    desk.give(c.OpenDay(date(2026, 11, 23), MIDNIGHT + CLOSES), OPENS)
    return desk


def crowd() -> Crowd:
    return new_day("2026-11-23", [one.window for one in CLERKS if one.window])


def play(
    desk: Desk, people: Crowd, arrivals: list[Arrival], until: timedelta, start: timedelta = OPENS
) -> timedelta:
    """Let the crowd act until that time, or until everybody went home; when it ended."""
    chance, now = Random(5), start
    while now < until and not (now > CLOSES and people.is_over):
        desk.give(c.Tick(), now)
        for act in people.look(desk.seen(), now, arrivals, CLOSES, PACE, chance):
            desk.do(act, now)
        now += STEP
    return now


def arrival(minutes: float, queue: str = "A", service_minutes: float = 3, **more: object) -> Arrival:
    return Arrival(OPENS + timedelta(minutes=minutes), queue, timedelta(minutes=service_minutes), **more)  # type: ignore[arg-type]


def states(desk: Desk) -> Counter[TicketState]:
    return Counter(ticket.state for ticket in desk.hall.tickets.values())


# --- the sample hall


def test_the_sample_plan_holds_together():
    hall = new_hall("hall", sample_plan())
    assert {queue.domain for queue in QUEUES} == {"main", "tax"}
    assert {window.zone for window in hall.windows.values()} == {"east", "west"}


def test_every_queue_is_served_without_the_visitors_window():
    served = {one.queue for number, serves in SERVES.items() if number != VISITOR_WINDOW for one in serves}
    assert served == {queue.code for queue in QUEUES}


def test_the_items_are_real_ones_dealt_to_the_queues():
    items = list(sample_items())
    assert len(items) <= 200
    assert {item.queue for item in items} == {queue.code for queue in QUEUES}
    assert len({item.code for item in items}) == len(items)
    assert max(len(item.name) for item in items) > 40  # screens must bear one of these


# --- the crowd at work


def test_a_citizen_takes_a_slip_is_called_served_and_rates():
    desk, people = open_desk(), crowd()
    play(desk, people, [arrival(1)], OPENS + timedelta(minutes=12))
    (ticket,) = desk.hall.tickets.values()
    assert ticket.state is TicketState.COMPLETED
    assert people.people[0].step is Step.GONE
    assert ticket.rating == (None if people.people[0].rating is None else people.people[0].rating + 2)


def test_clerks_sign_in_before_the_first_call():
    desk, people = open_desk(), crowd()
    play(desk, people, [], OPENS + timedelta(minutes=2))
    staffed = {n for n, session in desk.hall.sessions.items() if session.state is not WindowState.CLOSED}
    assert staffed == set(range(1, 8))


def test_a_morning_is_served():
    demand = Demand(380, {q.code: q.mean_service for q in QUEUES}, OPENS, timedelta(hours=16, minutes=50))
    day = [one for one in made_up_day(shipped_shapes(), demand, Random(11)) if one.at < timedelta(hours=10)]
    desk, people = open_desk(), crowd()
    play(desk, people, day, timedelta(hours=12))
    done = states(desk)
    assert len(desk.hall.tickets) == len(day)
    assert done[TicketState.COMPLETED] > 0.85 * len(day)
    assert done[TicketState.WAITING] + done[TicketState.CALLED] + done[TicketState.SERVING] == 0
    assert desk.phones["look"] > 0


def test_after_closing_the_clerks_finish_and_go_home():
    desk, people = open_desk(), crowd()
    late = [Arrival(CLOSES - timedelta(minutes=5), "D", timedelta(minutes=9))]
    ended = play(desk, people, late, timedelta(hours=18), start=CLOSES - timedelta(minutes=10))
    assert people.is_over
    assert ended < CLOSES + timedelta(minutes=15)
    assert states(desk) == {TicketState.COMPLETED: 1}
    assert {session.state for session in desk.hall.sessions.values()} == {WindowState.CLOSED}


def test_lost_keys_are_pushed_again():
    desk, people = open_desk(), crowd()
    desk.deaf.update({"call_next": 1, "start": 1, "finish": 1})
    play(desk, people, [arrival(1)], OPENS + timedelta(minutes=20))
    assert states(desk) == {TicketState.COMPLETED: 1}


def test_without_slips_the_line_moves_on():
    desk, people = open_desk(), crowd()
    desk.prints = False
    play(desk, people, [arrival(1), arrival(1.2)], OPENS + timedelta(minutes=15))
    assert people.line == []
    assert people.without_slip == 2


def test_at_closing_the_line_before_the_dispenser_goes_home():
    desk, people = open_desk(), crowd()
    desk.prints = False
    late = [Arrival(CLOSES - timedelta(seconds=30), "A", timedelta(minutes=2)) for _ in range(20)]
    play(desk, people, late, CLOSES + timedelta(minutes=4), start=CLOSES - timedelta(minutes=1))
    assert people.line == []
    assert people.without_slip == 20


def test_who_came_while_nobody_looked_has_left_again():
    desk, people = open_desk(), crowd()
    noon = timedelta(hours=12)
    play(
        desk,
        people,
        [arrival(1), Arrival(noon, "A", timedelta(minutes=1))],
        noon + timedelta(minutes=9),
        noon,
    )
    assert len(desk.hall.tickets) == 1


def test_who_leaves_is_called_in_vain_and_marked_as_missed():
    desk, people = open_desk(), crowd()
    someone_first = [arrival(1, "C", 12), arrival(1.5, "C", 3, patience=timedelta(minutes=2))]
    people.staff = {4: people.staff[4]}
    play(desk, people, someone_first, OPENS + timedelta(minutes=25))
    assert states(desk)[TicketState.NO_SHOW] == 1


def test_a_strangers_number_is_served_too():
    desk, people = open_desk(), crowd()
    desk.give(c.TakeTicket("A", "stranger"), OPENS)
    play(desk, people, [], OPENS + timedelta(minutes=15))
    assert states(desk) == {TicketState.COMPLETED: 1}


def test_a_window_taken_over_in_the_browser_is_left_alone():
    desk, people = open_desk(), crowd()
    people.staff = {1: people.staff[1]}
    play(desk, people, [], OPENS + timedelta(minutes=2))
    desk.give(c.TakeTicket("A", "one"), OPENS + timedelta(minutes=2))
    desk.give(c.CallNext(1), OPENS + timedelta(minutes=2))
    play(desk, people, [], OPENS + timedelta(minutes=6), start=OPENS + timedelta(minutes=2))
    assert people.staff[1].mood is Mood.HANDS_OFF
    assert states(desk)[TicketState.SERVING] == 0


def test_a_window_that_was_taken_over_and_left_is_worked_at_again():
    desk, people = open_desk(), crowd()
    people.staff = {1: people.staff[1]}
    play(desk, people, [], OPENS + timedelta(minutes=2))
    desk.give(c.TakeTicket("A", "one"), OPENS + timedelta(minutes=2))
    desk.give(c.CallNext(1), OPENS + timedelta(minutes=2))
    at = play(desk, people, [], OPENS + timedelta(minutes=6), start=OPENS + timedelta(minutes=2))
    desk.give(c.TakeTicket("A", "two"), at)
    desk.give(c.Start(1), at)
    desk.give(c.Finish(1), at)
    play(desk, people, [], OPENS + timedelta(minutes=40), start=at)
    assert states(desk)[TicketState.WAITING] == 0


def test_a_number_that_comes_late_is_still_the_clerks_own():
    desk, people = open_desk(), crowd()
    people.staff = {1: people.staff[1]}
    desk.give(c.TakeTicket("A", "one"), OPENS)
    desk.deaf.update({"call_next": 2})
    at = play(desk, people, [], OPENS + timedelta(minutes=2, seconds=50))
    assert people.staff[1].asked_at is not None
    desk.give(c.CallNext(1), at)  # the push that was thought lost
    play(desk, people, [], OPENS + timedelta(minutes=12), start=at)
    assert states(desk) == {TicketState.COMPLETED: 1}


def test_a_held_citizen_is_called_back_and_finished():
    person = Citizen(
        0,
        "A",
        timedelta(minutes=2),
        Step.AT_WINDOW,
        OPENS,
        OPENS,
        None,
        None,
        False,
        False,
        False,
        "A001",
        "",
        1,
    )
    desk, people = open_desk(), crowd()
    people.staff = {1: Clerk(1, Mood.SERVING, OPENS, None, "A001", until=OPENS + timedelta(minutes=1))}
    people.people[0] = person
    for command in (
        c.Login(1, "wang-min"),
        c.TakeTicket("A", "one"),
        c.CallNext(1),
        c.Start(1),
        c.Hold(1, "copy"),
    ):
        desk.give(command, OPENS)
    people.staff[1] = Clerk(1, Mood.FREE, OPENS, number="A001", held_at=OPENS)
    people.people[0] = person.at(Step.WAITING, OPENS)
    play(desk, people, [], OPENS + timedelta(minutes=20))
    assert states(desk) == {TicketState.COMPLETED: 1}
    assert people.people[0].told in (Told.DONE, Told.NOTHING)


def test_a_break_ends_with_the_window_open():
    desk, people = open_desk(), crowd()
    people.staff = {1: Clerk(1, Mood.PAUSED, OPENS, OPENS, until=OPENS + timedelta(minutes=5))}
    desk.give(c.Login(1, "wang-min"), OPENS)
    desk.give(c.Pause(1, PauseReason.BREAK), OPENS)
    play(desk, people, [], OPENS + timedelta(minutes=8))
    assert desk.hall.sessions[1].state is WindowState.OPEN


def test_bars_are_read_as_people_read_them():
    seen = Seen(
        bars={
            1: "请A023号到1号窗口",
            2: "社保与户籍",
            3: "暂停服务",
            4: "窗口未开",
            5: "",
            6: "B007 正在办理",
        },
        keypads={5: Keypad(waiting=2, number=12)},
    )
    assert seen.number_at(1) == "A023"
    assert seen.number_at(2) is None
    assert seen.number_at(5) == "012"
    assert seen.number_at(6) == "B007"
    assert seen.window_of("A023") == 1
    assert seen.is_called(1)
    assert not seen.is_called(6)
    assert seen.is_paused(3)
    assert seen.is_closed(4)
