"""The steps of the first hour: what each asks for, what it makes of a plan, and what it does when skipped.

Several pieces stand in one form here, row by row; each is made as in its own form of the set-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import time, timedelta

from controller.hall import drafting
from controller.hall.model import CallingDomain, Plan, Queue, Serves, Sitting, Text, Window, Zone
from controller.hall.values import replace
from web import setup_forms
from web.setup_forms import NEW, BadForm, Form

STEPS = ("hall", "zones", "queues", "windows", "matters", "people", "devices", "open")
OF_PLAN = ("zones", "queues", "windows")
SPARE_ROWS = {"zones": 4, "queues": 6}  # empty ones behind what there is
MOST_ROWS = 60
FIRST_WINDOWS = 4  # when nobody says how many
MOST_NEW_WINDOWS = 100
HOURS = (Sitting(time(9), time(12)), Sitting(time(13, 30), time(17)))


def first_plan(form: Form) -> Plan:
    """A hall of this name, open at these hours, with one series of numbers and nothing else."""
    domain = CallingDomain("main", Text("综合取号", "General tickets"))
    return setup_forms.with_hall(Plan(domains=(domain,)), form)


def filled(step: str, plan: Plan, form: Form) -> Plan:
    """The plan with what the step's form says. Raises BadForm."""
    return _windows(plan, form) if step == "windows" else _rows(step, plan, form)


def skipped(step: str, plan: Plan) -> Plan:
    """The plan with what is likely, where there is nothing yet."""
    return plan if drafting.items_of(plan, step) else _DEFAULTS[step](plan)


def rows(step: str, plan: Plan) -> list[tuple[str, Form]]:
    """What there is as (key, fields), then empty rows."""
    there = [(drafting.key_of(step, one), setup_forms.form_of(step, one)) for one in getattr(plan, step)]
    return [*there, *((NEW, Form()) for _ in range(SPARE_ROWS[step]))]


# --- row by row


def _rows(section: str, plan: Plan, form: Form) -> Plan:
    """A row without a name is left out; one that was there and lost its name goes."""
    for n in range(MOST_ROWS):
        row = _row(form, n)
        if row is None:
            return plan
        key = row.pop("key", NEW)
        if row.get("zh", "").strip() or row.get("en", "").strip():
            plan = drafting.put(
                plan, section, setup_forms.filled(plan, section, key, _whole(plan, section, key, row))
            )
        elif key != NEW:
            plan = drafting.without(plan, section, key)
    return plan


def _row(form: Form, n: int) -> Form | None:
    """The fields of one row, whose names end in its number."""
    tail = f"-{n}"
    found = Form({name.removesuffix(tail): text for name, text in form.items() if name.endswith(tail)})
    return found if "zh" in found else None


def _whole(plan: Plan, section: str, key: str, row: Form) -> Form:
    """The row with what it does not ask for: of a piece that is there as it is, of a new one as is likely."""
    item = None if key == NEW else drafting.find(plan, section, key)
    whole = setup_forms.blank(plan, section) if item is None else setup_forms.form_of(section, item)
    if section == "queues" and not whole.get("domain") and plan.domains:
        whole["domain"] = plan.domains[0].id
    for name, text in row.items():
        whole[name] = text
    return whole


# --- windows


def _windows(plan: Plan, form: Form) -> Plan:
    """Which queue each window takes, and so many more windows per zone, which take all of its queues."""
    for window in plan.windows:
        serves = [_serves(window, queue, form) for queue in plan.queues]
        kept = tuple(one for one in serves if one is not None)
        plan = drafting.put(plan, "windows", replace(window, serves=kept))
    for zone in plan.zones:
        for _ in range(_count(form, f"more-{zone.id}")):
            plan = drafting.put(plan, "windows", _new_window(plan, zone))
    return plan


def _serves(window: Window, queue: Queue, form: Form) -> Serves | None:
    level = form.get(f"level-{window.number}-{queue.code}", "")
    former = next((one for one in window.serves if one.queue == queue.code), Serves(queue.code))
    return replace(former, level=int(level)) if level in set("01234") else None


def _count(form: Form, name: str) -> int:
    text = form.get(name, "").strip() or "0"
    if not text.isdecimal() or int(text) > MOST_NEW_WINDOWS:
        raise BadForm("windows", most=MOST_NEW_WINDOWS)
    return int(text)


def _new_window(plan: Plan, zone: Zone) -> Window:
    number = max((window.number for window in plan.windows), default=0) + 1
    serves = tuple(Serves(queue.code) for queue in plan.queues if queue.zone == zone.id)
    return Window(number, Text(f"{number} 号窗口", f"Window {number}"), zone.id, serves)


# --- when a step is skipped


def _one_zone(plan: Plan) -> Plan:
    return drafting.put(plan, "zones", Zone("main", Text("等候区", "Waiting area")))


def _one_queue(plan: Plan) -> Plan:
    plan = skipped("zones", plan)
    name, mean = Text("综合服务", "General services"), timedelta(minutes=8)
    queue = Queue("A", name, plan.domains[0].id, "A", plan.zones[0].id, mean)
    return drafting.put(plan, "queues", queue)


def _some_windows(plan: Plan) -> Plan:
    plan = skipped("queues", plan)
    for n in range(FIRST_WINDOWS):
        plan = drafting.put(plan, "windows", _new_window(plan, plan.zones[n % len(plan.zones)]))
    return plan


_DEFAULTS: Mapping[str, Callable[[Plan], Plan]] = {
    "zones": _one_zone,
    "queues": _one_queue,
    "windows": _some_windows,
}
