"""Where messages are written: the text made, the number sealed, the row added in the caller's transaction.

Whoever changes something that a citizen is told about adds `Desk.record(...)` to the records of that change,
so that both are stored together or not at all. Hides templates, the seal, and that nobody is told twice or
against their will. Nothing is sent here (messenger.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from controller.clock import real_now
from controller.hall.model import Hall
from controller.i18n import in_language
from controller.messaging import numbers, templates
from controller.messaging.templates import Event
from controller.settings import Settings
from controller.store import messages as rows
from controller.store.messages import Channel, Contact, New
from controller.store.seal import Seal
from firmware.protocol.short_text import parts

PURPOSE = "address"  # of the digests by which addresses are compared
USEFUL = timedelta(days=2)  # a message is not sent later than that, unless it says so itself
Record = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class Told:
    """What is told. key: of what has happened, so that it is told once in a hall. useful: for so long."""

    event: Event
    key: str
    facts: Mapping[str, str]
    lang: str = "zh"
    ticket: int | None = None
    code: str = ""
    useful: timedelta = USEFUL


class Desk:
    """Any thread may write."""

    def __init__(self, settings: Settings, seal: Seal) -> None:
        self.settings, self._seal = settings, seal

    @property
    def is_sending(self) -> bool:
        """Whether short messages really go out from here; in the demo as if."""
        return self.settings.sms_carrier != "log" or self.settings.demo

    def contact(self, hall: str, ticket: int, channel: Channel, address: str, lang: str) -> Contact:
        """Where the holder of a ticket wants to be told. address: a number as typed, or a subscription.

        Raises numbers.BadNumber.
        """
        full = numbers.normal(address, self.settings.sms_country) if channel is Channel.SMS else address
        return Contact(hall, ticket, channel, self._seal.close(full), self.digest(full), lang)

    def digest(self, address: str) -> str:
        return self._seal.digest(address, PURPOSE)

    def open(self, sealed: bytes | None) -> str:
        """Raises BadSeal."""
        return "" if sealed is None else self._seal.open(sealed)

    def close(self, text: str) -> bytes:
        return self._seal.close(text)

    def shown(self, channel: Channel, sealed: bytes | None) -> str:
        """What a page may show of an address."""
        return numbers.masked(self.open(sealed)) if sealed is not None and channel is Channel.SMS else ""

    def record(self, hall: Hall, number: str, told: Told) -> Record:
        """The row of a message to a number, to be written with what it tells of. Raises numbers.BadNumber."""
        to = self.contact(hall.id, told.ticket or 0, Channel.SMS, number, told.lang)

        def write(c: Connection) -> None:
            self.write(c, hall, to, told)

        return write

    def write(self, c: Connection, hall: Hall, to: Contact, told: Told) -> int | None:
        """The number of the message; None when it was told before, or they do not want to be told."""
        if rows.refuses(c, to.digest):
            return None
        known = rows.template(c, hall.id, told.event, to.lang)
        version, wording = known or (0, templates.usual(told.event, to.lang))
        text = templates.fill(wording, {"hall": in_language(to.lang, hall.plan.name), **told.facts})
        now = real_now()
        return rows.add(c, self._new(hall.id, to, told, version, text, now))

    def _new(self, hall: str, to: Contact, told: Told, version: int, text: str, now: datetime) -> New:
        return New(
            hall=hall,
            key=told.key,
            event=told.event,
            channel=to.channel,
            lang=to.lang,
            version=version,
            digest=to.digest,
            address=to.address,
            body=self._seal.close(text),
            parts=len(parts(text)) if to.channel is Channel.SMS else 1,
            at=now,
            ends_at=now + told.useful,
            ticket=told.ticket,
            code=told.code,
        )
