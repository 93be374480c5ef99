"""What a matter is to the centre from a day on: in use, or ended and by which decision; on which of the
published lists; in the hall or not. Pure.

The lists are those a county has to publish (S1.04, S1.06). Every matter citizens ask for has to be done in
the hall unless the government excepts it (S3.07), so that residents, exceptions and those that should enter
add up to all (S4.06).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TypeVar

from controller.hall.model import HallError

MOST_TEXT = 1000  # characters of one text
MOST_SUCCESSORS = 20
MOST_VISITS = 9
Word = TypeVar("Word", bound=StrEnum)


class Change(StrEnum):
    """Why a standing begins (S1.05)."""

    ADD = "add"
    TAKE_OVER = "take_over"  # from the level above
    ADJUST = "adjust"  # lists, category or residency only
    RENAME = "rename"
    CANCEL = "cancel"
    DELEGATE_DOWN = "delegate_down"  # to the level below
    MERGE = "merge"  # into its successor
    SPLIT = "split"  # into its successors


BEGINS = frozenset({Change.ADD, Change.TAKE_OVER})
ENDS = frozenset({Change.CANCEL, Change.DELEGATE_DOWN, Change.MERGE, Change.SPLIT})
TO_OTHERS = frozenset({Change.MERGE, Change.SPLIT})


class Category(StrEnum):
    POWER = "power"  # 行政权力
    SERVICE = "service"  # 公共服务


class ItemList(StrEnum):
    PERMIT = "permit"
    POWER = "power"
    RESPONSIBILITY = "responsibility"
    PUBLIC_SERVICE = "public_service"
    INTERMEDIARY_FEE = "intermediary_fee"
    ONCE_DONE = "once_done"  # 最多跑一次: the citizen comes once


class Residency(StrEnum):
    RESIDENT = "resident"  # 进驻
    EXCEPTED = "excepted"  # the government allowed it to stay out (S3.07)
    NOT_YET = "not_yet"


class BadStanding(HallError):
    """A standing that contradicts itself. code: its text in i18n is standing.<code>; field: which part."""

    def __init__(self, code: str, field: str) -> None:
        super().__init__(f"{field}: {code}")
        self.code, self.field = code, field


@dataclass(frozen=True, slots=True)
class Standing:
    """residency None: nothing was stated; a matter with a queue then counts as resident.

    visits: how often a citizen has to come, at most. document: of the exception; decision: of the change.
    """

    name: str
    department: str
    change: Change = Change.ADJUST
    decision: str = ""
    category: Category | None = None
    lists: tuple[ItemList, ...] = ()
    visits: int | None = None
    residency: Residency | None = None
    reason: str = ""
    document: str = ""
    plan: str = ""
    successors: tuple[str, ...] = ()

    @property
    def is_ended(self) -> bool:
        return self.change in ENDS


FIELDS = tuple(one.name for one in fields(Standing))
ABOUT_CHANGE = ("change", "decision", "successors")
TEXTS = ("name", "department", "decision", "reason", "document", "plan")
NEEDS: Mapping[Residency, tuple[str, ...]] = {
    Residency.RESIDENT: (),
    Residency.EXCEPTED: ("reason", "document"),
    Residency.NOT_YET: ("reason", "plan"),
}


def check(standing: Standing) -> None:
    """Raises BadStanding when it cannot be kept as it is."""
    for name in TEXTS:
        if len(getattr(standing, name)) > MOST_TEXT:
            raise BadStanding("too_long", name)
    needed = ["name", "department"]
    if standing.change is not Change.ADJUST:
        needed.append("decision")
    if standing.change in TO_OTHERS:
        needed.append("successors")
    if standing.residency is not None:
        needed += NEEDS[standing.residency]
    for name in needed:
        if not getattr(standing, name):
            raise BadStanding("needed", name)
    if ItemList.ONCE_DONE in standing.lists and standing.visits != 1:
        raise BadStanding("once_done", "visits")
    if len(standing.successors) > MOST_SUCCESSORS:
        raise BadStanding("too_long", "successors")


def from_fields(
    given: Mapping[str, str], before: Standing, words: Mapping[str, Mapping[str, str]]
) -> Standing:
    """A standing from texts by field, as a form or a file has them; what is not given stays as before.

    words: by field, what people write for each code, such as 行政权力 for power. Raises BadStanding.
    """
    known: dict[str, object] = {name: getattr(before, name) for name in FIELDS}
    for name, text in given.items():
        known |= {name: _read(name, text.strip(), words.get(name, {}))} if name in FIELDS else {}
    lists, visits = known["lists"], known["visits"]
    if visits is None and isinstance(lists, tuple) and ItemList.ONCE_DONE in lists:
        known["visits"] = 1
    standing = Standing(**known)  # type: ignore[arg-type]
    check(standing)
    if before.is_ended and standing.change not in BEGINS | ENDS:
        raise BadStanding("ended", "change")
    return standing


def _read(name: str, text: str, words: Mapping[str, str]) -> object:
    if name == "visits":
        if text and not (text.isdecimal() and 1 <= int(text) <= MOST_VISITS):
            raise BadStanding("visits", name)
        return int(text) if text else None
    if name == "lists":
        return tuple(sorted({_one(ItemList, name, word, words) for word in several(text)}))
    if name == "successors":
        return tuple(several(text))
    if name == "change":
        return _one(Change, name, text, words) if text else Change.ADJUST
    if name in ("category", "residency"):
        kind = Category if name == "category" else Residency
        return _one(kind, name, text, words) if text else None
    return text


def _one(kind: type[Word], name: str, word: str, words: Mapping[str, str]) -> Word:
    try:
        return kind(words.get(word.casefold(), word))
    except ValueError:
        raise BadStanding("unknown_word", name) from None


def several(text: str) -> list[str]:
    """The parts of a text that people part with commas, enumeration marks, semicolons or lines."""
    for mark in "、，；;\n\r":
        text = text.replace(mark, ",")
    return [part.strip() for part in text.split(",") if part.strip()]


def changed(before: Standing, after: Standing) -> list[str]:
    """What differs of the matter itself; why it does is no difference."""
    return [
        name for name in FIELDS if name not in ABOUT_CHANGE and getattr(before, name) != getattr(after, name)
    ]


# --- lists


@dataclass(frozen=True, slots=True)
class Count:
    """Of the matters on a list: 901 = 705 powers + 196 services (S1.06), and those of no stated category."""

    total: int
    powers: int
    services: int

    @property
    def unstated(self) -> int:
        return self.total - self.powers - self.services


def count(known: Iterable[Standing]) -> Count:
    categories = [one.category for one in known]
    return Count(len(categories), categories.count(Category.POWER), categories.count(Category.SERVICE))


# --- differences of a clean-up (S0.05)


class Kind(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """fields: what changes, of a change. department: where it is listed, that of before for what goes."""

    code: str
    kind: Kind
    before: Standing | None
    after: Standing
    fields: tuple[str, ...] = ()

    @property
    def department(self) -> str:
        return self.after.department


def differences(
    before: Mapping[str, Standing], after: Mapping[str, Standing], decision: str, is_whole: bool
) -> list[Difference]:
    """What a list would change of what is in use, by department and name.

    is_whole: what it leaves out of the departments it names is cancelled. decision: of what states none.
    """
    found = [_difference(code, before.get(code), wanted, decision) for code, wanted in after.items()]
    departments = {one.department for one in after.values()}
    gone = Change.CANCEL
    for code, known in before.items() if is_whole else ():
        if code not in after and known.department in departments:
            ended = replace(known, change=gone, decision=decision, successors=())
            found.append(Difference(code, Kind.REMOVED, known, ended))
    known_ones = [one for one in found if one is not None]
    return sorted(known_ones, key=lambda one: (one.department, one.kind, one.after.name))


def _difference(code: str, known: Standing | None, wanted: Standing, decision: str) -> Difference | None:
    wanted = replace(wanted, decision=wanted.decision or decision)
    if wanted.is_ended:
        return None if known is None else Difference(code, Kind.REMOVED, known, wanted)
    if known is None:
        change = wanted.change if wanted.change in BEGINS else Change.ADD
        return Difference(code, Kind.ADDED, None, replace(wanted, change=change))
    names = changed(known, wanted)
    if not names:
        return None
    change = Change.RENAME if "name" in names else Change.ADJUST
    return Difference(code, Kind.CHANGED, known, replace(wanted, change=change), tuple(names))


# --- residency and limits (R-X1)


@dataclass(frozen=True, slots=True)
class Matter:
    """One in use, with what its guide says. steps, materials: how many; None without a guide."""

    code: str
    standing: Standing
    has_queue: bool
    legal_days: int | None = None
    promised_days: int | None = None
    steps: int | None = None
    materials: int | None = None

    @property
    def residency(self) -> Residency:
        return self.standing.residency or (Residency.RESIDENT if self.has_queue else Residency.NOT_YET)


@dataclass(frozen=True, slots=True)
class Sums:
    """Of a department or of all. compared: matters of which both limits are known."""

    total: int
    resident: int
    excepted: int
    compared: int
    legal_days: int
    promised_days: int

    @property
    def should_enter(self) -> int:
        return self.total - self.resident - self.excepted

    @property
    def rate(self) -> float | None:
        return self.resident / self.total if self.total else None

    @property
    def compression(self) -> float | None:
        """By how much the promised limits are shorter than the legal ones (S0.07)."""
        return (self.legal_days - self.promised_days) / self.legal_days if self.legal_days else None


def sums(known: Sequence[Matter]) -> Sums:
    kinds = [one.residency for one in known]
    both = [(one.legal_days, one.promised_days) for one in known]
    days = [(legal, promised) for legal, promised in both if legal is not None and promised is not None]
    return Sums(
        len(known),
        kinds.count(Residency.RESIDENT),
        kinds.count(Residency.EXCEPTED),
        len(days),
        sum(legal for legal, _ in days),
        sum(promised for _, promised in days),
    )


@dataclass(frozen=True, slots=True)
class ByDepartment:
    whole: Sums
    departments: Mapping[str, Sums] = field(default_factory=dict)


def by_department(known: Iterable[Matter]) -> ByDepartment:
    parts: dict[str, list[Matter]] = {}
    for one in known:
        parts.setdefault(one.standing.department, []).append(one)
    whole = sums([one for part in parts.values() for one in part])
    return ByDepartment(whole, {name: sums(part) for name, part in sorted(parts.items())})
