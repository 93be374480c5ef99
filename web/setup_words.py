"""Plans in words: what is different between two of them, and what one would do to today."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from flask import g

from controller import i18n
from controller.hall.drafting import Difference, Item, find
from controller.hall.impact import Consequence
from controller.hall.model import Balance, Plan, Queue, Serves, Sitting, Text
from controller.hall.sessions import Extended
from controller.people import mask
from controller.trials import variant
from web import times
from web.visit import say

NAMED = {"zone": "zones", "domain": "domains", "department": "departments"}  # fields that name a piece


@dataclass(frozen=True, slots=True)
class Line:
    """One difference as it is read. kind: added, removed, changed, reordered."""

    kind: str
    text: str


def lines(found: Iterable[Difference], before: Plan, after: Plan) -> list[Line]:
    return [Line(one.kind, _difference(one, before, after)) for one in found]


def _difference(one: Difference, before: Plan, after: Plan) -> str:
    if one.kind == "reordered":
        return say("Order of the {what}", what=i18n.label(g.lang, "setup_section", one.section))
    if one.kind in ("added", "removed"):
        return _called(one)
    field = field_name(one.section, one.name)
    if one.name == "serves":
        return f"{_called(one)} {_serves_changed(one, before, after)}"
    old, new = shown(one.name, one.before, before), shown(one.name, one.after, after)
    if one.item is None:
        return f"{field} {old} → {new}"
    return say("{what}: {field} {old} → {new}", what=_called(one), field=field, old=old, new=new)


def _called(one: Difference) -> str:
    """The piece that is different; of people, who stand in versions for ever, the name masked (P.33)."""
    if one.section != "clerks" or one.item is None:
        return name_of(one.section, one.item)
    return f"{mask(one.item.name)} {one.item.staff_number}".strip()


def _serves_changed(one: Difference, before: Plan, after: Plan) -> str:
    """What a window takes no more, and what it takes now, or otherwise than before."""
    olds, news = (list(found) if isinstance(found, tuple) else [] for found in (one.before, one.after))
    gone = [f"− {serves(old, before)}" for old in olds if old not in news]
    come = [f"+ {serves(new, after)}" for new in news if new not in olds]
    return "  ".join([*gone, *come]) or say("Order of the {what}", what=field_name("windows", "serves"))


def field_name(section: str, name: str) -> str:
    return i18n.label(g.lang, "rule" if section == "rules" else "setup_field", name)


def name_of(section: str, item: Item) -> str:
    """A piece as people call it."""
    if section == "clerks":
        return f"{item.name} {item.staff_number}".strip()
    name = i18n.in_language(g.lang, item.name)
    if section == "queues":
        return say("Queue {code} {name}", code=item.code, name=name)
    if section == "windows":
        return say("Window {n} {name}", n=item.number, name=name)
    return f"{i18n.label(g.lang, 'setup_piece', section)} {name}"


def shown(name: str, value: object, plan: Plan) -> str:
    """A value of a field as it is read."""
    match value:
        case None | "" | ():
            return "–"
        case bool():
            return say("yes") if value else say("no")
        case Text():
            return " / ".join(filter(None, (value.zh, value.en)))
        case timedelta():
            return length(value)
        case date():
            return value.isoformat()
        case Balance():
            rule = variant.rule_of(value)
            return i18n.label(g.lang, "trial_rule", rule) if rule else say("a rule of its own making")
        case frozenset():
            return say(", ").join(sorted(str(one) for one in value)) or "–"
        case tuple():
            return _sequence(value, plan)
        case str() if name == "mode":
            return i18n.label(g.lang, "mode", value)
        case str() if name in NAMED and (item := find(plan, NAMED[name], value)) is not None:
            return i18n.in_language(g.lang, item.name)
        case _:
            return str(value)


def length(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds >= 60 and seconds % 30 == 0:
        return say("{n} min", n=f"{seconds / 60:g}")
    return say("{n} s", n=f"{seconds:g}")


def _sequence(value: tuple[object, ...], plan: Plan) -> str:
    found = []
    for one in value:
        match one:
            case Serves():
                found.append(serves(one, plan))
            case Sitting():
                found.append(times.written([(one.start, one.end)]))
            case Extended():
                found.append(session(one))
            case int():
                found.append(i18n.label(g.lang, "weekday", str(one)))
            case _:
                found.append(str(one))
    return say(", ").join(found)


def session(one: Extended) -> str:
    """Noon 12:00-13:30, on duty (1, 2; A)."""
    where = "; ".join(filter(None, (", ".join(map(str, one.windows)), ", ".join(one.queues))))
    said = f"{i18n.label(g.lang, 'session', one.kind)} {times.written([(one.start, one.end)])}"
    said = f"{said} {i18n.label(g.lang, 'session_mode', one.mode)}"
    return f"{said} ({where})" if where else said


def serves(one: Serves, plan: Plan) -> str:
    """A queue a window takes: its name, and how when it is not among the first."""
    queue = find(plan, "queues", one.queue)
    name = one.queue if queue is None else f"{one.queue} {i18n.in_language(g.lang, queue.name)}"
    how = [say("level {n}", n=one.level + 1)] if one.level else []
    how += [say("overflow")] if one.overflow else []
    how += [i18n.label(g.lang, "mode", mode) for mode in sorted(one.modes)]
    return f"{name} ({say(', ').join(how)})" if how else name


def consequence(one: Consequence) -> str:
    """What would change today, as a sentence."""
    facts = {name: _fact(value) for name, value in one.facts.items()}
    return say(f"consequence.{one.code}", **facts)


def _fact(value: object) -> object:
    if isinstance(value, Queue):
        return f"{value.code} {i18n.in_language(g.lang, value.name)}"
    return say(", ").join(value) if isinstance(value, list) else value
