"""The story of a ticket: each event as a sentence, when, and who asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from controller import i18n
from controller.hall.events import Event, TicketCalled, TicketIssued
from controller.hall.model import Hall
from controller.hall.waits import in_words
from controller.people import ActorKind, mask
from controller.store.log import Logged
from controller.told import wait_text
from web.why import Explained, Number, explained

UNTOLD = frozenset(
    {"at", "token", "press", "person", "place", "passed", "reasons", "expected", "level", "channel"}
)  # not in a sentence


@dataclass(frozen=True, slots=True)
class Step:
    """kind: of the event, for its look. who: the person's name, where the unit stands, or a word.

    why: of a call, the reasons kept with it. told: of an issue, the wait that was told, if one was.
    """

    at: datetime
    kind: str
    sentence: str
    reason: str
    who: str
    why: Explained | None = None
    told: str = ""


def timeline(
    logged: Iterable[Logged],
    hall: Hall,
    lang: str,
    zone: tzinfo,
    place: Callable[[str], str],
    number: Number,
    named: Callable[[str], str] = mask,
) -> list[Step]:
    """The steps in order, told in one language. place: of a unit, as people say it. number: of a ticket.
    named: a person's name as it may be shown."""
    return [
        replace(
            _step(one, _who(one, lang, place, named), hall, lang, zone), why=_why(one.event, lang, number)
        )
        for one in logged
    ]


def _why(event: Event, lang: str, number: Number) -> Explained | None:
    reasons = event.reasons if isinstance(event, TicketCalled) else None
    return None if reasons is None else explained(reasons, lang, number)


def _step(one: Logged, who: str, hall: Hall, lang: str, zone: tzinfo) -> Step:
    kind = type(one.event).__name__
    facts = {
        field.name: _said(field.name, getattr(one.event, field.name), hall, lang, zone)
        for field in fields(one.event)
        if field.name not in UNTOLD
    }
    jump = "Jump" if getattr(one.event, "jump", False) else ""
    sentence = i18n.t(lang, f"event.{kind}{jump}", **facts)
    expected = one.event.expected if isinstance(one.event, TicketIssued) else None
    told = wait_text(lang, in_words(expected))
    return Step(one.event.at, kind, sentence, getattr(one.event, "reason", ""), who, told=told)


def _said(name: str, value: object, hall: Hall, lang: str, zone: tzinfo) -> object:
    """A field of an event as people say it."""
    if name == "queue" and isinstance(value, str):
        queue = hall.queues.get(value)
        return i18n.in_language(lang, queue.name) if queue else value
    if isinstance(value, StrEnum):
        return i18n.label(lang, {"klass": "class"}.get(name, name), value)
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%H:%M")
    if isinstance(value, timedelta):
        return int(value.total_seconds() // 60)
    return value


def _who(one: Logged, lang: str, place: Callable[[str], str], named: Callable[[str], str]) -> str:
    if one.actor_kind == ActorKind.PERSON:
        return named(one.actor_name) if one.actor_name else one.actor_id
    if one.actor_kind == ActorKind.UNIT:
        return place(one.actor_id)
    return i18n.label(lang, "actor", one.actor_kind)
