"""What somebody meant who answered a message: a rating, no more messages, or something for others to read.

Pure. A rating is a level from 1 to 5, alone or with the code of the invitation, in either order; what stands
behind them is why.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

STOP = frozenset({"退订", "td", "t", "n", "stop", "unsubscribe", "quit", "end", "取消订阅", "不要再发"})
START = frozenset({"订阅", "恢复", "start", "unstop"})
LEVEL_WORDS = {"非常满意": 5, "满意": 4, "基本满意": 3, "不满意": 2, "非常不满意": 1}
_APART = r"[\s,.;:、#-]+"
_RATING = re.compile(rf"([1-5])(?:{_APART}(\d{{2,6}})(?!\d))?(?:{_APART}(.+))?", re.DOTALL)
_CODE_FIRST = re.compile(rf"(\d{{2,6}}){_APART}([1-5])(?:{_APART}(.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Stop:
    """They do not want to be written to."""


@dataclass(frozen=True, slots=True)
class Start:
    """They want to be written to again."""


@dataclass(frozen=True, slots=True)
class Rated:
    """code, words: "" when none was given."""

    level: int
    code: str
    words: str = ""


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
    if found := _RATING.fullmatch(plain):
        return Rated(int(found[1]), found[2] or "", found[3] or "")
    if found := _CODE_FIRST.fullmatch(plain):
        return Rated(int(found[2]), found[1], found[3] or "")
    return Words(unicodedata.normalize("NFKC", text).strip())
