"""What is told about a matter before anybody comes for it: the service guide (办事指南). Pure.

The field sets are those of the halls and of the law (S0.10, S0.30, S1.12, S4.09, P.07): each can be checked
by itself, and those a centre has to publish decide what may be published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from controller.hall.model import HallError

MOST_TEXT = 4000  # characters of one text
MOST_LINES = 40  # materials, or steps
MOST_DAYS = 730


class BadGuide(HallError):
    """A guide that contradicts itself. code: its text in i18n is guide.<code>; field: which part."""

    def __init__(self, code: str, field: str) -> None:
        super().__init__(f"{field}: {code}")
        self.code, self.field = code, field


@dataclass(frozen=True, slots=True)
class Guide:
    """One version of a guide. Days are working days; 0: done at once (即办件), None: not stated.

    materials and procedure: one entry each, in order. is_sample: made up (样例), and says so.
    """

    content: str = ""
    authority: str = ""
    basis: str = ""
    conditions: str = ""
    quantity: str = ""
    materials: tuple[str, ...] = ()
    sample_form: str = ""
    procedure: tuple[str, ...] = ()
    flow: str = ""
    legal_days: int | None = None
    promised_days: int | None = None
    fee_standard: str = ""
    fee_basis: str = ""
    duties: str = ""
    service_phone: str = ""
    complaint_phone: str = ""
    is_sample: bool = False


LINES = ("materials", "procedure")
DAYS = ("legal_days", "promised_days")
TEXTS = tuple(one.name for one in fields(Guide) if one.name not in (*LINES, *DAYS, "is_sample"))
FIELDS = tuple(one.name for one in fields(Guide) if one.name != "is_sample")

SETS: Mapping[str, tuple[str, ...]] = {
    "guide": ("conditions", "materials", "procedure", "fee_standard", "fee_basis"),  # S0.10
    "six": ("procedure", "basis", "fee_standard", "duties", "service_phone"),  # S0.30, beside the name
    "seven": ("basis", "content", "procedure", "materials", "flow", "promised_days", "fee_standard"),  # S4.09
    "nine": (  # S1.12, beside the name
        *("authority", "basis", "materials", "procedure", "promised_days"),
        *("fee_standard", "fee_basis", "complaint_phone"),
    ),
    "law": (  # 行政许可法 Art. 30, P.07
        *("basis", "conditions", "quantity", "procedure", "promised_days", "materials", "sample_form"),
    ),
}


def missing(guide: Guide, sets: Iterable[str]) -> list[str]:
    """The fields of these sets that the guide leaves empty, in the order of the guide."""
    wanted = {name for each in sets for name in SETS[each]}
    return [name for name in FIELDS if name in wanted and getattr(guide, name) in ("", (), None)]


def check(guide: Guide) -> None:
    """Raises BadGuide when a guide cannot be kept as it is."""
    for name in TEXTS:
        if len(getattr(guide, name)) > MOST_TEXT:
            raise BadGuide("too_long", name)
    for name in LINES:
        lines = getattr(guide, name)
        if len(lines) > MOST_LINES or any(len(line) > MOST_TEXT for line in lines):
            raise BadGuide("too_many", name)
    for name in DAYS:
        days = getattr(guide, name)
        if days is not None and not 0 <= days <= MOST_DAYS:
            raise BadGuide("days", name)
    if guide.legal_days is not None and (guide.promised_days or 0) > guide.legal_days:
        raise BadGuide("promised_longer", "promised_days")  # S0.07


def changed(before: Guide | None, after: Guide) -> list[str]:
    """The fields that differ; all that say something, of a first version."""
    old = before or Guide()
    return [name for name in FIELDS if getattr(old, name) != getattr(after, name)]


def compression(guides: Iterable[Guide]) -> float | None:
    """By how much promised limits are shorter than the legal ones, over all that state both (S0.07)."""
    both = [
        (one.legal_days, one.promised_days)
        for one in guides
        if one.legal_days is not None and one.promised_days is not None
    ]
    legal = sum(days for days, _ in both)
    return (legal - sum(days for _, days in both)) / legal if legal else None


def lines(text: str) -> tuple[str, ...]:
    """A text of one entry per line as entries; empty lines do not count."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def from_fields(given: Mapping[str, str], before: Guide | None = None) -> Guide:
    """A guide from texts by field, as a form or a file has them; what is not given stays as before.

    Raises BadGuide.
    """
    known = {name: getattr(before or Guide(), name) for name in FIELDS}
    for name, text in given.items():
        if name in LINES:
            known[name] = lines(text)
        elif name in DAYS:
            known[name] = _days(text.strip(), name)
        elif name in TEXTS:
            known[name] = text.strip().replace("\r\n", "\n")
    guide = Guide(**known)
    check(guide)
    return guide


def as_fields(guide: Guide) -> dict[str, str]:
    """The other way round: every field as a text."""
    return {
        name: "\n".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        for name in FIELDS
        for value in [getattr(guide, name)]
    }


def _days(text: str, name: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal():
        raise BadGuide("days", name)
    return int(text)
