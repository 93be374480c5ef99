"""Days read from the log and played again, compared two ways, in a process of their own."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import fmean
from zoneinfo import ZoneInfo

import pytest

from controller import hall_file
from controller.hall.commands import CallNext, Finish, Logout, Pause, Start, TakeTicket, Tick, Unpause
from controller.hall.engine import new_hall
from controller.hall.model import Hall, PauseReason, TicketClass, TicketState
from controller.live import Live
from controller.people import SYSTEM
from controller.settings import Settings
from controller.store import past
from controller.trials.command import main
from controller.trials.compare import differences, figures_of_play, margin, quantile, t_quantile
from controller.trials.day import Citizen, Day, Errand, Stint, dealt_again
from controller.trials.past import recover
from controller.trials.play import play
from controller.trials.shelf import Shelf, State, TrialRunning
from controller.trials.variant import BadVariant, Variant, changed_day
from controller.trials.work import NothingToPlay, Request, run
from tests.halls import CLOSING, OPENING, TODAY, small_plan
from tests.store.halls import DAY, MORNING, PLAN, Time, morning, sqlite_url
from tests.waiting import until

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)


def day(citizens: tuple[Citizen, ...] = (), stints: tuple[Stint, ...] | None = None) -> Day:
    everybody = tuple(Stint(n, clerk, OPENING) for n, clerk in ((1, "wang"), (2, "li")))
    return Day("", TODAY, OPENING, CLOSING, citizens, everybody if stints is None else stints, MINUTE / 2)


def citizen(minute: float, service: float = 6.0, queue: str = "A", **more: object) -> Citizen:
    errands = (Errand(queue, service * MINUTE),)
    return Citizen(OPENING + minute * MINUTE, errands, **more)  # type: ignore[arg-type]


def many(n: int = 40) -> tuple[Citizen, ...]:
    chance = Random(1)
    return tuple(citizen(2.5 * at, chance.uniform(2, 10)) for at in range(n))


def hall() -> Hall:
    return new_hall("hall", small_plan())


# --- playing


def test_everybody_of_a_day_is_served_and_the_same_day_ends_the_same() -> None:
    played = play(hall(), day(many()))
    assert {ticket.state for ticket in played.hall.tickets.values()} == {TicketState.COMPLETED}
    assert played.served_s == pytest.approx(
        sum(one.errands[0].service.total_seconds() for one in many()), abs=1
    )
    assert play(hall(), day(many())).hall.tickets == played.hall.tickets


def test_who_misses_his_calls_is_missed_and_who_comes_back_is_served() -> None:
    absent = citizen(0, absences=(None,))
    late = citizen(1, absences=(5 * MINUTE,))
    tickets = play(hall(), day((absent, late))).hall.tickets
    assert (tickets[1].state, tickets[1].misses) == (TicketState.ABANDONED, 1)
    assert (tickets[2].state, tickets[2].misses) == (TicketState.COMPLETED, 1)


def test_who_has_no_patience_leaves() -> None:
    alone = (Stint(1, "wang", OPENING),)
    tickets = play(hall(), day((citizen(0, 30), citizen(1, patience=5 * MINUTE)), alone)).hall.tickets
    assert tickets[2].state is TicketState.CANCELLED


def test_transfers_and_chains_go_on_as_they_did() -> None:
    sent_on = replace(citizen(0), errands=(Errand("A", MINUTE), Errand("B", MINUTE)))
    chained = replace(sent_on, at=OPENING + MINUTE, chain=1)
    tickets = play(hall(), day((sent_on, chained))).hall.tickets
    assert [[leg.queue for leg in ticket.legs] for ticket in tickets.values()] == [["A", "B"]] * 2
    assert {ticket.state for ticket in tickets.values()} == {TicketState.COMPLETED}


def test_a_clerk_at_break_calls_nobody() -> None:
    pause = (OPENING + 10 * MINUTE, OPENING + 30 * MINUTE)
    alone = (Stint(1, "wang", OPENING, breaks=(pause,)),)
    tickets = play(hall(), day((citizen(12), citizen(13)), alone)).hall.tickets
    assert tickets[1].legs[0].called_at == pause[1]


def test_nobody_is_called_after_the_clerk_went_home_and_the_rest_is_unserved() -> None:
    alone = (Stint(1, "wang", OPENING, OPENING + 10 * MINUTE),)
    tickets = play(hall(), day((citizen(0), citizen(20)), alone)).hall.tickets
    assert [ticket.state for ticket in tickets.values()] == [TicketState.COMPLETED, TicketState.EXPIRED]


def test_another_day_of_the_same_people_has_as_much_work() -> None:
    once = day(many())
    again = dealt_again(once, Random(2))
    assert again != once
    for of in (once, again):
        assert sum(one.errands[0].service.total_seconds() for one in of.citizens) == pytest.approx(
            sum(one.errands[0].service.total_seconds() for one in many())
        )


# --- other hours and clerks


def test_a_window_more_shortens_waits() -> None:
    request = Request("hall", Variant(staff={"4": "08:30-17:00"}))
    busy = day((*many(), *(replace(one, at=one.at + MINUTE) for one in many())))
    result = run(hall(), [busy], request, SHANGHAI, lambda done, of: None)
    found = {one.code: one for one in result.differences}
    assert found["mean_wait"].second < found["mean_wait"].first
    assert found["mean_wait"].margin is None


def test_who_comes_before_a_later_opening_waits_at_the_door() -> None:
    changed = changed_day(day((citizen(0),)), hall(), Variant(hours="09:30-16:00"), SHANGHAI)
    played = play(hall(), changed)
    assert played.hall.tickets[1].issued_at == OPENING + 60 * MINUTE
    assert changed.closes_at == CLOSING - 60 * MINUTE


@pytest.mark.parametrize("variant", [Variant(hours="9 to 5"), Variant(staff={"1": "12:00-09:00"})])
def test_hours_nobody_can_keep_are_refused(variant: Variant) -> None:
    with pytest.raises(BadVariant):
        changed_day(day(), hall(), variant, SHANGHAI)


def test_nothing_different_makes_no_difference() -> None:
    result = run(hall(), [day(many()), day(many(30))], Request("hall"), SHANGHAI, lambda done, of: None)
    assert {one.change for one in result.differences} == {0.0}


def test_a_hall_without_that_day_has_nothing_to_play() -> None:
    with pytest.raises(NothingToPlay):
        run(hall(), [], Request("hall"), SHANGHAI, lambda done, of: None)


# --- how sure a difference is


def test_student_s_t_is_that_of_the_tables() -> None:
    table = {1: 12.706, 5: 2.571, 11: 2.201, 20: 2.086, 29: 2.045, 60: 2.000}
    for freedom, value in table.items():
        assert t_quantile(freedom) == pytest.approx(value, abs=0.001)


def test_intervals_hold_the_truth_nineteen_times_in_twenty() -> None:
    chance = Random(3)
    held = 0
    for _ in range(2000):
        sample = [chance.gauss(1.0, 2.0) for _ in range(12)]
        held += abs(fmean(sample) - 1.0) <= (margin(sample) or 0.0)
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_days_that_lack_a_figure_are_left_out_of_it() -> None:
    found = differences(
        [{"green_wait": None}, {"green_wait": 4.0}], [{"green_wait": 1.0}, {"green_wait": 3.0}]
    )
    assert [(one.days, one.change, one.verdict()) for one in found] == [(1, -1.0, "unsure")]


def test_quantiles_lie_between_neighbours() -> None:
    assert (quantile([], 0.9), quantile([3.0], 0.9), quantile([0.0, 10.0], 0.9)) == (None, 3.0, 9.0)


# --- a day of the log


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[tuple[Live, Time]]:
    """A morning: three served, one who misses his calls, one left waiting; a break; window 1 alone."""
    time = Time()
    with morning(sqlite_url(tmp_path), time) as live:

        def after(minutes: float, *commands: object) -> None:
            time.pass_by(minutes=minutes)
            for command in commands:
                live.submit(command, SYSTEM)  # type: ignore[arg-type]

        after(1, *(TakeTicket(queue, queue + str(n)) for n, queue in enumerate("AAB")))
        after(0, TakeTicket("A", "g", TicketClass.GREEN), TakeTicket("B", "last"))
        for service in (4, 6):
            after(0.5, CallNext(1))
            after(0.25, Start(1))
            after(service, Finish(1))
        after(0.5, CallNext(1))
        for _ in range(3):
            after(0.5, Tick())
        after(1, Pause(1, PauseReason.BREAK))
        after(10, Unpause(1), CallNext(1))
        after(0.25, Start(1))
        after(5, Finish(1), Logout(1))
        yield live, time


def test_a_day_is_read_from_the_log(recorded: tuple[Live, Time]) -> None:
    live, _ = recorded
    since = datetime(DAY.year, DAY.month, DAY.day, tzinfo=SHANGHAI)
    with live.store.reading() as c:
        assert past.days(c, "hall", 9) == [(DAY, 5)]
        events = list(past.happened(c, "hall", since, since + timedelta(days=1)))
    base = replace(new_hall("hall", live.hall.plan), paces=live.hall.paces)
    found = recover(base, DAY, events, Random(1))
    assert found is not None
    assert (found.opens_at, found.closes_at) == (MORNING, MORNING + timedelta(hours=8))
    assert [one.klass for one in found.citizens].count(TicketClass.GREEN) == 1
    assert sorted(len(one.absences) for one in found.citizens) == [0, 0, 0, 0, 1]
    (stint,) = found.stints
    assert (stint.window, stint.clerk, stint.end) == (1, "li", live.clock.now())
    assert [end - start for start, end in stint.breaks] == [10 * MINUTE]
    assert found.gap == MINUTE / 2
    again = play(base, found).hall
    assert found.recorded["served"] == 3
    missed = [ticket for ticket in again.tickets.values() if ticket.misses]
    served = [ticket for ticket in again.tickets.values() if ticket.state is TicketState.COMPLETED]
    assert (len(missed), len(served)) == (1, 4)  # the hall gives the absent up sooner than its clerk did


def test_a_day_read_back_from_its_events_is_played_again_to_the_same_figures() -> None:
    chance = Random(4)
    absences = [(None,) if chance.random() < 0.1 else () for _ in many(60)]
    citizens = tuple(replace(one, absences=away) for one, away in zip(many(60), absences, strict=True))
    pause = (OPENING + 20 * MINUTE, OPENING + 40 * MINUTE)
    once = day(citizens, (Stint(1, "wang", OPENING), Stint(2, "li", OPENING, breaks=(pause,))))
    played = play(hall(), once)
    again = recover(hall(), TODAY, played.events, Random(1))
    assert again is not None
    first, second = (figures_of_play(play(hall(), one), CLOSING) for one in (once, again))
    for name in ("mean_wait", "p90_wait", "longest_wait", "served", "missed", "busy", "overtime"):
        assert second[name] == pytest.approx(first[name], rel=0.001)
    assert again.recorded["mean_wait"] == pytest.approx(first["mean_wait"])


def test_a_day_without_an_opening_is_none(recorded: tuple[Live, Time]) -> None:
    assert recover(new_hall("hall", PLAN), date(2026, 1, 1), [], Random(1)) is None


# --- in a process of its own


@pytest.fixture
def shelf(tmp_path: Path, recorded: tuple[Live, Time]) -> Iterator[Shelf]:
    with closing(Shelf(Settings(data_dir=tmp_path, store_url=sqlite_url(tmp_path)))) as opened:
        yield opened


def test_a_comparison_is_carried_out_and_kept(tmp_path: Path, shelf: Shelf) -> None:
    id = shelf.start(Request("hall", Variant(rule="oldest"), days=(DAY,), repeats=2), "周文静", MORNING)
    until(lambda: shelf.all("hall")[0].state is not State.RUNNING, 30)
    kept = Shelf(Settings(data_dir=tmp_path))
    (trial,) = kept.all("hall")
    assert (trial.state, trial.id, trial.asked.by, trial.done, trial.of) == (State.DONE, id, "周文静", 2, 2)
    result = kept.result(id)
    assert result is not None
    assert (result.tickets, result.names) == (5, (DAY.isoformat(),))
    kept.forget(id)
    assert kept.all("hall") == []


def test_one_runs_at_a_time_and_can_be_stopped(shelf: Shelf) -> None:
    long = Request("hall", Variant(rule="oldest"), made_up=60, per_day=500.0, repeats=20)
    id = shelf.start(long, "", MORNING)
    with pytest.raises(TrialRunning):
        shelf.start(long, "", MORNING)
    shelf.stop(id)
    found = shelf.get("hall", id)
    assert found is not None
    assert found.state is State.STOPPED
    assert shelf.result(id) is None


def test_what_cannot_be_is_told(shelf: Shelf) -> None:
    id = shelf.start(Request("hall", Variant(rule="fastest"), days=(DAY,)), "", MORNING)
    until(lambda: shelf.all("hall")[0].state is not State.RUNNING, 30)
    found = shelf.get("hall", id)
    assert found is not None
    assert found.failure is not None
    assert (found.state, found.failure.code) == (State.FAILED, "unknown_rule")


# --- on the command line


@pytest.fixture
def hall_json(tmp_path: Path) -> str:
    file = tmp_path / "hall.json"
    file.write_bytes(hall_file.encode(hall_file.HallFile(id="hall", plan=small_plan())))
    return str(file)


SHORT = ("--made-up", "2", "--per-day", "60", "--rule", "oldest")


def test_the_command_compares_made_up_days(hall_json: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--file", hall_json, *SHORT]) == 0
    out = capsys.readouterr().out
    assert "2 days" in out
    assert "mean wait" in out
    assert main(["--file", hall_json, *SHORT]) == 0
    assert capsys.readouterr().out == out


def test_the_command_gives_figures_to_programs(hall_json: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--file", hall_json, *SHORT, "--csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["way"] for row in rows] == ["as it is", "changed"] * 2
    assert main(["--file", hall_json, *SHORT, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["first"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--day", "2026-03-02"), "no past days"),
        (("--made-up", "900"), "between 1 and 62"),
        (("--made-up", "1", "--window", "3"), "NAME=VALUE"),
        (("--made-up", "1", "--window", "3=Z"), "no queue 'Z'"),
        (("--made-up", "1", "--repeats", "0"), "--repeats"),
    ],
)
def test_the_command_says_what_is_wrong(
    hall_json: str, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--file", hall_json, *words]) == 1
    assert said in capsys.readouterr().err


def test_the_command_plays_the_last_days_of_a_site(
    tmp_path: Path, recorded: tuple[Live, Time], capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "controller.toml"
    config.write_text(f'store_url = "{sqlite_url(tmp_path)}"\n')
    assert main(["-c", str(config), "--last", "3", "--repeats", "2", "--staff", "2=09:00-12:00"]) == 0
    assert "1 days, 5 citizens" in capsys.readouterr().out
