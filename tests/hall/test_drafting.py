"""Plans edited piece by piece, merged with what others changed meanwhile, and compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from controller.hall import drafting
from controller.hall.model import Department, Plan, Queue, Rules, Serves, Text, Window
from controller.hall.plans import check_plan, faults
from tests.halls import small_plan

PLAN = small_plan()


def queue(plan: Plan, code: str) -> Queue:
    found = drafting.find(plan, "queues", code)
    assert isinstance(found, Queue)
    return found


def window(plan: Plan, number: int) -> Window:
    found = drafting.find(plan, "windows", str(number))
    assert isinstance(found, Window)
    return found


def slower(plan: Plan, code: str) -> Plan:
    return drafting.put(plan, "queues", replace(queue(plan, code), mean_service=timedelta(minutes=30)))


def renamed(plan: Plan, code: str) -> Plan:
    return drafting.put(plan, "queues", replace(queue(plan, code), name=Text("新", "New")))


def test_a_queue_that_goes_is_served_no_more_and_the_plan_holds_together() -> None:
    plan = drafting.without(PLAN, "queues", "A")
    assert "A" not in {serves.queue for one in plan.windows for serves in one.serves}
    check_plan(plan)


def test_a_zone_somebody_waits_in_cannot_just_go() -> None:
    plan = drafting.without(PLAN, "zones", PLAN.zones[0].id)
    assert {fault.code for fault in faults(plan)} >= {"plan_queue_zone", "plan_window_zone"}


def test_pieces_are_moved_within_their_list() -> None:
    codes = [one.code for one in PLAN.queues]
    down = drafting.moved(PLAN, "queues", codes[0], 1)
    assert [one.code for one in down.queues] == [codes[1], codes[0], *codes[2:]]
    assert drafting.moved(PLAN, "queues", codes[0], -1) == PLAN


def test_a_department_leaves_with_its_windows_and_queues() -> None:
    plan = drafting.put(PLAN, "departments", Department("tax", Text("税务局", "Tax")))
    plan = drafting.put(plan, "queues", replace(queue(plan, "A"), department="tax"))
    plan = drafting.put(plan, "windows", replace(window(plan, 1), department="tax"))
    plan = replace(plan, clerks=tuple(replace(one, department="tax") for one in plan.clerks))
    left = drafting.without_department(plan, "tax")
    assert (left.departments, drafting.find(left, "queues", "A"), drafting.find(left, "windows", "1")) == (
        (),
        None,
        None,
    )
    assert {one.department for one in left.clerks} == {None}
    check_plan(left)


def test_what_two_people_change_at_once_is_both_kept() -> None:
    mine, theirs = slower(PLAN, "A"), renamed(PLAN, "A")
    both = drafting.merged(PLAN, mine, theirs)
    assert queue(both, "A") == replace(queue(mine, "A"), name=Text("新", "New"))
    rules = drafting.merged(
        PLAN,
        replace(PLAN, rules=replace(PLAN.rules, near_turn=9)),
        replace(PLAN, rules=Rules(held_per_window=1)),
    ).rules
    assert (rules.near_turn, rules.held_per_window) == (9, 1)


def test_what_either_removes_is_gone_and_what_either_adds_is_there() -> None:
    new = replace(queue(PLAN, "A"), code="N")
    mine = drafting.put(PLAN, "queues", new)
    theirs = drafting.without(PLAN, "queues", "A")
    both = drafting.merged(PLAN, mine, theirs)
    assert drafting.find(both, "queues", "A") is None
    assert drafting.find(both, "queues", "N") == new
    assert drafting.merged(PLAN, theirs, mine) == replace(both, rev=mine.rev)


def test_without_changes_of_mine_theirs_stands() -> None:
    theirs = slower(drafting.moved(PLAN, "windows", "1", 1), "A")
    assert drafting.merged(PLAN, PLAN, theirs) == theirs
    assert drafting.merged(PLAN, theirs, PLAN) == theirs


def test_differences_name_what_was_added_removed_changed_and_moved() -> None:
    after = drafting.moved(slower(drafting.without(PLAN, "queues", "B"), "A"), "windows", "1", 1)
    found = {(one.kind, one.section, one.key, one.name) for one in drafting.differences(PLAN, after)}
    assert ("removed", "queues", "B", "") in found
    assert ("changed", "queues", "A", "mean_service") in found
    assert ("reordered", "windows", "", "") in found
    assert drafting.differences(PLAN, PLAN) == []


def test_a_window_is_changed_by_what_it_serves() -> None:
    after = drafting.put(PLAN, "windows", replace(window(PLAN, 1), serves=(Serves("A", 2),)))
    (only,) = drafting.differences(PLAN, after)
    assert (only.section, only.key, only.name, only.after) == ("windows", "1", "serves", (Serves("A", 2),))
