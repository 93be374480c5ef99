"""Texts in the hall's two languages, from gettext catalogues under controller/locale.

A key is the English text itself, or for what has no single English text a dotted name such as
`error.404`. Refusals are said in English as the rules say them (hall/refusals.py), faults of devices as
both ends say them (firmware/protocol/faults.py). Catalogues are the .po files as translators edit them:
every .po of a language is read at first use, or by `load`, and joined, so that nothing has to be compiled or
packaged twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from gettext import c2py
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from controller.hall.model import Refused, Text
from controller.hall.refusals import REFUSALS
from firmware.protocol.faults import FAULTS, UNKNOWN

LANGUAGES = ("zh", "en")
DEFAULT = "zh"
OF_APPOINTMENTS = ("not_requested", "not_confirmed")  # refusals whose `state` is an appointment's
LOCALE = Path(__file__).parent / "locale"


def load() -> None:
    """Read the catalogues now, so that the first citizen of the day need not wait for it."""
    for lang in LANGUAGES:
        _texts(lang)


def t(lang: str, key: str, /, **facts: object) -> str:
    """The text of `key` in `lang`, with {facts} filled in; the key itself when nobody translated it."""
    return _fill(_texts(lang).text(key), facts)


def tn(lang: str, one: str, many: str, n: int, /, **facts: object) -> str:
    """Like t, for a text that counts: `one` for n = 1, else `many`; {n} is filled in too."""
    return _fill(_texts(lang).of_many(one, many, n), {"n": n, **facts})


def refused(lang: str, error: Refused, zone: tzinfo = UTC) -> str:
    """Why it was refused, for the person who asked. zone: the hall's, for moments in the text."""
    key = f"refused.{error.code}"
    if not is_translated(lang, key):
        return str(error)
    facts = {name: _said(lang, error.code, name, fact, zone) for name, fact in error.facts.items()}
    text = t(lang, key, **facts)
    return f"{text[:1].upper()}{text[1:]}"


def label(lang: str, kind: str, value: str) -> str:
    """The word for one value of an enum: label("zh", "state", "waiting") -> "等候"."""
    return t(lang, f"{kind}.{value}")


def in_language(lang: str, text: Text) -> str:
    """One language of a text that people wrote in both."""
    return (text.en or text.zh) if lang == "en" else (text.zh or text.en)


def unfilled(lang: str, key: str) -> str:
    """The text as its translator wrote it, {facts} and all."""
    return _texts(lang).text(key)


def is_translated(lang: str, key: str) -> bool:
    """Whether the catalogue of `lang` has a text of its own for `key`."""
    texts = _texts(lang)
    return key in texts.single or key in texts.counted


def messages(lang: str) -> Set[str]:
    """Every key the catalogues of `lang` translate; of a counting text, its singular."""
    texts = _texts(lang)
    return texts.single.keys() | texts.counted.keys()


def _said(lang: str, code: str, name: str, fact: object, zone: tzinfo) -> object:
    """A fact of a refusal as people say it: states by their word, moments in the hall's time."""
    if name == "state":
        kind = next((kind for kind in ("day", "window") if code.startswith(kind)), "ticket")
        kind = "appointment" if code in OF_APPOINTMENTS else kind
        return label(lang, f"{kind}_state", str(fact))
    return fact.astimezone(zone).strftime("%H:%M") if isinstance(fact, datetime) else fact


class _Known(dict[str, object]):
    """Facts of a refusal: one that its text mentions and nobody gave is shown as a dash."""

    def __missing__(self, name: str) -> str:
        return "–"


def _fill(text: str, facts: Mapping[str, object]) -> str:
    return text.format_map(_Known(facts)) if "{" in text else text


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts of one language by key. counted: of those that count, by their singular, each form;
    form: which of them is for n."""

    single: Mapping[str, str]
    counted: Mapping[str, Sequence[str]]
    form: Callable[[int], int]

    def text(self, key: str) -> str:
        return self.single.get(key) or (self.counted[key][self.form(1)] if key in self.counted else key)

    def of_many(self, one: str, many: str, n: int) -> str:
        if one in self.counted:
            return self.counted[one][self.form(n)]
        return one if n == 1 else many


@cache
def _texts(lang: str) -> _Texts:
    """What was read of a language. Raises ValueError where there is none."""
    if lang not in LANGUAGES:
        raise ValueError(f"no catalogue for {lang!r}; there is {' '.join(LANGUAGES)}")
    single, counted = _of_program(lang), dict[str, Sequence[str]]()
    for path in sorted((LOCALE / lang / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as source:
            for message in read_po(source, locale=lang, abort_invalid=True):
                if isinstance(message.id, str):
                    single[message.id] = str(message.string)
                elif message.string:
                    counted[message.id[0]] = tuple(message.string)
    return _Texts({key: text for key, text in single.items() if key and text}, counted, _form(lang))


def _of_program(lang: str) -> dict[str, str]:
    """Texts that stand in the program, as both ends need them."""
    found = {f"refused.{code}": text for code, text in REFUSALS.items()} if lang == "en" else {}
    for code, known in FAULTS.items():
        found[f"fault.{code}"] = known.what.in_language(lang)
        found[f"remedy.{code}"] = known.remedy.in_language(lang)
    return {**found, "remedy.unknown": UNKNOWN.in_language(lang)}


def _form(lang: str) -> Callable[[int], int]:
    expression: Callable[[int], int] = c2py(Catalog(locale=lang).plural_expr)
    return expression
