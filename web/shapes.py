"""What goes into the JSON API and comes out of it, as types: the API's document is made from them.

Additive like the messages of units: a field is never renamed or taken away, a new one may come. Times
are RFC 3339 in UTC, waits whole minutes. Texts come in both languages of the hall.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from controller.hall.model import DayState
from controller.progress import Look
from firmware.protocol.messages import QueueLine, WindowBoard


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything here: immutable, fields by name."""


class Words(Shape, frozen=True, kw_only=True):
    """One text in Chinese and English."""

    zh: str
    en: str


# --- the hall as everybody may see it


class HallFace(Shape, frozen=True, kw_only=True):
    """One hall. day: the service day, null while none is open."""

    id: str
    name: Words
    day: date | None
    state: DayState
    waiting: int


class Halls(Shape, frozen=True, kw_only=True):
    halls: list[HallFace]


class Queues(Shape, frozen=True, kw_only=True):
    queues: list[QueueLine]


class OpenHours(Shape, frozen=True, kw_only=True):
    """A day by the hall's own clock. open: like "09:00-12:00", none when it is closed. holiday: its name."""

    date: date
    open: list[str]
    holiday: str


class OpenQueue(Shape, frozen=True, kw_only=True):
    """One line, and the area where its people wait."""

    line: QueueLine
    zone: str


class OpenData(Shape, frozen=True, kw_only=True):
    """licence: an SPDX identifier, under which everybody may use this. ratings, satisfied, took_part: of the
    last 30 days, the last two as shares; null until enough have rated."""

    licence: str
    hall: str
    name: Words
    hours: list[OpenHours]
    queues: list[OpenQueue]
    ratings: int | None
    satisfied: float | None
    took_part: float | None


class Windows(Shape, frozen=True, kw_only=True):
    windows: list[WindowBoard]


class BoardNames(Shape, frozen=True, kw_only=True):
    """Names of boards: w3 of a window, z-east of a zone, k-main of a kiosk."""

    boards: list[str]


class Matter(Shape, frozen=True, kw_only=True):
    """Something a citizen comes for, the queue it is done in, and what its guide says in short.

    bring: the materials. days: working days promised, 0: done at once. is_sample: the guide is made up.
    until: the first day on which it is no longer taken, when that is known.
    """

    code: str
    name: str
    queue: str
    bring: list[str] = msgspec.field(default_factory=list)
    fee: str = ""
    days: int | None = None
    is_sample: bool = False
    until: date | None = None


class Matters(Shape, frozen=True, kw_only=True):
    matters: list[Matter]


# --- tickets


class WantedTicket(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a ticket is asked for. queue: code of a queue; item: code of a matter, when one was chosen."""

    queue: Annotated[str, Meta(min_length=1, max_length=32)]
    item: Annotated[str, Meta(min_length=1, max_length=120)] | None = None


class WantedCheckIn(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who has an appointment is here. code: its eight digits, or the last four of the phone number."""

    code: Annotated[str, Meta(pattern="^[0-9]{4,8}$")]


class TakenTicket(Shape, frozen=True, kw_only=True):
    """A new ticket. ahead: how many are called first. wait: any_moment, about (wait_min to wait_max minutes),
    longer (than wait_min) or none (cannot be known, then both null); is_rough: of too few earlier waits.

    url: the citizen's page; qr: of the same as a picture, an address; printed: whether a slip came out,
    null where there is no printer.
    """

    number: str
    queue: str
    ahead: int
    wait_min: int | None
    wait_max: int | None
    url: str
    qr: str
    printed: bool | None = None
    wait: str = "none"
    is_rough: bool = False


class TicketNow(Shape, frozen=True, kw_only=True):
    """Where the holder of a slip stands. window: which one calls or serves; zone: where to wait.

    wait, is_rough: as of a new ticket.
    """

    number: str
    matter: Words
    state: Look
    ahead: int
    calls: int
    wait_min: int | None
    wait_max: int | None
    window: int | None
    zone: Words | None
    may_return_until: datetime | None
    may_cancel: bool
    wait: str = "none"
    is_rough: bool = False


# --- mistakes


class Problem(Shape, frozen=True, kw_only=True):
    """What went wrong (RFC 9457). code: for programs; detail, detail_zh: for people; remedy: what to do.

    field: which part of the request it is about, as a JSON path or the name of a header.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    detail_zh: str
    remedy: str
    field: str | None = None


class ScreenError(Shape, frozen=True, kw_only=True):
    """What the pages of screens and kiosks are told. field, remedy: of a request that was wrong."""

    code: str
    zh: str
    en: str
    field: str | None = None
    remedy: str | None = None


class ScreenProblem(Shape, frozen=True, kw_only=True):
    error: ScreenError


# --- how the site is


class Alive(Shape, frozen=True, kw_only=True):
    ok: bool
    halls: list[str]


class Check(Shape, frozen=True, kw_only=True):
    """One part of the site. why, remedy: empty while it works."""

    part: str
    ok: bool
    why: str = ""
    remedy: str = ""


class Readiness(Shape, frozen=True, kw_only=True):
    """Whether the site can do its work. ready: every check is ok."""

    ready: bool
    checks: list[Check]
