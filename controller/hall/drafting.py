"""A plan on its way to another one: edited piece by piece, merged with what others changed, compared.

Pure. A piece of the plan is named by its section (an attribute of Plan, such as "queues") and its key.
Two people may change a plan at once: `merged` keeps what each changed, field by field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from controller.hall.model import Plan, Window
from controller.hall.sessions import Extended
from controller.hall.values import replace

KEYS: Mapping[str, str] = {
    "domains": "id",
    "departments": "id",
    "zones": "id",
    "queues": "code",
    "windows": "number",
    "clerks": "id",
    "rating_reasons": "id",
}
WHOLE = ("name", "address", "hours", "weekdays", "extended")  # of the plan itself

Item = Any  # a CallingDomain, Department, Zone, Queue, Window, Clerk or RatingReason
Edit = Callable[[Plan], Plan]


# --- editing


def key_of(section: str, item: Item) -> str:
    return str(getattr(item, KEYS[section]))


def items_of(plan: Plan, section: str) -> tuple[Item, ...]:
    items: tuple[Item, ...] = getattr(plan, section)
    return items


def find(plan: Plan, section: str, key: str) -> Item | None:
    return next((one for one in items_of(plan, section) if key_of(section, one) == key), None)


def put(plan: Plan, section: str, item: Item) -> Plan:
    """The plan with this piece instead of the one of its key, or behind the others."""
    key, items = key_of(section, item), items_of(plan, section)
    if find(plan, section, key) is None:
        return _with(plan, section, (*items, item))
    return _with(plan, section, tuple(item if key_of(section, one) == key else one for one in items))


def without(plan: Plan, section: str, key: str) -> Plan:
    """The plan without this piece; windows no longer serve a queue that goes."""
    left = tuple(one for one in items_of(plan, section) if key_of(section, one) != key)
    if section == "queues":
        plan = replace(plan, windows=tuple(_not_serving(window, key) for window in plan.windows))
    if section in ("queues", "windows"):
        plan = replace(plan, extended=tuple(_without(one, section, key) for one in plan.extended))
    return _with(plan, section, left)


def moved(plan: Plan, section: str, key: str, by: int) -> Plan:
    """The plan with this piece so many places further down its list; negative: up."""
    items = list(items_of(plan, section))
    at = next((n for n, one in enumerate(items) if key_of(section, one) == key), None)
    if at is None:
        return plan
    item = items.pop(at)
    items.insert(min(max(at + by, 0), len(items)), item)
    return _with(plan, section, tuple(items))


def without_department(plan: Plan, key: str) -> Plan:
    """A department leaves: its windows and queues go with it, its people are of none (S0.16)."""
    for queue in [one.code for one in plan.queues if one.department == key]:
        plan = without(plan, "queues", queue)
    kept = tuple(window for window in plan.windows if window.department != key)
    clerks = tuple(replace(one, department=None) if one.department == key else one for one in plan.clerks)
    return without(replace(plan, windows=kept, clerks=clerks), "departments", key)


def with_clerks_of(plan: Plan, now: Plan) -> Plan:
    """An older or other plan with the clerks of now, who belong to no department it does not have."""
    known = {one.id for one in plan.departments}
    clerks = tuple(one if one.department in known else replace(one, department=None) for one in now.clerks)
    return replace(plan, clerks=clerks)


def _with(plan: Plan, section: str, items: tuple[Item, ...]) -> Plan:
    changed: dict[str, Any] = {section: items}
    return replace(plan, **changed)


def _without(session: Extended, section: str, key: str) -> Extended:
    """A session for a queue or window that goes; its last one stays, and the plan's checks name it."""
    if section == "queues":
        left = tuple(code for code in session.queues if code != key)
        return replace(session, queues=left or session.queues)
    windows = tuple(number for number in session.windows if str(number) != key)
    return replace(session, windows=windows or session.windows)


def _not_serving(window: Window, queue: str) -> Window:
    return replace(window, serves=tuple(one for one in window.serves if one.queue != queue))


# --- merging


def merged(base: Plan, mine: Plan, theirs: Plan) -> Plan:
    """`theirs` with everything that differs between `base` and `mine`; rev is that of theirs."""
    plan = replace(theirs, rules=_merged_fields(base.rules, mine.rules, theirs.rules))
    for name in WHOLE:
        plan = replace(plan, **{name: _chosen(name, base, mine, theirs)})
    for section in KEYS:
        plan = _with(plan, section, _merged_items(section, base, mine, theirs))
    return plan


def _chosen(name: str, base: object, mine: object, theirs: object) -> Any:
    changed = getattr(mine, name)
    return changed if changed != getattr(base, name) else getattr(theirs, name)


def _merged_fields(base: Item, mine: Item, theirs: Item) -> Item:
    return replace(theirs, **{one.name: _chosen(one.name, base, mine, theirs) for one in fields(theirs)})


def _merged_items(section: str, base: Plan, mine: Plan, theirs: Plan) -> tuple[Item, ...]:
    """Mine in my order, when I changed it, then what they added; what either removed is gone."""
    befores, ours, others = (_by_key(section, plan) for plan in (base, mine, theirs))
    kept: dict[str, Item] = {}
    for key, item in ours.items():
        if key not in befores:
            kept[key] = item
        elif key in others:
            kept[key] = _merged_fields(befores[key], item, others[key])
        elif item != befores[key]:
            kept[key] = item  # they removed what I changed: it stays, and the difference says so
    kept |= {key: item for key, item in others.items() if key not in befores and key not in kept}
    is_my_order = list(ours) != list(befores)
    order = (*ours, *others) if is_my_order else (*others, *ours)
    return tuple(kept[key] for key in dict.fromkeys(order) if key in kept)


def _by_key(section: str, plan: Plan) -> dict[str, Item]:
    return {key_of(section, one): one for one in items_of(plan, section)}


# --- comparing


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is different. kind: added, removed, changed (of `name`) or reordered.

    section: "" of the plan itself, "rules", or one of KEYS. item: the piece, as it is after or was before.
    """

    kind: str
    section: str
    key: str = ""
    item: Item | None = None
    name: str = ""
    before: object = None
    after: object = None


def differences(before: Plan, after: Plan) -> list[Difference]:
    """What is different, the hall first, then its pieces in the order of their sections."""
    return [
        *_of_whole(before, after),
        *(one for section in KEYS for one in _of_section(section, before, after)),
    ]


def _of_whole(before: Plan, after: Plan) -> Iterator[Difference]:
    for name in WHOLE:
        if getattr(before, name) != getattr(after, name):
            yield Difference(
                "changed", "", name=name, before=getattr(before, name), after=getattr(after, name)
            )
    for one in fields(before.rules):
        old, new = getattr(before.rules, one.name), getattr(after.rules, one.name)
        if old != new:
            yield Difference("changed", "rules", name=one.name, before=old, after=new)


def _of_section(section: str, before: Plan, after: Plan) -> Iterator[Difference]:
    olds, news = _by_key(section, before), _by_key(section, after)
    for key, item in olds.items():
        if key not in news:
            yield Difference("removed", section, key, item)
    for key, item in news.items():
        if key not in olds:
            yield Difference("added", section, key, item)
            continue
        for one in fields(item):
            old, new = getattr(olds[key], one.name), getattr(item, one.name)
            if old != new:
                yield Difference("changed", section, key, item, one.name, old, new)
    stayed = [key for key in olds if key in news]
    if stayed != [key for key in news if key in olds]:
        yield Difference("reordered", section)
