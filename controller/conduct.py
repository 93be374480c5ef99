"""The register of daily conduct (日常行为): what the centre notes of window staff, and what becomes of it.

Pure. Daily work is the centre's to manage, people are their home unit's (S4.24, S0.18): the hall's manager
enters, the home unit reads what concerns its own people, whoever it is about reads it and may object once.
Another of the centre than who wrote it answers, or where the hall has no other, the home unit (`deciders`).
Nothing is ever changed: a correction, a withdrawal, an objection and its answer are steps of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from controller.hall.model import Refused, Text
from controller.people import UNIT_WRITERS, NotAllowed
from controller.roles import Role

if TYPE_CHECKING:
    from controller.store.people import Person

WATCHED = frozenset({Role.GUIDE, Role.CLERK, Role.WINDOW_LEAD})  # whose conduct is noted
ANSWERERS = frozenset({Role.HALL_MANAGER, Role.DIRECTOR, Role.SUPERVISOR})  # who decide about objections
BACK = timedelta(days=31)  # how late something may be entered
MOST_POINTS = 20
LONGEST = 500  # characters of what is said
LONGEST_CODE = 64
BASE, MOST_BONUS = 100, 5  # of a month's score: 100 - deductions + bonus, the bonus at most 5 (P.43)


@dataclass(frozen=True, slots=True)
class Kind:
    """A rule (S1.20). points: what an entry counts, below zero deducted; is_used: offered for new entries."""

    code: str
    name: Text
    points: int
    is_used: bool = True


# Until a centre or a hall writes its own list. Source of the points: P.43; phone, dress and praise are ours.
USUAL = (
    Kind("late", Text("迟到、早退", "Late, or left early"), -1),
    Kind("away", Text("脱岗（15 分钟以上）", "Away from the window for 15 minutes or more"), -3),
    Kind("absent", Text("旷工半天", "Absent for half a day"), -5),
    Kind("phone", Text("工作时玩手机", "On the phone while serving"), -1),
    Kind("plate", Text("未亮牌、未佩证", "No name plate or badge"), -2),
    Kind("dress", Text("未按规定着装", "Not in uniform"), -1),
    Kind("complaint", Text("投诉属实", "Complaint upheld"), -2),
    Kind("praise", Text("表扬", "Praise"), 1),
)


class What(StrEnum):
    """A step of an entry."""

    ENTERED = "entered"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    ANSWERED = "answered"
    NOTED = "noted"  # read by the home unit or by whom it is about


FACTS = frozenset({What.ENTERED, What.CORRECTED, What.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Step:
    """kind, points: of the entry after it. name: of the kind then, None in rows from before it was kept."""

    at: datetime
    by: str
    what: What
    kind: str
    points: int
    words: str
    name: Text | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What was noted of one person. home_unit: who had sent them then."""

    id: int
    hall: str
    person: str
    home_unit: str | None
    day: date
    steps: Sequence[Step]

    @property
    def fact(self) -> Step:
        """The step that says how it is now."""
        return next(step for step in reversed(self.steps) if step.what in FACTS)

    @property
    def is_withdrawn(self) -> bool:
        return self.fact.what is What.WITHDRAWN

    @property
    def is_disputed(self) -> bool:
        """An objection waits for its answer."""
        said = [step.what for step in self.steps if step.what in (What.OBJECTED, What.ANSWERED)]
        return said[-1:] == [What.OBJECTED]

    def is_noted_by(self, ids: Collection[str]) -> bool:
        """Whether one of them has read it as it is now; who objects has."""
        read = (What.NOTED, What.OBJECTED)
        return any(step.what in read and step.by in ids for step in self._since_news())

    def _since_news(self) -> Sequence[Step]:
        news = max(n for n, step in enumerate(self.steps) if step.what in FACTS | {What.ANSWERED})
        return self.steps[news + 1 :]

    @property
    def is_objected_to(self) -> bool:
        """Somebody has objected to it as it is now."""
        since = self.steps[self.steps.index(self.fact) :]
        return any(step.what is What.OBJECTED for step in since)


def check_enters(by: Person, about: Person, hall: str) -> None:
    """Returns when `by` may note something about `about` in this hall. Raises NotAllowed, Refused."""
    if Role.HALL_MANAGER not in by.roles:
        raise NotAllowed("not_allowed", "daily conduct is noted by the hall's manager")
    if not by.works_in(hall) or not about.works_in(hall):
        raise NotAllowed("not_your_hall", "this hall is not yours, or not theirs")
    if by.id == about.id:
        raise NotAllowed("conduct_own", "nobody notes anything about themselves")
    if not about.is_active or not about.roles & WATCHED:
        raise Refused("conduct_nobody", "this person does not work at a window or the front desk")


def check_day(day: date, today: date) -> None:
    if not today - BACK <= day <= today:
        raise Refused("conduct_day", f"only days of the last {BACK.days} can be entered", days=BACK.days)


def check_kinds(kinds: Sequence[Kind]) -> None:
    if any(not one.name.zh.strip() for one in kinds) or any(abs(one.points) > MOST_POINTS for one in kinds):
        raise Refused("conduct_kind", f"a kind has a name and at most {MOST_POINTS} points", most=MOST_POINTS)
    codes = {one.code for one in kinds}
    if len(codes) < len(kinds) or not all(0 < len(code) <= LONGEST_CODE for code in codes):
        raise Refused(
            "conduct_kind_code",
            f"every kind has a code of its own of 1 to {LONGEST_CODE} characters",
            most=LONGEST_CODE,
        )
    if not any(one.is_used for one in kinds):
        raise Refused("conduct_kinds_none", "one kind at least is used")


def deciders(entry: Entry, everybody: Iterable[Person]) -> Sequence[Person]:
    """Who may answer an objection to it: whoever decides in the hall, but not who wrote the entry.

    Where nobody else does, who answers for the person's home unit there: people are the unit's (S4.24).
    Empty where there is nobody of either; the entry then stands until somebody is given such a role, or who
    wrote it withdraws it.
    """
    others = [one for one in everybody if one.is_active and one.works_in(entry.hall)]
    others = [one for one in others if one.id not in (entry.person, entry.fact.by)]
    of_centre = [one for one in others if one.roles & ANSWERERS]
    return of_centre or [one for one in others if reads_for_unit(entry, one)]


def possible(entry: Entry, by: Person, everybody: Iterable[Person]) -> frozenset[What]:
    """What `by`, one of everybody, may do to this entry now."""
    if by.id == entry.person:
        return frozenset(_of_whom_it_is_about(entry))
    found: set[What] = set()
    is_here = by.works_in(entry.hall)
    if is_here and Role.HALL_MANAGER in by.roles and not entry.is_withdrawn:
        found |= {What.CORRECTED, What.WITHDRAWN}
    if entry.is_disputed and by.id in {one.id for one in deciders(entry, everybody)}:
        found.add(What.ANSWERED)
    if reads_for_unit(entry, by) and not entry.is_noted_by({by.id}):
        found.add(What.NOTED)
    return frozenset(found)


def _of_whom_it_is_about(entry: Entry) -> Iterable[What]:
    if not entry.is_noted_by({entry.person}):
        yield What.NOTED
    if not entry.is_withdrawn and not entry.is_objected_to:
        yield What.OBJECTED


def reads_for_unit(entry: Entry, by: Person) -> bool:
    """Whether it is about one of the people of the unit that `by` answers for."""
    is_theirs = by.home_unit is not None and by.home_unit == entry.home_unit
    return is_theirs and bool(by.roles & UNIT_WRITERS) and by.works_in(entry.hall)


def check_may(entry: Entry, what: What, by: Person, everybody: Iterable[Person]) -> None:
    """Raises NotAllowed when `by` may not do that, and Refused when it cannot be done any more."""
    if what in possible(entry, by, everybody):
        return
    if what is What.ANSWERED and entry.is_disputed and by.id == entry.fact.by:
        raise NotAllowed("conduct_answer_own", "somebody else answers than who wrote the entry")
    if what is What.ANSWERED and not entry.is_disputed and reads_for_unit(entry, by):
        raise Refused("conduct_done", "this was done already")
    if what in (What.OBJECTED, What.NOTED) and (by.id == entry.person or reads_for_unit(entry, by)):
        raise Refused("conduct_done", "this was done already")
    if by.id != entry.person and Role.HALL_MANAGER in by.roles and by.works_in(entry.hall):
        raise Refused("conduct_done", "this was done already")
    raise NotAllowed("not_allowed", "this is not yours to do")


def check_words(what: What, words: str) -> None:
    """Everything but noting it and entering it has a reason."""
    if what not in (What.NOTED, What.ENTERED) and len(words.strip()) < 2:
        raise Refused("reason_needed", "a reason is needed")


# --- sums


@dataclass(frozen=True, slots=True)
class Sum:
    """What a month came to. people: how many of them entries are about."""

    entries: int
    people: int
    deducted: int
    added: int

    @property
    def score(self) -> int:
        """Of one person (P.43)."""
        return BASE - self.deducted + min(self.added, MOST_BONUS)


def summed(entries: Collection[Entry]) -> Sum:
    """Withdrawn entries count nothing."""
    kept = [one for one in entries if not one.is_withdrawn]
    points = [one.fact.points for one in kept]
    return Sum(
        len(kept),
        len({one.person for one in kept}),
        -sum(point for point in points if point < 0),
        sum(point for point in points if point > 0),
    )
