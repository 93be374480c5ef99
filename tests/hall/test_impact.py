"""What another plan would do to a hall at work."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from controller.hall import drafting, impact
from controller.hall.commands import CallNext, Login, OpenDay, Start, TakeTicket
from controller.hall.engine import apply, decide, new_hall
from controller.hall.model import Hall, Plan, Serves
from tests.store.halls import DAY, MORNING, PLAN


def at_work(*queues: str) -> Hall:
    """Li sits at window 1, window 2 is closed; a ticket waits for each of the queues."""
    hall = new_hall("hall", PLAN)
    tickets = [TakeTicket(queue, f"t{n}") for n, queue in enumerate(queues)]
    for command in (OpenDay(DAY, MORNING + timedelta(hours=8)), Login(1, "li"), *tickets):
        for event in decide(hall, command, MORNING):
            hall = apply(hall, event)
    return hall


def codes(hall: Hall, plan: Plan) -> set[str]:
    return {one.code for one in impact.consequences(hall, plan, MORNING)}


def serving(window: int, *queues: str) -> Plan:
    found = drafting.find(PLAN, "windows", str(window))
    return drafting.put(PLAN, "windows", replace(found, serves=tuple(Serves(queue) for queue in queues)))


def test_a_queue_with_people_in_it_and_a_window_at_work_cannot_go() -> None:
    hall = at_work("A")
    assert [one.code for one in impact.refusals(hall, drafting.without(PLAN, "queues", "A"))] == [
        "queue_in_use"
    ]
    assert [one.code for one in impact.refusals(hall, drafting.without(PLAN, "windows", "1"))] == [
        "window_in_use"
    ]
    assert impact.refusals(hall, PLAN) == []


def test_what_contradicts_itself_is_told_before_what_is_in_use() -> None:
    plan = drafting.without(drafting.without(PLAN, "zones", "east"), "windows", "1")
    assert {one.code for one in impact.refusals(at_work(), plan)} == {"plan_queue_zone", "plan_window_zone"}


def test_an_empty_queue_and_a_closed_window_go_quietly() -> None:
    plan = drafting.without(drafting.without(PLAN, "queues", "B"), "windows", "2")
    found = impact.consequences(at_work(), plan, MORNING)
    assert {one.code for one in found} == {"queue_goes", "window_goes"}
    assert not any(one.is_warning for one in found)


def test_a_queue_nobody_would_serve_is_a_warning_with_how_many_wait() -> None:
    plan = drafting.without(serving(1, "B"), "windows", "2")
    (first, *rest) = impact.consequences(at_work("A", "A"), plan, MORNING)
    assert (first.code, first.is_warning, first.facts["n"]) == ("queue_unserved", True, 2)
    assert "window_loses" in {one.code for one in rest}


def test_who_is_at_a_window_is_finished_there() -> None:
    hall = at_work("A")
    for command in (CallNext(1), Start(1)):
        for event in decide(hall, command, MORNING):
            hall = apply(hall, event)
    (told,) = [
        one for one in impact.consequences(hall, serving(1, "B"), MORNING) if one.code == "finishes_there"
    ]
    assert told.facts["numbers"] == ["A001"]


def test_a_limit_that_is_reached_already_is_told() -> None:
    queue = replace(drafting.find(PLAN, "queues", "A"), daily_quota=1)
    assert "quota_used_up" in codes(at_work("A", "A"), drafting.put(PLAN, "queues", queue))


def test_waits_that_grow_are_told_in_minutes() -> None:
    hall = at_work(*"AAAA")
    slow = replace(drafting.find(PLAN, "queues", "A"), mean_service=timedelta(minutes=40))
    (told,) = [
        one
        for one in impact.consequences(hall, drafting.put(PLAN, "queues", slow), MORNING)
        if one.code == "wait_changes" and one.facts["queue"].code == "A"  # type: ignore[attr-defined]
    ]
    assert told.is_warning
    assert told.facts["after"] > told.facts["before"]  # type: ignore[operator]
