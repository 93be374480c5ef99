"""What messages say: for each event a text in both languages with places to fill in.

A hall's manager may write another text; every version is kept, and a message names the one it was made from.
Hides how places are written: {number}, nothing else between braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter

from controller.hall.model import Refused
from firmware.protocol.short_text import MOST_PARTS, parts

LONGEST = 400  # characters of a template


class Event(StrEnum):
    """What citizens are written to about (S2.20): each is told by something, and has a text at the desk."""

    NEAR_TURN = "near_turn"
    RATING = "rating"
    BOOKED = "booked"
    MOVED = "moved"
    UNBOOKED = "unbooked"
    HALL_CANCELLED = "hall_cancelled"
    MATTER_ENDED = "matter_ended"
    TEST = "test"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Form:
    """places: what may be filled in, with an example; needed: without which the message says nothing."""

    places: Mapping[str, str]
    needed: frozenset[str]
    zh: str
    en: str


_HALL = {"hall": "政务服务大厅"}
_SLOT = {**_HALL, "matter": "户口迁移", "day": "2026-03-05", "time": "09:30", "code": "4821"}

FORMS: Mapping[Event, Form] = {
    Event.NEAR_TURN: Form(
        {
            **_HALL,
            **{"number": "A023", "ahead": "2", "zone": "东区", "url": "https://hall.example/t/…"},
            "quiet": "现在不播报，请看屏幕。",  # at a quiet time; else nothing
        },
        frozenset({"number"}),
        "【{hall}】{number}号快到了，前面还有{ahead}人，请到{zone}等候叫号。{quiet}",
        "{hall}: {number} is near, {ahead} ahead of you. Please wait in {zone} for your call.{quiet}",
    ),
    Event.RATING: Form(
        {**_HALL, "number": "A023", "code": "37"},
        frozenset({"code"}),
        "【{hall}】请为{number}号的服务打分：回复“5 {code}”非常满意，4满意，3基本满意，2不满意，1非常不满意。"
        "窗口看不到是谁评的。回复退订不再收到。",
        "{hall}: how was the service for {number}? Reply '5 {code}' very good, 4 good, 3 fair, 2 poor, "
        "1 very poor. The window does not see who rated. Reply STOP for no more messages.",
    ),
    Event.BOOKED: Form(
        _SLOT,
        frozenset({"day", "time", "code"}),
        "【{hall}】已预约{day} {time}办理{matter}，签到码{code}。",
        "{hall}: {matter} is booked for {day} {time}. Check in with {code}.",
    ),
    Event.MOVED: Form(
        _SLOT,
        frozenset({"day", "time", "code"}),
        "【{hall}】您的预约已改到{day} {time}，签到码{code}。",
        "{hall}: your appointment is now on {day} {time}. Check in with {code}.",
    ),
    Event.UNBOOKED: Form(
        _SLOT,
        frozenset({"day", "time"}),
        "【{hall}】{day} {time}的预约已取消。",
        "{hall}: your appointment on {day} {time} is cancelled.",
    ),
    Event.HALL_CANCELLED: Form(
        {**_SLOT, "url": "https://hall.example/a/…"},
        frozenset({"day", "time"}),
        "【{hall}】很抱歉，{day} {time}的预约因大厅原因取消，请重新选择时间。",
        "{hall}: we are sorry, your appointment on {day} {time} had to be cancelled. Please choose another.",
    ),
    Event.MATTER_ENDED: Form(
        {**_SLOT, "url": "https://hall.example/a/…"},
        frozenset({"day", "time"}),
        "【{hall}】您预约{day} {time}办理的事项届时已不再办理，预约取消；改在何处办理、可改何时见{url}",
        "{hall}: what you booked for {day} {time} is no longer done on that day; the appointment is "
        "cancelled. What to do instead: {url}",
    ),
    Event.TEST: Form(_HALL, frozenset(), "【{hall}】短信测试。", "{hall}: this is a test message."),
    Event.ANSWERED: Form(
        {**_HALL, "answer": "已为您预约。"},
        frozenset({"answer"}),
        "【{hall}】{answer}",
        "{hall}: {answer}",
    ),
}


def usual(event: Event, lang: str) -> str:
    """The text that comes with the program."""
    form = FORMS[event]
    return form.en if lang == "en" else form.zh


def check(event: Event, text: str) -> None:
    """Raises Refused with what is wrong with a text for that event."""
    form, found = FORMS[event], _places(text)
    if not text.strip() or len(text) > LONGEST:
        raise Refused("template_length", f"write 1 to {LONGEST} characters", most=LONGEST)
    if unknown := sorted(found - set(form.places)):
        name = unknown[0]
        raise Refused("template_unknown", f"there is nothing to fill in for {{{name}}}", name=name)
    if missing := sorted(form.needed - found):
        raise Refused("template_lacks", f"{{{missing[0]}}} is missing", name=missing[0])
    if len(parts(fill(text, form.places))) > MOST_PARTS:
        raise Refused("template_length", f"write 1 to {LONGEST} characters", most=LONGEST)


def fill(text: str, facts: Mapping[str, str]) -> str:
    """The message; what is not known is left out."""
    return text.format_map(_Known(facts))


def _places(text: str) -> set[str]:
    """The names between braces. Raises Refused when the braces do not match or hold more than a name."""
    try:
        found = list(Formatter().parse(text))
    except ValueError:
        raise Refused("template_braces", "each { needs its }, with a name between") from None
    names = {name for _, name, _, _ in found if name is not None}
    if any(spec or conversion for _, _, spec, conversion in found) or not all(map(str.isidentifier, names)):
        raise Refused("template_braces", "each { needs its }, with a name between")
    return names


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""
