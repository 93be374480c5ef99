"""The register of conduct as rows. Hides the tables; who may do what is controller/conduct.py.

Every function takes the connection of a transaction somebody else opened. A step is written once and never
touched; only time (keeping.py) and erasing a person take something away. The trail names entry, kind and
points, never what was said: it is for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from controller.conduct import (
    LONGEST,
    USUAL,
    Entry,
    Kind,
    Step,
    What,
    check_day,
    check_enters,
    check_kinds,
    check_may,
    check_words,
)
from controller.hall.model import Refused, Text
from controller.store.audit import audit
from controller.store.conduct_tables import conduct, conduct_kind, conduct_step
from controller.store.people import Person, everybody


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are looked for, of these days; None = any. halls: of one of them."""

    first: date
    last: date
    halls: Collection[str] | None = None
    person: str | None = None
    home_unit: str | None = None


# --- kinds

CENTRE = ""  # in the place of a hall: the list of every hall without one of its own


def kinds(c: Connection, hall: str = CENTRE) -> Sequence[Kind]:
    """The hall's own list, else the centre's, else what comes with the program."""
    return own_kinds(c, hall) or own_kinds(c, CENTRE) or USUAL


def own_kinds(c: Connection, hall: str) -> Sequence[Kind]:
    """Empty where none was written."""
    t = conduct_kind.c
    query = select(t.code, t.name_zh, t.name_en, t.points, t.is_used).where(t.hall == hall).order_by(t.place)
    return [Kind(code, Text(zh, en), points, is_used) for code, zh, en, points, is_used in c.execute(query)]


def put_kinds(c: Connection, hall: str, wanted: Sequence[Kind], by: str, now: datetime) -> None:
    """Instead of the list before; what it leaves out is kept, not used. Raises Refused.

    Entries keep the name and the points they were entered with.
    """
    check_kinds(wanted)
    if hall and not own_kinds(c, hall):
        audit(by, "conduct.kinds_own", hall, now)(c)
    before = {one.code: one for one in kinds(c, hall)}
    codes = {one.code for one in wanted}
    gone = [replace(one, is_used=False) for code, one in before.items() if code not in codes]
    c.execute(delete(conduct_kind).where(conduct_kind.c.hall == hall))
    for place, one in enumerate([*wanted, *gone]):
        row = {"hall": hall, "code": one.code, "place": place, "name_zh": one.name.zh, "name_en": one.name.en}
        c.execute(insert(conduct_kind).values(**row, points=one.points, is_used=one.is_used))
        if (was := before.get(one.code)) != one:
            points = [None if was is None else was.points, one.points]
            names = [None if was is None else was.name.zh, one.name.zh]
            whom = f"{hall}/{one.code}" if hall else one.code
            audit(by, "conduct.kind", whom, now, points=points, names=names, is_used=one.is_used)(c)


def take_over_kinds(c: Connection, hall: str, wanted: Sequence[Kind], by: str, now: datetime) -> None:
    """Those of a hall's file, to be a hall's own; none: it goes by the centre's. Raises Refused."""
    if not wanted:
        drop_kinds(c, hall, by, now)
    elif wanted != own_kinds(c, hall):
        put_kinds(c, hall, wanted, by, now)


def drop_kinds(c: Connection, hall: str, by: str, now: datetime) -> None:
    """The hall goes by the centre's list again; nothing happens where it has none of its own.

    Entries keep the name and the points they were entered with; the trail keeps the list.
    """
    if gone := own_kinds(c, hall):
        c.execute(delete(conduct_kind).where(conduct_kind.c.hall == hall))
        facts = {"names": [one.name.zh for one in gone], "points": [one.points for one in gone]}
        audit(by, "conduct.kinds_centre", hall, now, **facts)(c)


# --- entries


def enter(
    c: Connection,
    hall: str,
    about: Person,
    kind: str,
    day: date,
    words: str,
    by: Person,
    now: datetime,
    today: date,
    key: str | None = None,
    at: datetime | None = None,
) -> int:
    """Note something about somebody; the number of the entry. A key is entered once. Raises Refused.

    at: now by the hall's clock, where that is another.
    """
    check_enters(by, about, hall)
    check_day(day, today)
    found = _used(c, hall, kind)
    if key is not None and (done := c.execute(select(conduct.c.id).where(conduct.c.key == key)).scalar()):
        return int(done)
    row = {"hall": hall, "person": about.id, "home_unit": about.home_unit, "day": day, "key": key}
    id = int(c.execute(insert(conduct).values(row).returning(conduct.c.id)).scalar_one())
    step = Step(at or now, by.id, What.ENTERED, kind, found.points, words, found.name)
    _note(c, hall, about.id, id, step, now)
    return id


def take(
    c: Connection,
    id: int,
    what: What,
    words: str,
    by: Person,
    now: datetime,
    kind: str | None = None,
    at: datetime | None = None,
) -> Entry:
    """One step of an entry. kind: of a correction; at: now by the hall's clock. Raises Refused."""
    c.execute(select(conduct.c.id).where(conduct.c.id == id).with_for_update())
    entry = find(c, id)
    if entry is None:
        raise Refused("conduct_gone", "there is no such entry any more")
    check_may(entry, what, by, everybody(c))
    check_words(what, words)
    fact = entry.fact
    code, points, name = fact.kind, fact.points, fact.name
    if what is What.CORRECTED:
        found = _used(c, entry.hall, kind or code)
        code, points, name = found.code, found.points, found.name
    elif what is What.WITHDRAWN:
        points = 0
    _note(c, entry.hall, entry.person, id, Step(at or now, by.id, what, code, points, words, name), now)
    return entry


def answer(
    c: Connection,
    id: int,
    is_right: bool,
    words: str,
    by: Person,
    now: datetime,
    at: datetime | None = None,
) -> None:
    """Answer an objection; when it is right, the entry is withdrawn with it. Raises Refused."""
    entry = take(c, id, What.ANSWERED, words, by, now, at=at)
    if is_right and not entry.is_withdrawn:
        gone = Step(at or now, by.id, What.WITHDRAWN, entry.fact.kind, 0, "", entry.fact.name)
        _note(c, entry.hall, entry.person, id, gone, now)


def find(c: Connection, id: int) -> Entry | None:
    t = conduct.c
    row = c.execute(select(t.id, t.hall, t.person, t.home_unit, t.day).where(t.id == id)).first()
    return None if row is None else Entry(*row, dict(_steps(c, [id]))[id])


def listed(c: Connection, wanted: Wanted) -> list[Entry]:
    """The latest day first."""
    t = conduct.c
    query = select(t.id, t.hall, t.person, t.home_unit, t.day).where(t.day.between(wanted.first, wanted.last))
    if wanted.halls is not None:
        query = query.where(t.hall.in_(list(wanted.halls)))
    if wanted.person is not None:
        query = query.where(t.person == wanted.person)
    if wanted.home_unit is not None:
        query = query.where(t.home_unit == wanted.home_unit)
    rows = c.execute(query.order_by(t.day.desc(), t.id.desc())).all()
    steps = dict(_steps(c, [row.id for row in rows]))
    return [Entry(*row, steps[row.id]) for row in rows]


AT_ONCE = 500  # numbers in one question


def _steps(c: Connection, ids: Sequence[int]) -> Iterator[tuple[int, Sequence[Step]]]:
    t = conduct_step.c
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        rows = c.execute(select(conduct_step).where(t.entry.in_(some)).order_by(t.entry, t.id))
        for id, steps in groupby(rows, lambda row: row.entry):
            yield id, [_step(row) for row in steps]


def _step(row: Row[Any]) -> Step:
    name = Text(row.name_zh, row.name_en) if row.name_zh else None
    return Step(row.at, row.by, What(row.what), row.kind, row.points, row.words, name)


def _used(c: Connection, hall: str, code: str) -> Kind:
    """Raises Refused."""
    found = next((one for one in kinds(c, hall) if one.code == code and one.is_used), None)
    if found is None:
        raise Refused("conduct_kind_gone", "this kind is not used any more; choose another")
    return found


def _note(c: Connection, hall: str, person: str, entry: int, step: Step, now: datetime) -> None:
    row = {"at": step.at, "by": step.by, "what": step.what.value, "kind": step.kind, "points": step.points}
    if step.name is not None:
        row |= {"name_zh": step.name.zh, "name_en": step.name.en}
    c.execute(insert(conduct_step).values(entry=entry, words=step.words.strip()[:LONGEST], **row))
    facts = {"entry": entry, "kind": step.kind, "points": step.points}
    audit(step.by, f"conduct.{step.what}", f"{hall}/{person}", now, **facts)(c)


# --- gone when its time is over


def forget(c: Connection, before: date) -> int:
    """Entries about days before that, with all their steps; how many."""
    old = select(conduct.c.id).where(conduct.c.day < before)
    c.execute(delete(conduct_step).where(conduct_step.c.entry.in_(old)))
    return c.execute(delete(conduct).where(conduct.c.day < before)).rowcount


def forget_words(c: Connection, person: str) -> int:
    """What was said in entries about somebody, at their request; kinds and points stay under their id."""
    theirs = select(conduct.c.id).where(conduct.c.person == person)
    mine = (conduct_step.c.entry.in_(theirs)) & (conduct_step.c.words != "")
    return c.execute(update(conduct_step).where(mine).values(words="")).rowcount


def oldest(c: Connection) -> date | None:
    found: date | None = c.execute(select(func.min(conduct.c.day))).scalar()
    return found
