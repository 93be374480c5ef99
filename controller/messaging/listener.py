"""What answers do: a rating becomes a vote, a "no more" is kept, and other words go to who understands them.

Hides that an answer counts only from the number that was asked, and that what was not understood is kept,
sealed, for a person to read. Others join with `Listener.also`: appointments understand words of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.clock import real_now
from controller.hall.model import Hall, Refused
from controller.live import Live
from controller.messaging import numbers
from controller.messaging.answers import Meaning, Rated, Start, Stop, Words, meaning
from controller.messaging.carrier import Received
from controller.messaging.desk import Desk, Told
from controller.messaging.templates import Event
from controller.store import Store
from controller.store import messages as rows
from controller.store.messages import Channel

RATED_WITHIN = timedelta(days=7)  # an answer to an invitation; five working days are asked for (P.10)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered to words that somebody understood. hall: in whose name; text: "" for nothing."""

    hall: str
    text: str


Vote = Callable[[Live, int, str, str], object]  # ticket, level and words, number; raises Refused
Understands = Callable[[str, str], Reply | None]  # number in full, words -> None when they are not for it


class Listener:
    """One thread calls `heard`. halls: asked anew each time."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        halls: Mapping[str, Live],
        vote: Vote,
        stopped: Callable[[str], None],
    ) -> None:
        """stopped: told of whose digest wants no more."""
        self._store, self._desk, self._halls = store, desk, halls
        self._vote, self._stopped = vote, stopped
        self._others: list[Understands] = []

    def also(self, understands: Understands) -> None:
        """Ask this one too about words nobody knows; the first who knows them answers."""
        self._others.append(understands)

    def heard(self, received: Received) -> None:
        """Do what was meant, and write down that it came. Raises StoreFailed."""
        try:
            number = numbers.normal(received.address, self._desk.settings.sms_country)
        except numbers.BadNumber:
            number = received.address  # of a service or an alphanumeric sender: kept for a person to read
        meant, now = meaning(received.text), real_now()
        hall, why = self._do(number, meant, now)
        sealed = self._desk.close(number), self._desk.close(received.text)
        kind = type(meant).__name__.lower()
        with self._store.writing() as c:
            rows.answered(c, hall, self._desk.digest(number), sealed, kind, why, now)

    def _do(self, number: str, meant: Meaning, now: datetime) -> tuple[str | None, str]:
        """The hall it is about, when that is known, and why nothing was done, when nothing was."""
        digest = self._desk.digest(number)
        match meant:
            case Rated():
                return self._rate(number, digest, meant, now)
            case Stop():
                with self._store.writing() as c:
                    rows.refuse(c, digest, now)
                self._stopped(digest)
            case Start():
                with self._store.writing() as c:
                    rows.take_back(c, digest)
            case Words():
                return self._ask_others(number, meant.text, now)
        return None, ""

    def _rate(self, number: str, digest: str, meant: Rated, now: datetime) -> tuple[str | None, str]:
        since = now - RATED_WITHIN
        with self._store.reading() as c:
            if not meant.code and rows.open_codes(c, digest, since) > 1:
                return None, "which_visit"
            invitation = rows.invitation(c, digest, since, meant.code)
        if invitation is None or invitation.ticket is None:
            return None, "not_invited"
        live = self._halls.get(invitation.hall)
        if live is None:
            return invitation.hall, "not_invited"
        try:
            text = f"{meant.level} {meant.words}"
            self._vote(live, invitation.ticket, text, number)
        except Refused as refused:
            return live.id, refused.code
        return live.id, ""

    def _ask_others(self, number: str, words: str, now: datetime) -> tuple[str | None, str]:
        for understands in self._others:
            reply = understands(number, words)
            if reply is not None:
                self._answer(number, reply, now)
                return reply.hall, ""
        return None, "not_understood"

    def _answer(self, number: str, reply: Reply, now: datetime) -> None:
        live = self._halls.get(reply.hall)
        if live is None or not reply.text:
            return
        hall: Hall = live.hall
        to = self._desk.contact(hall.id, 0, Channel.SMS, number, "zh")
        told = Told(Event.ANSWERED, f"answer:{to.digest[:16]}:{now.timestamp():.6f}", {"answer": reply.text})
        with self._store.writing() as c:
            self._desk.write(c, hall, to, told)
