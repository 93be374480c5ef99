"""What somebody meant who answered a message: a rating, no more messages, or something for others to read.

Pure. A rating is a level from 1 to 5, alone or with the code of the invitation, in either order.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

STOP = frozenset({"退订", "td", "t", "n", "stop", "unsubscribe", "quit", "end", "取消订阅", "不要再发"})
START = frozenset({"订阅", "恢复", "start", "unstop"})
LEVEL_WORDS = {"非常满意": 5, "满意": 4, "基本满意": 3, "不满意": 2, "非常不满意": 1}
_RATING = re.compile(r"([1-5])(?:[ ,.#-]+(\d{2,6}))?|(\d{2,6})[ ,.#-]+([1-5])")


@dataclass(frozen=True, slots=True)
class Stop:
    """They do not want to be written to."""


@dataclass(frozen=True, slots=True)
class Start:
    """They want to be written to again."""


@dataclass(frozen=True, slots=True)
class Rated:
    """code: "" when none was given."""

    level: int
    code: str


@dataclass(frozen=True, slots=True)
class Words:
    """Anything else."""

    text: str


Meaning = Stop | Start | Rated | Words


def meaning(text: str) -> Meaning:
    """What was meant, however it was typed: full width, with quotes, with a full stop."""
    plain = unicodedata.normalize("NFKC", text).strip().strip("\"'“”‘’。.!！()[]【】 ").casefold()
    if plain in STOP:
        return Stop()
    if plain in START:
        return Start()
    if plain in LEVEL_WORDS:
        return Rated(LEVEL_WORDS[plain], "")
    found = _RATING.fullmatch(plain)
    if found is None:
        return Words(unicodedata.normalize("NFKC", text).strip())
    level, code, code_first, level_last = found.groups()
    return Rated(int(level or level_last), code or code_first or "")
