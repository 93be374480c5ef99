"""From what the hall says must be told to what each device shall do, and the orders still on their way.

Hides ids, lifetimes and which device of which unit is meant. Orders are rendered before they are
committed, on the hall's writer; `Outstanding` keeps sending them until the unit answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, time
from itertools import count

from controller import i18n, slips
from controller.boards import of_window
from controller.devices import Book, Placed
from controller.hall import effects
from controller.hall.model import Hall, Refused, Text, Ticket
from controller.live import Told
from controller.loudness import volume_at
from controller.settings import Settings
from controller.store.orders import PendingOrder, copy_kind
from firmware.protocol import messages
from firmware.protocol.codec import encode
from firmware.protocol.messages import Struct

BEEP_TTL_S = 5.0
RATING_TTL_S = 60.0
LEASE_TTL_S = 12 * 3600.0


class Renderer:
    """Makes the orders of one hall. book and item_name: read anew for each order."""

    def __init__(
        self,
        hall: str,
        settings: Settings,
        gen: int,
        book: Callable[[], Book],
        item_name: Callable[[str], Text | None] = lambda code: None,
        is_quiet: Callable[[Collection[str], datetime], bool] = lambda zones, now: False,
    ) -> None:
        self._hall, self._settings, self._gen = hall, settings, gen
        self._book, self._item_name, self._is_quiet = book, item_name, is_quiet
        self._count = count(1)

    def render(self, hall: Hall, told: Sequence[Told], now: datetime) -> list[PendingOrder]:
        """The orders that follow from events and their effects; `hall` is the hall after them."""
        return [order for _, follows in told for one in follows for order in self._of(hall, one, now)]

    def refuse(
        self, unit: str, device: str, press: int, epoch: str, why: Refused, now: datetime
    ) -> PendingOrder:
        """Tell the person at a dispenser why there is no ticket."""
        zh, en = i18n.refused("zh", why), i18n.refused("en", why)
        order = messages.Refuse(device=device, press=press, press_epoch=epoch, zh=zh, en=en)
        return self._order("refuse", unit, order, self._settings.order_ttl_s, now)

    def beep(self, unit: str, device: str, now: datetime) -> PendingOrder:
        """Tell the clerk at a keypad that the key did nothing."""
        return self._order("beep", unit, messages.Beep(device=device), BEEP_TTL_S, now)

    def examine(self, unit: str, what: str, device: str, now: datetime, ttl_s: float) -> PendingOrder:
        """Let a unit test itself, or one of its devices."""
        return self._order("examine", unit, messages.Examine(what=what, device=device), ttl_s, now)

    def copy(
        self, hall: Hall, ticket: Ticket, unit: str, now: datetime, *, is_first: bool = False
    ) -> PendingOrder | None:
        """A slip that no press asked for; None when the unit has no printer.

        is_first: the ticket has no paper yet, so this one is not marked as a copy.
        """
        return self._slip(hall, ticket, unit, now, is_copy=True, is_first=is_first)

    def _of(self, hall: Hall, effect: effects.Effect, now: datetime) -> Iterator[PendingOrder]:
        match effect:
            case effects.PaperTicket():
                slip = self._slip(hall, hall.tickets[effect.ticket], effect.press.unit, now)
                yield from [slip] if slip else []
            case effects.SpokenCall():
                yield from self._calls(hall, effect, now)
            case effects.RatingRequest():
                yield from self._ask_rating(hall, effect, now)
            case effects.RatingThanks():
                yield from self._thank(hall, effect, now)
            case effects.LeaseGrant():
                yield from self._lease(hall, effect, now)
            case _:
                return

    def _slip(
        self,
        hall: Hall,
        ticket: Ticket,
        unit: str,
        now: datetime,
        *,
        is_copy: bool = False,
        is_first: bool = False,
    ) -> PendingOrder | None:
        """The answer to a press: every unit gets one, or it would number the press itself."""
        printer = next((one for one in self._book().devices_of(unit) if one.kind == "printer"), None)
        if printer is None and is_copy:
            return None
        item = self._item_name(ticket.item) if ticket.item else None
        press = None if is_copy else ticket.press
        order = messages.Print(
            device=printer.device if printer else "",  # then the unit only shows the number
            lines=slips.slip(hall, ticket, self._settings.zone, item=item, is_copy=is_copy and not is_first)
            if printer
            else [],
            qr=slips.address(self._settings.slip_url, ticket),
            press=press.seq if press else None,
            press_epoch=press.epoch if press else "",
            number=ticket.number,
        )
        kind = copy_kind(ticket.id) if is_copy else f"slip-{ticket.id}"
        return self._order(kind, unit, order, self._settings.slip_ttl_s, now)

    def _calls(self, hall: Hall, effect: effects.SpokenCall, now: datetime) -> Iterator[PendingOrder]:
        if self._is_quiet({effect.zone}, now):
            return
        sentence = spoken(hall, hall.tickets[effect.ticket], effect.window)
        for placed in self._book().of_kind(self._hall, "speaker"):
            loud = volume_at(placed.device.options, self._local(now))
            if placed.device.zone == effect.zone and loud:
                order = messages.Speak(
                    device=placed.device.device,
                    zh=sentence.zh,
                    en=sentence.en if self._settings.speech_english else "",
                    times=self._settings.speech_times,
                    volume=loud,
                    number=hall.tickets[effect.ticket].number,
                    window=effect.window,
                )
                yield self._order("speak", placed.unit, order, self._settings.speech_ttl_s, now)

    def _local(self, now: datetime) -> time:
        return now.astimezone(self._settings.zone).time()

    def _ask_rating(self, hall: Hall, effect: effects.RatingRequest, now: datetime) -> Iterator[PendingOrder]:
        board, number = of_window(effect.window), hall.tickets[effect.ticket].number
        for placed in self._keypads(effect.window):
            order = messages.AskRating(device=placed.device.device, board=board, ticket=number)
            yield self._order("rate", placed.unit, order, RATING_TTL_S, now)

    def _thank(self, hall: Hall, effect: effects.RatingThanks, now: datetime) -> Iterator[PendingOrder]:
        level = hall.tickets[effect.ticket].rating or 0
        for placed in self._keypads(effect.window):
            order = messages.Thank(device=placed.device.device, level=level)
            yield self._order("thank", placed.unit, order, BEEP_TTL_S, now)

    def _lease(self, hall: Hall, effect: effects.LeaseGrant, now: datetime) -> Iterator[PendingOrder]:
        lease = hall.leases.get(effect.lease)
        if lease is None or hall.day is None:
            return
        order = messages.Lease(
            lease=lease.id,
            queue=lease.queue,
            day=hall.day.date.isoformat(),
            prefix=hall.queues[lease.queue].prefix,
            first=lease.first,
            last=lease.last,
            digits=hall.plan.rules.number_digits,
        )
        yield self._order("lease", lease.unit, order, LEASE_TTL_S, now)

    def _keypads(self, window: int) -> Sequence[Placed]:
        return self._book().at_window(self._hall, "keypad", window)

    def _order(self, kind: str, unit: str, order: Struct, ttl_s: float, now: datetime) -> PendingOrder:
        return PendingOrder(
            cid=f"{kind}-{self._hall}-{self._gen}-{next(self._count)}",
            hall=self._hall,
            unit=unit,
            t=type(order).__name__,
            body=encode(order),
            ttl_ms=round(ttl_s * 1000),
            issued_at=now,
        )


def spoken(hall: Hall, ticket: Ticket, window: int) -> Text:
    """The sentence of a call (P.30). The domain is said only where its number alone is not clear (S2.17)."""
    queue = hall.queues.get(ticket.queue)
    prefixes = {other.prefix for other in hall.plan.queues if other.domain != ticket.domain}
    domain = next((one.name for one in hall.plan.domains if one.id == ticket.domain), None)
    zh, en = "", ""
    if domain is not None and queue is not None and queue.prefix in prefixes:
        zh, en = f"{domain.zh} ", f"{domain.en}, "
    return Text(
        f"请 {zh}{ticket.number} 号到 {window} 号窗口办理业务",
        f"{en}number {ticket.number}, please go to window {window}",
    )
