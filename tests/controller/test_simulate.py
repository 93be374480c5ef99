"""Days of citizens: the shapes shipped, the days made from them, and logs followed event by event."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from statistics import fmean, pstdev

import pytest

from controller.simulate import (
    BadArrivals,
    Demand,
    Log,
    clock_time,
    made_up_day,
    read_arrivals,
    service_time,
    shipped_shapes,
)

QUEUES = ("A", "B", "C", "D", "E", "F")
DEMAND = Demand(
    per_day=380,
    mean_service={queue: timedelta(minutes=7) for queue in QUEUES},
    opens=clock_time("08:55"),
    last=clock_time("16:50"),
)


def day(seed: int, demand: Demand = DEMAND) -> list[timedelta]:
    return [citizen.at for citizen in made_up_day(shipped_shapes(), demand, Random(seed))]


def read(text: str) -> Log:
    return read_arrivals(
        text.splitlines(keepends=True), QUEUES, Random(1), shipped_shapes().queues, "mine.csv"
    )


def test_the_shipped_shares_add_up_to_one():
    shapes = shipped_shapes()
    assert sum(shapes.half_hours.values()) == pytest.approx(1.0, abs=0.005)
    assert sum(kind.share for kind in shapes.types) == pytest.approx(1.0, abs=0.005)
    assert fmean(shapes.weekdays.values()) == pytest.approx(1.0, abs=0.005)
    for kind in shapes.types:
        assert sum(part for _, part in shapes.queues[kind.code]) == pytest.approx(1.0)


def test_a_seed_names_a_day():
    assert day(7) == day(7)
    assert day(7) != day(8)


def test_nobody_comes_before_the_doors_open_or_after_the_last_ticket():
    assert DEMAND.opens <= min(day(1))
    assert max(day(1)) < DEMAND.last


def test_a_day_has_about_as_many_citizens_as_asked_for():
    assert fmean(len(day(seed)) for seed in range(40)) == pytest.approx(380, rel=0.06)


def test_monday_is_the_fullest_day():
    monday = Demand(380, DEMAND.mean_service, DEMAND.opens, DEMAND.last, weekday=1)
    assert fmean(len(day(seed, monday)) for seed in range(40)) > fmean(len(day(seed)) for seed in range(40))


def test_every_queue_has_its_citizens():
    people = made_up_day(shipped_shapes(), DEMAND, Random(3))
    assert {one.queue for one in people} == set(QUEUES)
    assert 0.1 < fmean(one.is_priority for one in people) < 0.4


def test_service_times_spread_as_measured():
    chance = Random(2)
    minutes = [service_time(timedelta(minutes=7), 1.15, chance) / timedelta(minutes=1) for _ in range(20_000)]
    assert fmean(minutes) == pytest.approx(7, rel=0.05)
    assert pstdev(minutes) / fmean(minutes) == pytest.approx(1.0, abs=0.15)  # the tail is cut at 6 means
    assert max(minutes) <= 42


def test_a_log_of_queues_is_followed_line_by_line():
    log = read("arrival_s,queue,service_s\n32400,A,60\n32100,F,30.5\n")
    assert [(one.at, one.queue, one.service) for one in log.nth_day(0)] == [
        (timedelta(seconds=32100), "F", timedelta(seconds=30.5)),
        (timedelta(seconds=32400), "A", timedelta(seconds=60)),
    ]


def test_a_log_of_types_is_dealt_to_queues():
    log = read(
        "day,arrival_s,queue_s,service_start_s,service_s,type,priority,agent,outcome\n"
        "1999-02-01,32400,5,32405,60,NE,2,A01,AGENT\n"
        "1999-02-01,32500,40,0,0,TT,0,,HANG\n"
        "1999-02-01,32600,0,0,0,PS,0,,PHANTOM\n"
        "1999-02-02,32400,5,32405,60,IN,1,A01,AGENT\n"
    )
    served, left = log.nth_day(0)
    assert (served.queue, served.is_priority, served.patience) == ("D", True, None)
    assert (left.queue, left.patience) == ("E", timedelta(seconds=40))
    assert [one.queue for one in log.nth_day(1)] == ["C"]
    assert log.nth_day(2) == log.nth_day(0)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, "arrival_s"),
        ("arrival_s,queue\n1,A\n", 1, "service_s"),
        ("arrival_s,service_s\n1,2\n", 1, "queue"),
        ("arrival_s,queue,service_s\n", 2, "arrival_s"),
        ("arrival_s,queue,service_s\n1,A,2\nnine,A,2\n", 3, "arrival_s"),
        ("arrival_s,queue,service_s\n1,A,-2\n", 2, "service_s"),
        ("arrival_s,queue,service_s\n1,A,nan\n", 2, "service_s"),
        ("arrival_s,queue,service_s\n90000,A,2\n", 2, "arrival_s"),
        ("arrival_s,queue,service_s\n1,Z,2\n", 2, "queue"),
        ("arrival_s,queue,service_s\n1\n", 2, "queue"),
        ("arrival_s,type,service_s\n1,XX,2\n", 2, "type"),
        ("arrival_s,type,service_s,outcome\n1,PS,2,HANG\n", 2, "queue_s"),
    ],
)
def test_a_bad_log_is_refused_with_its_line_and_column(text: str, line: int, column: str):
    with pytest.raises(BadArrivals, match="mine") as caught:
        read(text)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize("text", ["", "8", "8:60", "25:00", "-1:30", "x:10"])
def test_what_is_no_time_of_day_is_refused(text: str):
    with pytest.raises(ValueError):
        clock_time(text)
