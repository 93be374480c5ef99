"""Sends what is written down, until each message is taken, or worth nothing any more, or given up.

One thread calls `step`. A message is marked as handed over before the carrier gets it and as sent after the
carrier has taken it, each in a commit of its own: what a carrier confirmed is never sent again, and what it
may have got when the program was killed goes there once more under the same id. Hides the pauses between
tries, and that an outage of the carrier is told once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from controller.clock import real_now
from controller.messaging.carrier import Carrier, NotSent, OnlyWritten, Outgoing
from controller.messaging.desk import Desk
from controller.store import Store
from controller.store import messages as rows
from controller.store.messages import Channel, State, Stored
from controller.store.seal import BadSeal
from firmware.protocol.logs import Outages

AT_ONCE = 20  # messages claimed together
STEP_S = 0.5
SHARE = 0.9  # of a thread that mostly waits for a network
UNHEARD = timedelta(minutes=2)  # a claim nobody settled is taken up again: longer than any carrier's patience
PAUSES = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 1800))  # after the 1st, 2nd, ... try

_logger = logging.getLogger(__name__)


class Messenger:
    """still: whether a message about a ticket is still true."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        carriers: Mapping[Channel, Carrier],
        still: Callable[[Stored], bool],
        now: Callable[[], datetime] = real_now,
    ) -> None:
        self._store, self._desk, self._carriers = store, desk, carriers
        self._still, self._now = still, now
        self.outages = Outages(_logger)

    def close(self) -> None:
        for carrier in self._carriers.values():
            carrier.close()

    def recover(self) -> None:
        """At the start: what was being handed over when the program ended goes out again at once."""
        with self._store.writing() as c:
            rows.unclaim(c, self._now())

    def step(self) -> None:
        """Take what came, and send some of what is due. Raises StoreFailed."""
        for channel, carrier in self._carriers.items():
            self._listen(channel, carrier)
        now = self._now()
        with self._store.reading() as c:
            if not rows.is_due(c, now):
                return
        with self._store.writing() as c:
            claimed = rows.claim(c, now, now + UNHEARD, AT_ONCE)
        for one in claimed:
            self._send(one)

    def _listen(self, channel: Channel, carrier: Carrier) -> None:
        try:
            carrier.listen()
        except NotSent as error:
            self.outages.begin(f"messages by {channel}", str(error))

    def _send(self, one: Stored) -> None:
        now = self._now()
        if one.ends_at <= now or one.address is None or one.body is None:
            self._settle(one, State.EXPIRED, "")
        elif not self._still(one):
            self._settle(one, State.DROPPED, "overtaken")
        else:
            self._hand_over(one, one.address, one.body)

    def _hand_over(self, one: Stored, address: bytes, body: bytes) -> None:
        part, carrier = f"messages by {one.channel}", self._carriers[one.channel]
        try:
            references = carrier.send(Outgoing(one.id, self._desk.open(address), self._desk.open(body)))
        except BadSeal:
            self._settle(one, State.FAILED, "seal")
        except NotSent as error:
            self.outages.begin(part, str(error))
            self._put_off(one, error)
        else:
            if isinstance(carrier, OnlyWritten):
                self._settle(one, State.DROPPED, "no_carrier")
                return
            self.outages.end(part)
            price = self._desk.settings.sms_price if one.channel is Channel.SMS else 0.0
            with self._store.writing() as c:
                rows.sent(c, one.id, references, price * one.parts, self._now())

    def _put_off(self, one: Stored, error: NotSent) -> None:
        """one.tries: before this one."""
        if error.is_final or one.tries >= len(PAUSES):
            _logger.warning("message %d is given up: %s", one.id, error.code)
            self._settle(one, State.FAILED, error.code)
            return
        with self._store.writing() as c:
            rows.put_off(c, one.id, self._now() + PAUSES[one.tries], error.code)

    def _settle(self, one: Stored, state: State, why: str) -> None:
        with self._store.writing() as c:
            rows.settle(c, one.id, state, why, self._now())
