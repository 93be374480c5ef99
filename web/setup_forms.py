"""What stands in the forms of a hall's set-up, and the pieces of a plan made from it.

Hides how a piece is taken apart into fields, and its id where nobody need know one. A field that cannot be
what it says is told as BadForm, in the reader's words; what contradicts the rest of the plan is told by the
plan's own checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from werkzeug.datastructures import MultiDict

from controller.hall.drafting import Item, find, items_of
from controller.hall.model import (
    CallingDomain,
    Clerk,
    Department,
    HallError,
    Plan,
    Queue,
    RatingReason,
    Serves,
    Sitting,
    Text,
    Window,
    WindowMode,
    Zone,
)
from controller.hall.sessions import Extended, SessionKind, SessionMode
from web import times

NEW = "new"  # the key of a piece that is being made
LEVELS = 5
MOST_SESSIONS = 8  # extended ones of a hall
MOST_MINUTES, MOST_QUOTA, MOST_WINDOW, MOST_PLACES = 24 * 60, 100_000, 9999, 999
LONGEST = 80  # characters of a name
CODE = re.compile(r"[A-Za-z0-9]{1,8}")

Form = MultiDict[str, str]


class BadForm(HallError):
    """A field of the form cannot be what it says. code: of the sentence; facts: what it mentions."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


# --- the hall itself


def hall_form(plan: Plan) -> Form:
    form = Form({"zh": plan.name.zh, "en": plan.name.en})
    form["address_zh"], form["address_en"] = plan.address.zh, plan.address.en
    form["hours"] = times.written((one.start, one.end) for one in plan.hours)
    form.setlist("weekday", [str(day) for day in plan.weekdays])
    for n, one in enumerate(plan.extended):
        form.update(_session_form(n, one))
    return form


def with_hall(plan: Plan, form: Form) -> Plan:
    try:
        hours = tuple(Sitting(start, end) for start, end in times.spans(form.get("hours", "")))
    except ValueError:
        raise BadForm("hours") from None
    weekdays = tuple(sorted({int(day) for day in form.getlist("weekday") if day in set("0123456")}))
    address = Text(*(form.get(f"address_{lang}", "").strip()[:LONGEST] for lang in ("zh", "en")))
    extended = _extended(form)
    return replace(plan, name=_name(form), address=address, hours=hours, weekdays=weekdays, extended=extended)


def _session_form(n: int, one: Extended) -> dict[str, str]:
    return {
        f"kind-{n}": one.kind.value,
        f"how-{n}": one.mode.value,
        f"at-{n}": times.written([(one.start, one.end)]),
        f"windows-{n}": " ".join(str(number) for number in one.windows),
        f"queues-{n}": " ".join(one.queues),
    }


def _extended(form: Form) -> tuple[Extended, ...]:
    """The extended sessions of the form: rows without a time are none."""
    rows = [n for n in range(MOST_SESSIONS) if form.get(f"at-{n}", "").strip()]
    try:
        return tuple(_session(form, n) for n in rows)
    except ValueError:
        raise BadForm("hours") from None


def _session(form: Form, n: int) -> Extended:
    """Raises ValueError for what is no session."""
    ((start, end),) = times.spans(form.get(f"at-{n}", ""))
    windows = tuple(int(one) for one in re.split(r"[,，、;；\s]+", form.get(f"windows-{n}", "")) if one)
    queues = tuple(one for one in re.split(r"[,，、;；\s]+", form.get(f"queues-{n}", "").upper()) if one)
    kind, mode = SessionKind(form.get(f"kind-{n}", "")), SessionMode(form.get(f"how-{n}", ""))
    return Extended(kind, mode, start, end, windows, queues)


# --- its pieces: into fields


def form_of(section: str, item: Item) -> Form:
    """The fields of a piece."""
    form = Form()
    if section == "clerks":
        form["skills"] = ", ".join(sorted(item.skills))
    else:
        form["zh"], form["en"] = item.name.zh, item.name.en
    for name in ("domain", "zone", "department", "prefix", "decision", "mode", "code", "number"):
        form[name] = str(getattr(item, name, None) or "")
    if isinstance(item, Department):
        form["since"] = item.since.isoformat() if item.since else ""
    if isinstance(item, Queue):
        _queue_form(form, item)
    if isinstance(item, Window):
        for one in item.serves:
            form[f"level-{one.queue}"] = str(one.level)
            form[f"overflow-{one.queue}"] = "1" if one.overflow else ""
            form.setlist(f"modes-{one.queue}", sorted(one.modes))
    return form


def _queue_form(form: Form, queue: Queue) -> None:
    form["minutes"] = f"{queue.mean_service.total_seconds() / 60:g}"
    form["skill"] = queue.skill or ""
    form["quota"] = str(queue.daily_quota or "")
    form["places"] = "" if queue.slot_places is None else str(queue.slot_places)
    form["is_bulk"] = "1" if queue.is_bulk else ""
    if queue.description is not None:
        form["about_zh"], form["about_en"] = queue.description.zh, queue.description.en


def blank(plan: Plan, section: str) -> Form:
    """The fields of a piece that is to be made, with what is likely."""
    form = Form()
    if section == "queues":
        form["code"] = form["prefix"] = next_code(plan)
        form["minutes"] = "8"
    if section == "windows":
        form["number"] = str(max((window.number for window in plan.windows), default=0) + 1)
        form["mode"] = WindowMode.COMPREHENSIVE.value
    for name, choices in (("zone", plan.zones), ("domain", plan.domains)):
        if len(choices) == 1:
            form[name] = choices[0].id
    return form


def next_code(plan: Plan) -> str:
    """The first letter no queue has."""
    taken = {queue.code for queue in plan.queues}
    letters = [chr(n) for n in range(ord("A"), ord("Z") + 1)]
    pairs = [f"{one}{other}" for one in letters for other in letters]
    return next((code for code in (*letters, *pairs) if code not in taken), "")


# --- from fields


def filled(plan: Plan, section: str, key: str, form: Form) -> Item:
    """The piece as the form has it; a new one under a key of its own. Raises BadForm."""
    former = None if key == NEW else find(plan, section, key)
    return _MAKERS[section](plan, former, form)


def _domain(plan: Plan, former: CallingDomain | None, form: Form) -> CallingDomain:
    return CallingDomain(former.id if former else _new_id(plan, "domains", form), _name(form))


def _department(plan: Plan, former: Department | None, form: Form) -> Department:
    id = former.id if former else _new_id(plan, "departments", form)
    text = form.get("since", "")
    try:
        since = date.fromisoformat(text) if text else None
    except ValueError:
        raise BadForm("date") from None
    return Department(id, _name(form), since, form.get("decision", "").strip()[:LONGEST])


def _zone(plan: Plan, former: Zone | None, form: Form) -> Zone:
    return Zone(former.id if former else _new_id(plan, "zones", form), _name(form))


def _reason(plan: Plan, former: RatingReason | None, form: Form) -> RatingReason:
    return RatingReason(former.id if former else _new_id(plan, "rating_reasons", form), _name(form))


def _queue(plan: Plan, former: Queue | None, form: Form) -> Queue:
    code = former.code if former else form.get("code", "").strip().upper()
    if not CODE.fullmatch(code):
        raise BadForm("code")
    if former is None and find(plan, "queues", code) is not None:
        raise BadForm("taken", name=code)
    about = Text(form.get("about_zh", "").strip()[:200], form.get("about_en", "").strip()[:200])
    quota = form.get("quota", "").strip()
    return Queue(
        code,
        _name(form),
        form.get("domain", ""),
        form.get("prefix", "").strip()[:4],
        form.get("zone", ""),
        timedelta(minutes=_number(form, "minutes", 0.1, MOST_MINUTES)),
        skill=form.get("skill", "").strip()[:40] or None,
        daily_quota=int(_number(form, "quota", 1, MOST_QUOTA)) if quota else None,
        slot_places=int(_number(form, "places", 0, MOST_PLACES)) if form.get("places", "").strip() else None,
        is_bulk=bool(form.get("is_bulk")),
        description=about if about.zh or about.en else None,
        department=form.get("department") or None,
    )


def _window(plan: Plan, former: Window | None, form: Form) -> Window:
    number = former.number if former else int(_number(form, "number", 1, MOST_WINDOW))
    if former is None and find(plan, "windows", str(number)) is not None:
        raise BadForm("taken", name=number)
    mode = form.get("mode", "")
    return Window(
        number,
        _name(form),
        form.get("zone", ""),
        tuple(_serves(queue.code, form) for queue in plan.queues if form.get(f"level-{queue.code}", "")),
        WindowMode(mode) if mode in set(WindowMode) else WindowMode.COMPREHENSIVE,
        former.balance if former else None,
        form.get("department") or None,
    )


def _serves(queue: str, form: Form) -> Serves:
    level = int(_number(form, f"level-{queue}", 0, LEVELS))
    modes = frozenset(WindowMode(one) for one in form.getlist(f"modes-{queue}") if one in set(WindowMode))
    return Serves(queue, level, bool(form.get(f"overflow-{queue}")), modes)


def _clerk(plan: Plan, former: Clerk | None, form: Form) -> Clerk:
    if former is None:
        raise BadForm("no_person")
    skills = re.split(r"[,，、;；\s]+", form.get("skills", ""))
    return replace(
        former,
        skills=frozenset(skill[:40] for skill in skills if skill),
        department=form.get("department") or None,
    )


_MAKERS: Mapping[str, Callable[..., Item]] = {
    "domains": _domain,
    "departments": _department,
    "zones": _zone,
    "queues": _queue,
    "windows": _window,
    "clerks": _clerk,
    "rating_reasons": _reason,
}


def _name(form: Form) -> Text:
    """Chinese is what the hall's screens show first; English may be left out."""
    zh, en = (form.get(lang, "").strip()[:LONGEST] for lang in ("zh", "en"))
    if not zh and not en:
        raise BadForm("name")
    return Text(zh or en, en)


def _number(form: Form, name: str, least: float, most: float) -> float:
    try:
        number = float(form.get(name, ""))
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise BadForm("number", name=name, least=f"{least:g}", most=f"{most:g}")
    return number


def _new_id(plan: Plan, section: str, form: Form) -> str:
    """Made from the English name; it stands in addresses of screens, and nobody types it."""
    stem = re.sub(r"[^a-z0-9]+", "-", form.get("en", "").lower()).strip("-")[:24].strip("-")
    stem = stem or section.removesuffix("s")
    taken = {item.id for item in items_of(plan, section)}
    names = (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
