"""Booking by message (S3.18): 预约 and what it is about, then a day and a time if one likes.

    预约 户口迁移
    预约 户口迁移 3月5日 9:30
    book insurance 3-5 14:00

The soonest place from there on is taken; the message that it is booked comes as from every other way. Hides
how days and times are written, and that a message delivered twice books once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, time

from controller import i18n
from controller.booking import Booking, Message, book_by_message, matter_of
from controller.hall.model import Refused
from controller.live import Live
from controller.messaging.listener import Reply

BEGINS = re.compile(r"(?:预约|预订|book|yy)\s*[:,]?\s*(.+)", re.IGNORECASE | re.DOTALL)
DAY = re.compile(r"(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})[日号]?")
CLOCK = re.compile(r"(上午|下午|am|pm)?\s*(\d{1,2})(?:[::](\d{2})|点(半)?)\s*(am|pm)?", re.IGNORECASE)
AFTERNOON = ("下午", "pm")
LONGEST = 60  # characters of what it is about


class BookingWords:
    """halls: asked anew each time. booking: how one books in a hall; digest: of a number and its words."""

    def __init__(
        self,
        halls: Mapping[str, Live],
        booking: Callable[[Live], Booking],
        digest: Callable[[str], str],
    ) -> None:
        self._halls, self._booking, self._digest = halls, booking, digest

    def understands(self, number: str, words: str) -> Reply | None:
        """What is answered; None when these words are about something else."""
        begun = BEGINS.fullmatch(words.strip())
        if begun is None:
            return None
        live = next(iter(self._halls.values()), None)
        for one in self._halls.values():
            today = self._booking(one).today()
            message = read(number, begun[1], today)
            try:
                matter_of(one, message.matter, today)
            except Refused:
                continue
            return self._book(one, message, self._digest(f"{number}\0{words}\0{today}"))
        return None if live is None else Reply(live.id, i18n.t("zh", "message.book_how"))

    def _book(self, live: Live, message: Message, key: str) -> Reply:
        try:
            book_by_message(self._booking(live), live, message, key)
        except Refused as refused:
            return Reply(live.id, i18n.refused("zh", refused))
        return Reply(live.id, "")


def read(number: str, words: str, today: date) -> Message:
    """What is wanted. A day without its year is the next one of that name."""
    found_day, found_clock = DAY.search(words), CLOCK.search(DAY.sub(" ", words, count=1))
    matter = CLOCK.sub(" ", DAY.sub(" ", words, count=1), count=1)
    matter = " ".join(matter.split()).strip(" ,，。.;；")[:LONGEST]
    return Message(number.removeprefix("+86"), matter, _day(found_day, today), _clock(found_clock))


def _day(found: re.Match[str] | None, today: date) -> date | None:
    if found is None:
        return None
    year, month, day = int(found[1] or today.year), int(found[2]), int(found[3])
    try:
        wanted = date(year, month, day)
        return wanted if found[1] or wanted >= today else wanted.replace(year=year + 1)
    except ValueError:
        return None


def _clock(found: re.Match[str] | None) -> time | None:
    if found is None:
        return None
    hour, minute = int(found[2]), int(found[3] or (30 if found[4] else 0))
    half = (found[1] or found[5] or "").casefold()
    if half in AFTERNOON and hour < 12:
        hour += 12
    return time(hour, minute) if hour < 24 and minute < 60 else None
