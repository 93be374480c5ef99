"""What was published where (S0.08): the lists of matters by version, and a log of every publication.

Hides the tables. A version of the lists is kept as it was published, whatever becomes of the matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from controller.item_standing import Category, ItemList
from controller.store import item_standings
from controller.store.item_tables import item_lists, publication

LISTS = ""  # the subject of a publication of all lists


class Channel(StrEnum):
    WEB = "web"
    KIOSK = "kiosk"
    SCREEN = "screen"  # the displays of the hall
    PRINT = "print"  # the sheet for windows and notice boards
    TV = "tv"
    BOARD = "board"  # it was put up somewhere
    PAPER = "paper"  # a newspaper or gazette
    OTHER = "other"


AT_ONCE = (
    Channel.WEB,
    Channel.KIOSK,
    Channel.PRINT,
)  # read what is published, so that nobody carries it there
BY_HAND = (Channel.TV, Channel.BOARD, Channel.PAPER, Channel.OTHER)


@dataclass(frozen=True, slots=True)
class Member:
    """A matter as the lists name it."""

    code: str
    name: str
    department: str
    category: Category | None = None
    lists: tuple[ItemList, ...] = ()
    visits: int | None = None


@dataclass(frozen=True, slots=True)
class Lists:
    version: int
    day: date
    members: tuple[Member, ...]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Publication:
    """subject: the code of the matter whose guide it is, or LISTS."""

    id: int
    subject: str
    version: int
    channel: Channel
    note: str
    by: str
    at: datetime


_members = msgspec.json.Decoder(tuple[Member, ...])


def newest(c: Connection) -> Lists | None:
    """The lists as they were published last."""
    row = c.execute(select(item_lists).order_by(item_lists.c.version.desc()).limit(1)).first()
    if row is None:
        return None
    return Lists(row.version, row.day, _members.decode(row.body), row.by, row.at)


def members(c: Connection, day: date) -> list[Member]:
    """Every matter in use on that day, by department and name: what would be published then."""
    return [
        Member(code, one.name, one.department, one.category, one.lists, one.visits)
        for code, one in item_standings.in_use(c, day).items()
    ]


def publish(c: Connection, members: Sequence[Member], day: date, by: str, now: datetime) -> Lists:
    """Keep them as the next version."""
    last = newest(c)
    version = 1 if last is None else last.version + 1
    body = msgspec.json.encode(members).decode()
    c.execute(insert(item_lists).values(version=version, day=day, body=body, by=by, at=now))
    return Lists(version, day, tuple(members), by, now)


def log(
    c: Connection,
    subject: str,
    version: int,
    channels: Sequence[Channel],
    by: str,
    now: datetime,
    note: str = "",
) -> None:
    """Say that it was published so."""
    facts = {"subject": subject, "version": version, "note": note, "by": by, "at": now}
    c.execute(insert(publication), [{**facts, "channel": channel} for channel in channels])


def logged(c: Connection, limit: int, subject: str | None = None) -> list[Publication]:
    """The newest first, of one subject or of all."""
    query = select(publication).order_by(publication.c.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(publication.c.subject == subject)
    return [_publication(row) for row in c.execute(query)]


def _publication(row: Row[Any]) -> Publication:
    channel = Channel(row.channel)
    return Publication(row.id, row.subject, row.version, channel, row.note, row.by, row.at)
