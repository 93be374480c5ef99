"""An expected wait as people are told it: "about 10-15 minutes", never finer than the hall knows it.

Hides the keys of the texts. A wait that this hall cannot know is told as nothing, and one that rests on too
few earlier ones says that it is a rough estimate.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from controller import i18n
from controller.hall.balance import serving_windows
from controller.hall.hindsight import Expected
from controller.hall.model import Hall, Ticket, TicketClass, TicketState
from controller.hall.waits import Forecast, Words, in_words, waiting

NOTHING = Words("none")


def joining(forecast: Forecast, queue: str) -> Words:
    """What somebody has to expect who takes a plain ticket now."""
    return in_words(forecast.joining.get((queue, TicketClass.NORMAL)))


def at_issue(ticket: Ticket) -> Words:
    """What a ticket was told when it was taken: until its call, so with the time up to its slot."""
    return in_words(_told(ticket, ticket.issued_at))


def left(hall: Hall, forecast: Forecast, ticket: Ticket, now: datetime) -> Words:
    """What somebody who waits has to expect from now on.

    A ticket the forecast does not reach, or one taken since, has what it was told less what has passed.
    """
    if ticket.state is not TicketState.WAITING:
        return NOTHING
    known = forecast.left.get(ticket.id)
    if known is None and serving_windows(hall, ticket.queue):
        known = _told(ticket, now)
    return in_words(known)


def _told(ticket: Ticket, now: datetime) -> Expected | None:
    """What the ticket was told when it was taken, counted from now. A wait counts from a slot to come."""
    told = ticket.expected
    if told is None:
        return None
    since = ticket.issued_at if ticket.slot is None else max(ticket.issued_at, ticket.slot)
    later_s = (since - now) / timedelta(seconds=1)
    low, middle, high = (max(0.0, part + later_s) for part in (told.low_s, told.middle_s, told.high_s))
    return told._replace(low_s=low, middle_s=middle, high_s=high)


def wait_text(lang: str, words: Words) -> str:
    """The wait in one language; "" when the hall cannot know it."""
    if words.code == "none":
        return ""
    plain = _plain(lang, words)
    if words.is_calibrated or words.code == "any_moment":
        return plain
    return i18n.t(lang, "wait.rough", wait=plain)


def joining_text(lang: str, hall: Hall, forecast: Forecast, queue: str) -> str:
    """The wait of somebody who takes a ticket now; "" when the hall cannot know it."""
    words = joining(forecast, queue)
    if words.code == "any_moment" and not waiting(hall, queue):
        return i18n.t(lang, "wait.no_wait")
    return wait_text(lang, words)


def _plain(lang: str, words: Words) -> str:
    code = "under" if words.code == "about" and not words.low else words.code
    return i18n.t(lang, f"wait.{code}", low=words.low, high=words.high)
