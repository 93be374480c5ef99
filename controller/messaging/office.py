"""Everything about messages in one running site, put together: who writes, who watches, who sends.

Hides which carrier the settings choose and that the foreign library of one is only read when it is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller import ratings
from controller.clock import real_now
from controller.hall.ratings import WorkDays
from controller.live import Live
from controller.messaging.booked import STEP_S as BOOKED_S
from controller.messaging.booked import BookedWatch
from controller.messaging.carrier import Carrier, Delivered, News, OnlyWritten, Received, Take
from controller.messaging.desk import Desk
from controller.messaging.listener import Listener
from controller.messaging.messenger import SHARE, Messenger
from controller.messaging.messenger import STEP_S as SEND_S
from controller.messaging.push import Push, Signature
from controller.messaging.watch import STEP_S as WATCH_S
from controller.messaging.watch import Watch
from controller.messaging.wishes import Wishes
from controller.paced import Paced
from controller.settings import Settings
from controller.store import Store
from controller.store import messages as rows
from controller.store.messages import Channel
from controller.store.seal import Seal


class Office:
    """desk: where messages are written. listener: where the words of answers are understood. signature:
    what browsers subscribe with."""

    def __init__(
        self, store: Store, settings: Settings, seal: Seal, halls: Mapping[str, Live], after: WorkDays
    ) -> None:
        """after: how working days are counted, for how long a visit may be rated."""
        self._store = store

        def vote(live: Live, ticket: int, text: str, number: str) -> None:
            ratings.answered(live, after, seal, ticket, text, number)

        self.desk = Desk(settings, seal)
        self.wishes = Wishes(store, self.desk)
        self.listener = Listener(store, self.desk, halls, vote, self.wishes.drop_all_of)
        self.watch = Watch(store, self.desk, halls)
        self.booked = BookedWatch(store, self.desk, halls, settings.zone, settings.slip_url)
        self.signature = Signature(settings.data_dir)
        carriers = {Channel.SMS: carrier(settings, self.take), Channel.PUSH: Push(settings, self.signature)}
        self.messenger = Messenger(store, self.desk, carriers, self.watch.still)
        self._paced = (
            Paced("messages", self.messenger.step, SEND_S, self.messenger.outages, SHARE),
            Paced("told", self.watch.step, WATCH_S, self.messenger.outages),
            Paced("booked", self.booked.step, BOOKED_S, self.messenger.outages),
        )

    def start(self) -> None:
        self.messenger.recover()
        self.wishes.read(real_now())
        for paced in self._paced:
            paced.start()

    def close(self) -> None:
        for paced in self._paced:
            paced.stop()
        self.messenger.close()

    def take(self, news: News) -> bool:
        """What a network tells; whether it is about something known here. Raises StoreFailed."""
        match news:
            case Received():
                self.listener.heard(news)
                return True
            case Delivered():
                with self._store.writing() as c:
                    return rows.receipt(c, news.reference, news.is_delivered, news.why, real_now())


def carrier(settings: Settings, take: Take) -> Carrier:
    """What the settings choose."""
    match settings.sms_carrier:
        case "http":
            from controller.messaging.gateway import Gateway

            return Gateway(settings)
        case "smpp":
            from controller.messaging.smpp import Smpp

            return Smpp(settings, take)
        case "modem":
            from controller.messaging.modem import Modem

            return Modem(settings, take)
        case _:
            return OnlyWritten()
