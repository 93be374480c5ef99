"""Sentences put together from recordings, where a hall has had its phrases spoken by a person.

A bank is a folder with a folder a language, zh and en; a file says what it is called: zh/请.wav, zh/零.wav,
zh/号窗口办理业务.wav, en/number.wav, en/please go to window.wav. Longer pieces are preferred. A sentence that
cannot be put together whole is left to the voice: half a recording and half a voice is worse than either.
"""

from __future__ import annotations

import re
import wave
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGS = ("zh", "en")
PAUSES = re.compile(r"[\s，。、,.;:!?！？：；]+")
GAP_S = 0.04  # between pieces: they were cut close


class BadBank(Exception):
    """The folder is no bank of phrases; the message says what is wrong with it."""


class Bank:
    """The pieces of a folder. Read when they are needed, and kept: a hall's phrases are a few MB."""

    def __init__(self, folder: Path) -> None:
        """Raises BadBank."""
        self._pieces = {lang: _pieces(folder / lang, lang) for lang in LANGS}
        found = [path for pieces in self._pieces.values() for path in pieces.values()]
        if not found:
            raise BadBank(f"{folder} has no WAV files in {' or '.join(LANGS)}")
        self.rate_hz, _ = _read(found[0])
        for path in found:
            if _read(path)[0] != self.rate_hz:
                raise BadBank(f"{path} has another rate than {found[0].name}: record all at the same one")

    def __len__(self) -> int:
        return sum(len(pieces) for pieces in self._pieces.values())

    def samples(self, text: str, lang: str) -> bytes | None:
        """The sentence as int16 samples; None when a piece of it is missing."""
        units = _units(text, lang)
        pieces = self._pieces.get(lang, {})
        chosen = _cover(tuple(units), _joint(lang), frozenset(pieces))
        if not chosen:
            return None
        gap = bytes(2 * int(GAP_S * self.rate_hz))
        return gap.join(_read(pieces[piece])[1] for piece in chosen)


def _cover(units: tuple[str, ...], joint: str, known: frozenset[str]) -> list[str] | None:
    """The fewest known pieces that say all units, longest first; None when they cannot."""

    @cache
    def best(start: int) -> tuple[str, ...] | None:
        if start == len(units):
            return ()
        found: tuple[str, ...] | None = None
        for end in range(len(units), start, -1):
            piece = joint.join(units[start:end])
            if (
                piece in known
                and (rest := best(end)) is not None
                and (not found or len(rest) + 1 < len(found))
            ):
                found = (piece, *rest)
        return found

    chosen = best(0)
    return None if chosen is None else list(chosen)


def _units(text: str, lang: str) -> list[str]:
    """What pieces are made of: characters in Chinese, words in English."""
    plain = PAUSES.sub(" ", text).strip().lower()
    return plain.split() if lang == "en" else list(plain.replace(" ", ""))


def _joint(lang: str) -> str:
    return " " if lang == "en" else ""


def _pieces(folder: Path, lang: str) -> Mapping[str, Path]:
    files = sorted(folder.glob("*.wav")) if folder.is_dir() else []
    return {_joint(lang).join(_units(path.stem, lang)): path for path in files}


@cache
def _read(path: Path) -> tuple[int, bytes]:
    """Rate and samples of a file. Raises BadBank."""
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise BadBank(f"{path} is not one channel of 16 bit")
            return file.getframerate(), file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise BadBank(f"{path} cannot be read: {error}") from error
