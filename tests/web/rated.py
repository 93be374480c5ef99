"""A hall whose first window is one department's, with the people who look after bad ratings there."""

from __future__ import annotations

from dataclasses import replace

from controller import ratings
from controller.clock import real_now
from controller.hall.commands import CallNext, ChangePlan, Finish, Login, Start
from controller.hall.model import Department, Rules, Text, Ticket
from controller.hall.ratings import Channel
from controller.people import Role
from controller.store.people import Person
from controller.store.seal import Seal
from tests.store.halls import PLAN
from tests.web.desk import Desk


def staff(desk: Desk) -> Desk:
    """Window 1 is the tax office's, whose lead is Gu; sup is the supervisor, lead2 leads another unit."""
    tax, land = Department("tax", Text("税务局", "Tax")), Department("land", Text("不动产", "Land"))
    windows = tuple(replace(one, department="tax") if one.number == 1 else one for one in PLAN.windows)
    plan = replace(desk.live.hall.plan, departments=(tax, land), windows=windows)
    plan = replace(plan, rules=Rules(fewest_ratings=2))
    desk.give(ChangePlan(plan))
    for id, role, unit in (
        ("gu", Role.WINDOW_LEAD, "税务局"),
        ("lead2", Role.DEPARTMENT_ADMIN, "不动产"),
        ("sup", Role.SUPERVISOR, None),
    ):
        one = Person(id, f"{id}某", id, None, frozenset({role}), True)
        desk.site.people.add(replace(one, home_unit=unit), real_now())
    desk.give(Login(1, "li"))
    return desk


def served(desk: Desk, level: int | None = None, phone: str = "") -> Ticket:
    ticket = desk.take()
    desk.give(CallNext(1), Start(1), Finish(1))
    if level is not None:
        after = desk.site.work_days
        ratings.rate(desk.live, after, ticket.id, level, Channel.PHONE)
        if phone:
            seal = Seal(desk.site.settings.data_dir)
            ratings.tell(desk.live, after, seal, ticket.id, ["wait"], "等了", phone)
    return ticket
