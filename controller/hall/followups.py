"""差评: what follows a rating of 1 or 2, until it is put right, explained or found void (G4-G10).

Pure. A case goes from step to step by deeds of the unit that answers for the window, of the supervisor and of
the hall's manager; a deed that has no place in the table is refused. Whoever was rated has no part in it. One
that left a phone number is real-name: it is not closed before somebody called back about what was done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, assert_never

from controller.hall.model import Refused, Rules, Text
from controller.hall.ratings import WorkDays
from controller.hall.refusals import refuse
from controller.hall.values import replace

NOTHING = Text("", "")
LONGEST = 1000  # characters of what is written in one deed


class Stage(StrEnum):
    """Where a case stands."""

    OPEN = "open"  # NEG_OPEN: to be called back
    VERIFIED = "verified"  # NEG_VERIFIED: to be put right, explained or appealed
    APPEAL = "appeal"  # NEG_APPEAL: the supervisor decides
    FIXED = "fixed"  # NEG_FIXED: the supervisor looks at it
    VOID = "void"  # NEG_VOID: kept, and out of all scores
    CLOSED = "closed"  # NEG_CLOSED


OVER = frozenset({Stage.VOID, Stage.CLOSED})


class Part(StrEnum):
    """Whose turn something can be."""

    UNIT = "unit"  # 承办单位
    SUPERVISOR = "supervisor"
    MANAGER = "manager"


class Ground(StrEnum):
    """Why a rating should not count (G8)."""

    MISTAKE = "mistake"
    MALICE = "malice"


@dataclass(frozen=True, slots=True)
class Handler:
    """Who does something, and in which parts."""

    id: str
    parts: frozenset[Part]


@dataclass(frozen=True, slots=True)
class Case:
    """One negative rating on its way.

    clerk: the rated one, who never has a part in it. call_due, fix_due: the clocks of G5 and G6. attempts:
    calls that reached nobody since the case came to its stage. is_called: somebody was reached, or tried
    often enough, since what was done was done. verified_at: first; fixed_by: who answered last.
    told: what is published of it.
    """

    id: int
    ticket: int
    number: str
    level: int
    is_named: bool
    stage: Stage
    opened_at: datetime
    call_due: datetime
    queue: str = ""
    window: int | None = None
    department: str | None = None
    clerk: str | None = None
    attempts: int = 0
    verified_at: datetime | None = None
    appeal_due: datetime | None = None
    fix_due: datetime | None = None
    is_extended: bool = False
    fixed_at: datetime | None = None
    fixed_by: str = ""
    is_called: bool = False
    closed_at: datetime | None = None
    told: Text = NOTHING

    @property
    def due(self) -> datetime | None:
        """The clock that runs now."""
        return {Stage.OPEN: self.call_due, Stage.VERIFIED: self.fix_due}.get(self.stage)

    def is_overdue(self, now: datetime) -> bool:
        return self.due is not None and now >= self.due


# --- what can be done


@dataclass(frozen=True, slots=True)
class CallBack:
    """G5: the unit called the citizen; on what was done, the supervisor did (G10)."""

    is_reached: bool
    text: str


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """G5, anonymous: nobody can be called, so the facts were looked into."""

    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """G6."""

    measure: str
    responsible: str
    answer: str


@dataclass(frozen=True, slots=True)
class Explain:
    """G7: what was asked for has no legal basis, and that was explained."""

    text: str


@dataclass(frozen=True, slots=True)
class Extend:
    """G6: a complex one goes onto the ledger, with a limit of so many working days since it was verified."""

    days: int
    text: str


@dataclass(frozen=True, slots=True)
class Appeal:
    """G8: the rating is a mistake or malicious, with what proves it."""

    ground: Ground
    text: str


@dataclass(frozen=True, slots=True)
class Uphold:
    """G9: the appeal is right."""

    text: str


@dataclass(frozen=True, slots=True)
class Reject:
    """G9: the rating stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Close:
    """G10: it was put right. told: what is published of it, without anything personal; may be empty."""

    text: str
    told: Text = NOTHING


@dataclass(frozen=True, slots=True)
class SendBack:
    """G10: it was not."""

    text: str


Deed: TypeAlias = CallBack | CheckFacts | Fix | Explain | Extend | Appeal | Uphold | Reject | Close | SendBack

# Which deeds a stage takes, and whose they are. What becomes of the case stands in `advance`.
TAKES: Mapping[Stage, Mapping[type[Deed], Part]] = {
    Stage.OPEN: {CallBack: Part.UNIT, CheckFacts: Part.UNIT},
    Stage.VERIFIED: {Fix: Part.UNIT, Explain: Part.UNIT, Appeal: Part.UNIT, Extend: Part.MANAGER},
    Stage.APPEAL: {Uphold: Part.SUPERVISOR, Reject: Part.SUPERVISOR},
    Stage.FIXED: {CallBack: Part.SUPERVISOR, Close: Part.SUPERVISOR, SendBack: Part.SUPERVISOR},
    Stage.VOID: {},
    Stage.CLOSED: {},
}


def possible(case: Case, by: Handler, now: datetime) -> list[type[Deed]]:
    """What somebody may do next with the case; [] for whoever was rated."""
    if by.id == case.clerk:
        return []
    deeds = [deed for deed, part in TAKES[case.stage].items() if part in by.parts]
    return [deed for deed in deeds if not _hindrance(case, deed, by, now)]


def _hindrance(case: Case, deed: type[Deed], by: Handler, now: datetime) -> Refused | None:
    """What meets this kind of deed whatever is written in it."""
    number = case.number
    if deed is CheckFacts and case.is_named:
        return refuse("must_call", number=number)
    if deed is CallBack and not case.is_named:
        return refuse("no_contact", number=number)
    if deed is Appeal and case.appeal_due is not None and now >= case.appeal_due:
        return refuse("appeal_too_late", number=number)
    if deed is Extend and case.is_extended:
        return refuse("extended_before", number=number)
    if deed in (Close, SendBack) and by.id == case.fixed_by:
        return refuse("own_work", number=number)
    if deed is Close and case.is_named and not case.is_called:
        return refuse("call_back_needed", number=number)
    return None


def advance(case: Case, deed: Deed, by: Handler, now: datetime, rules: Rules, after: WorkDays) -> Case:
    """The case after the deed. Raises Refused, with a code of refusals.py."""
    _check(case, deed, by, now)
    match deed:
        case CallBack():
            return _called(case, deed, now, rules, after)
        case CheckFacts():
            return _verified(case, now, rules, after)
        case Fix() | Explain():
            return replace(case, stage=Stage.FIXED, fixed_at=now, fixed_by=by.id, attempts=0, is_called=False)
        case Extend():
            return _extended(case, deed, rules, after)
        case Appeal():
            return replace(case, stage=Stage.APPEAL)
        case Uphold():
            return replace(case, stage=Stage.VOID, closed_at=now)
        case Reject() | SendBack():
            return _verified(case, now, rules, after)
        case Close():
            return replace(case, stage=Stage.CLOSED, closed_at=now, told=deed.told)
        case _:
            assert_never(deed)


def _check(case: Case, deed: Deed, by: Handler, now: datetime) -> None:
    part = TAKES[case.stage].get(type(deed))
    if by.id == case.clerk:
        raise refuse("rated_clerk", number=case.number)
    if part is None:
        raise refuse("not_this_step", number=case.number)
    if part not in by.parts:
        raise refuse("not_your_part", number=case.number)
    if refused := _hindrance(case, type(deed), by, now):
        raise refused
    if not all(text.strip() for text in written(deed)):
        raise refuse("words_needed")


def written(deed: Deed) -> list[str]:
    """The texts that a deed must have."""
    if isinstance(deed, Fix):
        return [deed.measure, deed.responsible, deed.answer]
    return [deed.text]


def _called(case: Case, deed: CallBack, now: datetime, rules: Rules, after: WorkDays) -> Case:
    """Reached, or tried often enough; about what was done it stays where it is."""
    attempts = case.attempts + (not deed.is_reached)
    is_done = deed.is_reached or attempts >= rules.call_attempts
    case = replace(case, attempts=attempts)
    if case.stage is Stage.FIXED:
        return replace(case, is_called=case.is_called or is_done)
    return _verified(case, now, rules, after) if is_done else case


def _verified(case: Case, now: datetime, rules: Rules, after: WorkDays) -> Case:
    """To be put right; one that comes back has the same time again, but never more than is allowed at all."""
    first = case.verified_at or now
    due = min(after(now, rules.rectify_days), after(first, rules.extended_days))
    return replace(
        case,
        stage=Stage.VERIFIED,
        verified_at=first,
        appeal_due=case.appeal_due or after(now, rules.appeal_days),
        fix_due=max(due, case.fix_due or due) if case.is_extended else due,
        attempts=0,
        is_called=False,
    )


def _extended(case: Case, deed: Extend, rules: Rules, after: WorkDays) -> Case:
    if not rules.rectify_days < deed.days <= rules.extended_days:
        raise refuse("bad_extension", least=rules.rectify_days + 1, most=rules.extended_days)
    return replace(case, is_extended=True, fix_due=after(case.verified_at or case.opened_at, deed.days))


# --- figures


@dataclass(frozen=True, slots=True)
class Kept:
    """K.18: how many had to be put right by now, and how many of them were in time."""

    due: int
    in_time: int

    @property
    def share(self) -> float | None:
        return self.in_time / self.due if self.due else None


def kept(cases: Iterable[Case], now: datetime) -> Kept:
    """Void ones were never due; one put right counts at once, one that was not when its time is over."""
    due = in_time = 0
    for case in cases:
        if case.stage is Stage.VOID or case.fix_due is None:
            continue
        is_done = case.stage in (Stage.FIXED, Stage.CLOSED) and case.fixed_at is not None
        due += is_done or now >= case.fix_due
        in_time += is_done and case.fixed_at is not None and case.fixed_at < case.fix_due
    return Kept(due, in_time)
