"""What is to be different: another rule, other settings, windows, hours of clerks or of the hall.

Written as people write it, in forms and on the command line, and kept that way:

    rule       oldest                       one of RULES
    rule_at    3                            only at this window
    settings   {"close_grace": "45m", "balance.short_first": "0.5"}
    windows    {"3": "A B@1 T@2!"}          queues, @level (0 goes first), ! as overflow
    staff      {"3": "09:00-12:00 13:00-17:00"}     "" for nobody
    hours      08:30-17:00
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, TypeVar

from controller.hall.model import Balance, Hall, HallError, Plan, Rules, Serves, Window
from controller.hall.plans import check_plan
from controller.simulate import clock_time
from controller.trials.day import Day, Stint

AS_IT_IS = ""
_PLAIN = Balance(
    green_rate=1.0,
    green_windows=0,
    appointment_rate=1.0,
    head_start=timedelta(),
    appointment_head_start=timedelta(),
    impatience=0.0,
    short_first=0.0,
    own_hand=0.0,
    pressure=0.0,
)
_EVER = timedelta(days=1)

# Ways of choosing whom to call, by what the index (Balance) looks at. "oldest" and "classes" call in order
# of waiting; "growing" is Kleinrock's accumulating priority with the rates of Balance.
RULES: Mapping[str, Callable[[Balance], Balance]] = {
    "balanced": lambda now: Balance(),
    "oldest": lambda now: replace(_PLAIN, section_lead=timedelta(), hall_lead=timedelta()),
    "classes": lambda now: replace(_PLAIN, green_rate=1e9, appointment_rate=1e4),
    "growing": lambda now: replace(_PLAIN, green_rate=now.green_rate, appointment_rate=now.appointment_rate),
    "own_hand": lambda now: replace(now, short_first=0.0, pressure=0.0, impatience=0.0),
    "short": lambda now: replace(
        _PLAIN, short_first=2.0, section_lead=_EVER, hall_lead=_EVER, passed_in_section=20, passed_in_hall=60
    ),
}


class BadVariant(HallError):
    """Something asked for cannot be tried. where: which part of it; code: why, for the translation."""

    def __init__(self, code: str, message: str, where: str, given: str) -> None:
        super().__init__(message)
        self.code, self.where, self.given = code, where, given


@dataclass(frozen=True, slots=True)
class Variant:
    """As written by people; nothing in it is checked before `changed_plan` and `changed_day`."""

    rule: str = AS_IT_IS
    rule_at: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    windows: Mapping[str, str] = field(default_factory=dict)
    staff: Mapping[str, str] = field(default_factory=dict)
    hours: str = ""

    @property
    def is_as_it_is(self) -> bool:
        return self == Variant(rule_at=self.rule_at)

    @property
    def is_of_plan(self) -> bool:
        """Whether something of it could be switched on: the rest is who comes to work when."""
        return bool(self.rule or self.settings or self.windows)


def changed_plan(plan: Plan, variant: Variant) -> Plan:
    """The plan with the rule, settings and windows asked for. Raises BadVariant; Refused as a change is."""
    if variant.rule and variant.rule_at is not None:
        plan = ruled_at(plan, variant.rule, variant.rule_at)
    elif variant.rule:
        balance = _rule(variant.rule)(plan.rules.balance)
        plan = replace(plan, rules=replace(plan.rules, balance=balance))
    for name, text in variant.settings.items():
        plan = replace(plan, rules=_set(plan.rules, name, text))
    for number, text in variant.windows.items():
        plan = _with_serves(plan, number, text)
    check_plan(plan)
    return plan


def ruled_at(plan: Plan, rule: str, window: int) -> Plan:
    """The plan with a rule of its own at one window; AS_IT_IS: with the hall's again."""
    _window(plan, str(window), "rule_at")
    balance = None if rule == AS_IT_IS else _rule(rule)(plan.rules.balance)
    return replace(
        plan,
        windows=tuple(replace(one, balance=balance) if one.number == window else one for one in plan.windows),
    )


def rule_of(balance: Balance) -> str | None:
    """The name of a rule; None for one somebody has made himself."""
    return next((name for name, make in RULES.items() if make(balance) == balance), None)


def changed_day(day: Day, hall: Hall, variant: Variant, zone: tzinfo) -> Day:
    """The day with the variant's hours of clerks and of the hall. Raises BadVariant."""
    if variant.hours:
        spans = list(_spans(variant.hours, day.date, zone, "hours"))
        if len(spans) != 1:
            raise BadVariant(
                "bad_hours", f"{variant.hours!r} is not one span of time", "hours", variant.hours
            )
        day = _moved(day, *spans[0])
    for number, text in variant.staff.items():
        window = _window(hall.plan, number, "staff").number
        others = tuple(stint for stint in day.stints if stint.window != window)
        day = replace(day, stints=(*others, *_stints(day, hall, window, text, zone)))
    return day


def _moved(day: Day, opens_at: datetime, closes_at: datetime) -> Day:
    """Other opening hours: clerks who came for the opening or stayed to the end do so again."""
    stints = tuple(
        replace(
            stint,
            start=opens_at if stint.start <= day.opens_at else stint.start,
            end=None if stint.end is None or stint.end >= day.closes_at else stint.end,
        )
        for stint in day.stints
    )
    return replace(day, opens_at=opens_at, closes_at=closes_at, stints=stints)


def _stints(day: Day, hall: Hall, window: int, text: str, zone: tzinfo) -> Iterable[Stint]:
    clerk = clerk_for(hall, day.stints, window)
    for start, end in _spans(text, day.date, zone, "staff"):
        if clerk is None:
            raise BadVariant("no_clerk", f"nobody is left to sit at window {window}", "staff", str(window))
        yield Stint(window, clerk, start, None if end >= day.closes_at else end)


def clerk_for(hall: Hall, stints: Iterable[Stint], window: int) -> str | None:
    """Who sits at a window: who did that day, else one who is free and can do most of what it serves."""
    taken = {stint.clerk: stint.window for stint in stints}
    own = next((stint.clerk for stint in stints if stint.window == window), None)
    if own is not None:
        return own
    needed = {hall.queues[serves.queue].skill for serves in hall.windows[window].serves} - {None}
    free = [clerk for clerk in hall.plan.clerks if clerk.id not in taken]
    best = max(free, key=lambda clerk: len(needed & clerk.skills), default=None)
    return None if best is None else best.id


# --- reading what people wrote ------------------------------------------------------------------------


def _rule(name: str) -> Callable[[Balance], Balance]:
    rule = RULES.get(name)
    if rule is None:
        raise BadVariant(
            "unknown_rule", f"there is no rule {name!r}; there are {', '.join(RULES)}", "rule", name
        )
    return rule


def _window(plan: Plan, number: str, where: str) -> Window:
    found = next((one for one in plan.windows if str(one.number) == number.strip()), None)
    if found is None:
        raise BadVariant("unknown_window", f"there is no window {number!r}", where, number)
    return found


UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}  # the longest first


def settings_of(rules: Rules) -> dict[str, str]:
    """Every setting that can be tried, as people write it: rules by name, Balance as balance.NAME."""
    named = {one.name: getattr(rules, one.name) for one in fields(Rules) if one.name != "balance"}
    named |= {f"balance.{one.name}": getattr(rules.balance, one.name) for one in fields(Balance)}
    return {name: written(value) for name, value in named.items()}


def written(value: object) -> str:
    """A value of a setting as people write it: 90s, 15m, 2h, 90d, 0.5, off."""
    if value is None:
        return "off"
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        whole = (name for name, length in UNITS.items() if seconds and seconds % length == 0)
        unit = next(whole, "s")
        return f"{seconds / UNITS[unit]:g}{unit}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _set(rules: Rules, name: str, text: str) -> Rules:
    if name.startswith("balance."):
        inner = name.removeprefix("balance.")
        return replace(rules, balance=_replaced(rules.balance, Balance(), inner, name, text))
    return _replaced(rules, Rules(), name, name, text)


_Owner = TypeVar("_Owner", Balance, Rules)


def _replaced(owner: _Owner, default: _Owner, attribute: str, name: str, text: str) -> _Owner:
    if attribute == "balance" or attribute not in {one.name for one in fields(owner)}:
        raise BadVariant("unknown_setting", f"there is no setting {name!r}", "settings", name)
    try:
        value = _read(getattr(default, attribute), text.strip(), is_optional=attribute == "call_every")
    except ValueError:
        message = f"{text!r} is no value for {name}; it is {written(getattr(owner, attribute))} now"
        raise BadVariant("bad_setting", message, "settings", f"{name} = {text}") from None
    changed: dict[str, Any] = {attribute: value}
    return replace(owner, **changed)


def _read(default: object, text: str, *, is_optional: bool) -> object:
    if text == "off" and is_optional:
        return None
    if isinstance(default, timedelta):
        unit = UNITS.get(text[-1:])
        if unit is None:
            raise ValueError(text)
        value: float | int = float(text[:-1]) * unit
    else:
        value = int(text) if isinstance(default, int) else float(text)
    if not 0 <= value < 1e12:
        raise ValueError(text)
    return timedelta(seconds=value) if isinstance(default, timedelta) else value


def _with_serves(plan: Plan, number: str, text: str) -> Plan:
    window = _window(plan, number, "windows")
    former = {one.queue: one for one in window.serves}
    serves = tuple(_serves(word, former) for word in text.replace(",", " ").split())
    known = {queue.code for queue in plan.queues}
    for one in serves:
        if one.queue not in known:
            raise BadVariant("unknown_queue", f"there is no queue {one.queue!r}", "windows", one.queue)
    changed = replace(window, serves=serves)
    return replace(plan, windows=tuple(changed if one is window else one for one in plan.windows))


def _serves(word: str, former: Mapping[str, Serves]) -> Serves:
    bare = word.removesuffix("!")
    queue, _, level = bare.partition("@")
    if level and not level.isdecimal():
        raise BadVariant("bad_serves", f"{word!r} is not like A, A@1 or A@1!", "windows", word)
    modes = former[queue].modes if queue in former else frozenset()
    return Serves(queue, int(level or 0), bare != word, modes)


def served(window: Window) -> str:
    """What a window serves, as people write it."""
    return " ".join(
        f"{one.queue}{f'@{one.level}' if one.level else ''}{'!' if one.overflow else ''}"
        for one in window.serves
    )


def _spans(text: str, day: date, zone: tzinfo, where: str) -> Iterable[tuple[datetime, datetime]]:
    for word in text.replace(",", " ").split():
        start, dash, end = word.replace("–", "-").partition("-")
        try:
            since, until = clock_time(start), clock_time(end)
        except ValueError:
            raise BadVariant("bad_hours", f"{word!r} is not like 09:00-12:00", where, word) from None
        if not dash or since >= until:
            raise BadVariant("bad_hours", f"{word!r} is not like 09:00-12:00", where, word)
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        yield midnight + since, midnight + until
