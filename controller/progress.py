"""Where a ticket stands, as its holder is told: on its slip's phone page, and at a kiosk by its number.

Pure: worked out from the hall's value. It names the ticket, the place and the wait, and nobody's person.
Hides how a number is found that somebody typed, and the sentences, the same wherever they are read.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from msgspec.structs import replace

from controller import i18n
from controller.boards import of_domain
from controller.hall import balance, reasons, waits
from controller.hall.model import Hall, Text, Ticket, TicketState, WindowState, label
from controller.hall.tickets import is_rated, may_take_up
from controller.hall.waits import Forecast, Words
from controller.told import left, wait_text
from firmware.protocol.progress import UNKNOWN, Asked, Progress, Told, plain

MOST_ON_MAP = 60  # windows of an area; of a larger one only those that may call


class Look(StrEnum):
    """How the page looks; each has its sentence and its colour."""

    WAITING = "waiting"
    NEAR = "near"  # waiting, and its turn comes soon
    CALLED = "called"
    SERVING = "serving"
    HELD = "held"
    MISSED = "missed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
    EXPIRED = "expired"


LOOKS = {
    TicketState.CALLED: Look.CALLED,
    TicketState.SERVING: Look.SERVING,
    TicketState.HELD: Look.HELD,
    TicketState.NO_SHOW: Look.MISSED,
    TicketState.COMPLETED: Look.COMPLETED,
    TicketState.CANCELLED: Look.CANCELLED,
    TicketState.ABANDONED: Look.ABANDONED,
    TicketState.EXPIRED: Look.EXPIRED,
}


NEW_TICKET = "If you still need the service, please take a new ticket."
MISTAKEN = "By mistake? You can still have your place back; not for long."
NEAR = "Your turn is near: please stay where you see the screens."
RETURN = "Until {time} you may queue again; {n} people go before you then."
HEADLINES = {
    Look.SERVING: "You are being served at window {n}",
    Look.HELD: "On hold at window {n}",
    Look.MISSED: "Your number was called and you were not there",
    Look.COMPLETED: "All done. Thank you for coming.",
    Look.CANCELLED: "This ticket was cancelled",
    Look.ABANDONED: "This ticket has lapsed: the time to queue again is over",
    Look.EXPIRED: "The hall has closed and this ticket was not served",
}
TIPS = {
    Look.HELD: "Please stay near: the window will call you again.",
    Look.CANCELLED: NEW_TICKET,
    Look.ABANDONED: NEW_TICKET,
    Look.EXPIRED: "We are sorry. Please come another day; the guide desk can make an appointment.",
}
COUNT = re.compile("[0-9]+(?=[^0-9]*$)")  # in a number: A-1-007 is the seventh of a dispenser's own series


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page. key: the same for as long as pressing a button would mean the same."""

    number: str
    matter: Text
    look: Look
    key: str
    zone: Text | None
    window: int | None
    target: int | None  # the only window that may call it
    calls: int
    ahead: int
    wait: Words  # from now on; code "none" when it cannot be known
    can_let_pass: bool
    behind: int  # how many go first after letting pass or returning
    can_cancel: bool
    can_undo: bool
    can_return: bool
    return_until: datetime | None
    can_rate: bool
    rating: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """A window on the map. is_mine: it may call the ticket, or has called it."""

    number: int
    is_open: bool
    is_mine: bool
    is_target: bool


Places = tuple[tuple[Text, tuple[Place, ...]], ...]  # areas, each with its windows


def places(hall: Hall, ticket: Ticket) -> Places:
    """The areas with a window for this ticket, and all windows there in the order they stand in."""
    mine = set(hall.servers.get(ticket.queue, ()))
    target = ticket.window or ticket.legs[-1].target
    if target is not None:
        mine = {target}
    areas = {hall.windows[number].zone for number in mine if number in hall.windows}
    found = []
    for zone in (one for one in hall.plan.zones if one.id in areas):
        windows = [one.number for one in hall.plan.windows if one.zone == zone.id]
        if len(windows) > MOST_ON_MAP:
            windows = [number for number in windows if number in mine][:MOST_ON_MAP]
        found.append((zone.name, tuple(_place(hall, number, mine, target) for number in windows)))
    return tuple(found)


def _place(hall: Hall, number: int, mine: set[int], target: int | None) -> Place:
    session = hall.sessions.get(number)
    is_open = session is not None and session.state not in (WindowState.CLOSED, WindowState.OFFLINE)
    return Place(number, is_open, number in mine, number == target)


def find(hall: Hall, token: str) -> Ticket | None:
    """The ticket this token opens; None when it is not one of today's."""
    number = hall.tokens.get(token)
    return None if number is None else hall.tickets.get(number)


def see(hall: Hall, ticket: Ticket, now: datetime, forecast: Forecast) -> Page:
    """The page of a ticket as it stands."""
    queue, rules = hall.queues.get(ticket.queue), hall.plan.rules
    ahead = waits.ahead(hall, ticket.id)
    until = ticket.missed_at + rules.return_within if ticket.missed_at else None
    is_waiting = ticket.state is TicketState.WAITING
    is_missed = ticket.state is TicketState.NO_SHOW
    may_return = is_missed and ticket.misses < rules.misses_allowed and until is not None and now <= until
    return Page(
        number=ticket.number,
        matter=queue.name if queue else Text("", ""),
        look=_look(hall, ticket, ahead),
        key=_key(ticket),
        zone=_zone(hall, ticket),
        window=ticket.window,
        target=ticket.legs[-1].target if is_waiting else None,
        calls=ticket.calls,
        ahead=ahead,
        wait=left(hall, forecast, ticket, now),
        can_let_pass=is_waiting and waits.waiting(hall, ticket.queue) > ahead + 1,
        behind=rules.return_behind if is_missed else rules.let_pass_behind,
        can_cancel=is_waiting or is_missed,
        can_undo=may_take_up(hall, ticket, now),
        can_return=may_return,
        return_until=until if may_return else None,
        can_rate=ticket.state is TicketState.COMPLETED and not is_rated(ticket),
        rating=ticket.rating,
    )


def _look(hall: Hall, ticket: Ticket, ahead: int) -> Look:
    if ticket.state is not TicketState.WAITING:
        return LOOKS[ticket.state]
    is_served = bool(balance.serving_windows(hall, ticket.queue))
    return Look.NEAR if is_served and ahead < hall.plan.rules.near_turn else Look.WAITING


def _zone(hall: Hall, ticket: Ticket) -> Text | None:
    """Where the window is that calls the ticket, or else where its queue waits."""
    window = hall.windows.get(ticket.window) if ticket.window is not None else None
    queue = hall.queues.get(ticket.queue)
    zone = window.zone if window else queue.zone if queue else None
    return next((each.name for each in hall.plan.zones if each.id == zone), None)


def _key(ticket: Ticket) -> str:
    """A second press of the same page asks for the same thing; after a change it asks anew."""
    what = (ticket.token, ticket.state.value, ticket.misses, ticket.place, len(ticket.legs), ticket.taken_up)
    return hashlib.blake2b(repr(what).encode(), digest_size=12).hexdigest()


# --- in words


def told(page: Page, lang: str, zone: tzinfo) -> Told:
    """What the page says, in one language. zone: the hall's, for what is said until when."""
    where = "" if page.zone is None else i18n.in_language(lang, page.zone)
    match page.look:
        case Look.WAITING | Look.NEAR:
            return _told_waiting(page, lang, where)
        case Look.CALLED:
            again = i18n.t(lang, "Called {n} times", n=page.calls)
            tip = again if page.calls > 1 else i18n.t(lang, "You have just been called")
            return Told(headline=i18n.t(lang, "Please go to"), where=where, tip=tip)
        case Look.MISSED:
            return _sentences(lang, HEADLINES[page.look], tip=_return(page, lang, zone))
        case _:
            tip = MISTAKEN if page.can_undo else TIPS.get(page.look, "")
            return _sentences(lang, HEADLINES[page.look], n=page.window, tip=i18n.t(lang, tip) if tip else "")


def _told_waiting(page: Page, lang: str, zone: str) -> Told:
    where = i18n.t(lang, "Please wait in {zone}", zone=zone) if zone else ""
    tip = i18n.t(lang, NEAR) if page.look is Look.NEAR else ""
    if page.target is not None:
        return Told(headline=i18n.t(lang, "Window {n} will call you", n=page.target), where=where, tip=tip)
    many = i18n.tn(lang, "{n} person ahead of you", "{n} people ahead of you", page.ahead)
    headline = many if page.ahead else i18n.t(lang, "You are next")
    return Told(headline=headline, wait=wait_text(lang, page.wait), where=where, tip=tip)


def _return(page: Page, lang: str, zone: tzinfo) -> str:
    """Until when one who missed the call may queue again."""
    if page.return_until is None:
        return i18n.t(lang, "Please ask at the guide desk for a new ticket.")
    until = page.return_until.astimezone(zone).strftime("%H:%M")
    return i18n.t(lang, RETURN, time=until, n=page.behind)


def _sentences(lang: str, headline: str, *, tip: str, n: object = None) -> Told:
    return Told(headline=i18n.t(lang, headline, n=n), tip=tip)


# --- asked by its number


def answer(hall: Hall, asked: Asked, now: datetime, forecast: Forecast, zone: tzinfo) -> Progress:
    """Where the ticket stands that somebody at a kiosk asks about. zone: of the hall's clock."""
    ticket = find(hall, asked.token) if asked.token else _numbered(hall, asked)
    if ticket is None:
        return _unknown(hall, asked)
    page = see(hall, ticket, now, forecast)
    return Progress(
        number=page.number,
        look=page.look,
        window=page.window,
        can_come_back=page.can_return or page.can_undo,
        zh=_told_there(hall, ticket, page, "zh", zone),
        en=_told_there(hall, ticket, page, "en", zone),
    )


def _told_there(hall: Hall, ticket: Ticket, page: Page, lang: str, zone: tzinfo) -> Told:
    """What the page says, and instead of a wait that nobody can know why that is so."""
    said = told(page, lang, zone)
    is_unserved = any(code == "no_window" for code, _ in reasons.for_citizen(hall, ticket.id))
    return replace(said, wait=i18n.t(lang, "plainly.no_window")) if is_unserved and not said.wait else said


def _numbered(hall: Hall, asked: Asked) -> Ticket | None:
    """The ticket of this number: of the kiosk's own domain, else of another."""
    domains = sorted(hall.plan.domains, key=lambda one: of_domain(one.id) != asked.board)
    numbers = (asked.number, _as_on_slip(hall, asked.number))
    found = (hall.numbers.get(label(domain.id, number)) for domain in domains for number in numbers)
    return next((hall.tickets[id] for id in found if id is not None), None)


def _as_on_slip(hall: Hall, number: str) -> str:
    """A number that somebody typed, as a slip would bear it."""
    digits = hall.plan.rules.number_digits
    return COUNT.sub(lambda found: found[0].zfill(digits), plain(number))


def _unknown(hall: Hall, asked: Asked) -> Progress:
    number = _as_on_slip(hall, asked.number)
    zh, en = (
        _sentences(
            lang,
            "There is no ticket {n} today" if number else "This is not a slip of today",
            tip=i18n.t(lang, "Please look at your slip once more, or ask at the guide desk."),
            n=number,
        )
        for lang in ("zh", "en")
    )
    return Progress(number=number, look=UNKNOWN, zh=zh, en=en)
