"""The audit trail: what people changed, each row tied to the one before it by a hash (P.37).

Hides how a row becomes the bytes that are hashed. A row's hash covers its own words and the hash of the row
before, so one bit changed anywhere, or a row taken out or put in, breaks the chain there. Two things the
chain alone cannot show, and an anchor can - the number and hash of the newest row, kept where who writes
the database cannot write: that the newest rows were removed, and that all hashes were made anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text

from controller.hall.model import HallError
from controller.store import prepared, tables
from controller.store.database import to_json

BEFORE_FIRST = "0" * 64  # what the first row has for the hash of the row before it
LOWEST = -(2**63)  # below every number a row can have
PAGE = 2000  # rows read at once
CHAIN_LOCK = 7_421_131  # any number, the same in every version: PostgreSQL names its locks by numbers

Record = Callable[[Connection], None]


class BadAnchor(HallError):
    """Not the number and hash of a row."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The number and hash of a row; of the newest one, it speaks for the whole trail up to there."""

    id: int
    hash: str

    def __str__(self) -> str:
        return f"{self.id}:{self.hash}"


EMPTY = Anchor(0, BEFORE_FIRST)  # the head of a trail without rows


@dataclass(frozen=True, slots=True)
class Verdict:
    """rows: that are as they were written, from the first on; head: the last of them; wrong: the first
    that is not, in words."""

    rows: int
    head: Anchor
    wrong: str | None = None


# --- writing

_IS_NEWEST = tables.audit.c.id == select(func.max(tables.audit.c.id)).scalar_subquery()
_NEWEST = select(tables.audit.c.id, tables.audit.c.hash).where(_IS_NEWEST)
_TAKE_TURNS = select(func.pg_advisory_xact_lock(CHAIN_LOCK))
_ADD = insert(tables.audit)


def audit(actor: str, what: str, subject: str, now: datetime, **details: object) -> Record:
    """The audit row of one change by a person, to be written in the transaction of that change (P.37)."""

    def write(c: Connection) -> None:
        last = _last(c)
        row = {
            "id": last.id + 1,
            "at": now,
            "actor": actor,
            "what": what,
            "subject": subject[:200],
            "details": details,
            "previous": last.hash,
        }
        words = (_moment(now), actor, what, subject[:200], to_json(details))
        prepared.execute(c, _ADD, [{**row, "hash": digest(last.hash, last.id + 1, words)}])

    return write


def _last(c: Connection) -> Anchor:
    """The newest row, for who adds the next one. SQLite has one writer anyway; on PostgreSQL a command may
    write beside the controller, so they take turns until the end of the transaction."""
    if c.dialect.name == "postgresql":
        c.execute(_TAKE_TURNS)
    return head(c)


def head(c: Connection) -> Anchor:
    """The newest row: what an anchor is made from."""
    row = c.execute(_NEWEST).first()
    return EMPTY if row is None else Anchor(row.id, row.hash)


def digest(previous: str, id: int, words: Sequence[str]) -> str:
    """The hash of a row: SHA-256 of the JSON array [previous, id, *words] in ASCII without blanks.

    words: at, actor, what, subject, details as they are stored; at is UTC like 2026-03-02 01:00:00.000000.
    """
    said = json.dumps([previous, id, *words], separators=(",", ":"))
    return hashlib.sha256(said.encode("ascii")).hexdigest()


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


# --- reading

# What stands in the columns, with nothing made of it: on SQLite as bytes, and null what is not a text.
_TEXTS = ("at", "actor", "what", "subject", "details", "previous", "hash")
_EXACTLY = {
    "sqlite": [f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) END" for name in _TEXTS],
    "postgresql": [
        "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
        *("details::text" if name == "details" else name for name in _TEXTS[1:]),
    ],
}
_PAGES = {
    dialect: text(f"SELECT id, {', '.join(columns)} FROM audit WHERE id > :after ORDER BY id LIMIT {PAGE}")  # noqa: S608
    for dialect, columns in _EXACTLY.items()
}


def stored(c: Connection) -> Iterator[tuple[int, list[str | None]]]:
    """Every row as (id, its texts in the order of the columns) exactly as they are stored, oldest first;
    None for what is no text at all."""
    page, after = _page(c, LOWEST), LOWEST
    while page:
        for row in page:
            yield row.id, [_decoded(value) for value in tuple(row)[1:]]
        after = max(after + 1, page[-1].id)  # goes on whatever a damaged table answers
        page = _page(c, after)


def _page(c: Connection, after: int) -> Sequence[Row[Any]]:
    return c.execute(_PAGES[c.dialect.name], {"after": after}).all()


def _decoded(value: bytes | str | None) -> str | None:
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def verify(c: Connection, anchors: Collection[Anchor] = ()) -> Verdict:
    """Whether every row is as it was written and none is missing, as far as chain and anchors can tell."""
    wanted: dict[int, set[str]] = {}
    for anchor in anchors:
        wanted.setdefault(anchor.id, set()).add(anchor.hash)
    wanted.get(EMPTY.id, set()).discard(EMPTY.hash)
    last, count = EMPTY, 0
    for id, texts in stored(c):
        if wrong := _wrong(last, id, texts, wanted.pop(id, set())):
            return Verdict(count, last, wrong)
        last, count = Anchor(id, str(texts[-1])), count + 1
    missing = min((id for id, hashes in wanted.items() if hashes), default=None)
    if missing is None:
        return Verdict(count, last)
    return Verdict(count, last, f"row {missing} was there when it was anchored and is gone")


def _wrong(last: Anchor, id: int, texts: Sequence[str | None], anchored: set[str]) -> str | None:
    """What is wrong with the row after `last`, if anything is."""
    *words, previous, hash = texts
    if id <= last.id:
        return f"row {id} stands after row {last.id}"
    if previous != last.hash:
        return f"row {id} {_follows_not(last, id)}"
    whole = [word for word in words if word is not None]
    if len(whole) < len(words) or hash != digest(last.hash, id, whole):
        return f"row {id} is not as it was written"
    if anchored - {hash}:
        return f"row {id} is not the one that was anchored"
    return None


def _follows_not(last: Anchor, id: int) -> str:
    if last == EMPTY:
        return "is not the first row of the trail: those before it are gone or were changed"
    if id == last.id + 1:
        return f"does not go on from row {last.id}: one of the two was changed or put in"
    return f"does not go on from row {last.id}: what stood between them is gone"


def anchor_of(words: str) -> Anchor:
    """The anchor written as ID:HASH; what follows a blank is a note. Raises BadAnchor."""
    if not (found := re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})(?:\s.*)?", words.strip())):
        raise BadAnchor(f"{words.strip()!r} is no anchor; one is written as: servicehall audit head")
    return Anchor(int(found[1]), found[2])
