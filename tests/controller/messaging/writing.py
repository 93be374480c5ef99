"""A hall whose messages go where a test says, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from controller.clock import real_now
from controller.hall.calendar import Calendar
from controller.hall.commands import TakeTicket
from controller.hall.ratings import by_calendar
from controller.live import Live
from controller.messaging.desk import Told
from controller.messaging.office import Office
from controller.messaging.templates import Event
from controller.people import SYSTEM
from controller.settings import Settings
from controller.store import Store
from controller.store import messages as rows
from controller.store.messages import Channel, Stored
from controller.store.seal import Seal
from tests.store.halls import morning, sqlite_url

NUMBER = "13812345678"
FULL = "+8613812345678"


@dataclass
class Post:
    """An office, its hall, and what is written in it. later: how far its clock runs ahead."""

    office: Office
    live: Live
    store: Store
    later: timedelta = timedelta()

    def now(self) -> datetime:
        return real_now() + self.later

    def write(self, event: Event = Event.TEST, key: str = "", to: str = NUMBER, **facts: str) -> Stored:
        """A message, as it stands after it was written down."""
        told = Told(event, key or f"k{self.live.seq}-{len(self.all())}", facts)
        with self.store.writing() as c:
            self.office.desk.record(self.live.hall, to, told)(c)
        return self.all()[0]

    def all(self) -> list[Stored]:
        with self.store.reading() as c:
            return rows.last(c, "hall", 50)

    def step(self) -> Stored:
        """Send what is due; the newest message as it stands then."""
        self.office.messenger.step()
        return self.all()[0]

    def take(self, queue: str = "A") -> int:
        answer = self.live.submit(TakeTicket(queue, f"token-{self.live.seq}"), SYSTEM)
        return answer.hall.next_ticket - 1

    def want(self, ticket: int, number: str = NUMBER, lang: str = "zh") -> None:
        with self.store.writing() as c:
            contact = self.office.desk.contact("hall", ticket, Channel.SMS, number, lang)
            rows.want(c, contact, real_now())

    def text(self, one: Stored) -> str:
        return self.office.desk.open(one.body)


@contextmanager
def post(folder: Path, **settings: Any) -> Iterator[Post]:
    with morning(sqlite_url(folder)) as live:
        known = Settings(data_dir=folder, **settings)
        after = by_calendar(Calendar(), known.zone)
        office = Office(live.store, known, Seal(folder), {"hall": live}, after)
        made = Post(office, live, live.store)
        office.messenger._now = made.now
        office.watch.step()
        try:
            yield made
        finally:
            office.messenger.close()


def secret_in(folder: Path, word: str = "s3cr3t-of-the-gate") -> Path:
    file = folder / "sms.secret"
    file.write_text(f"{word}\n")
    file.chmod(0o600)
    return file
