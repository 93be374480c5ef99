"""Search over everything one may see: pages, tickets of today, windows and queues, people, matters.

What a result leads to is asked of the rights of that page, so nobody finds what they could not open. Names
stand masked, as in every list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from flask import Blueprint, current_app, g, render_template, request, url_for

from controller import i18n
from controller.hall.model import Hall
from controller.people import Role, mask
from controller.store import items
from web import setup_words
from web.guides import today
from web.help import PAGES
from web.visit import me, role_required, say, shut_to, the_site

blueprint = Blueprint("search", __name__)

MOST = 8  # results of a kind
LONGEST = 64


@dataclass(frozen=True, slots=True)
class Result:
    """Something found. address: "" where there is nothing more to see of it."""

    title: str
    about: str = ""
    address: str = ""


@blueprint.get("/search")
@role_required(*Role)
def search() -> str:
    """What is found for the words, kind by kind."""
    wanted = request.args.get("q", "").strip()[:LONGEST].casefold()
    kinds: dict[str, Callable[[str], Iterator[Result]]] = {
        "tickets": _tickets,
        "windows": _windows,
        "queues": _queues,
        "people": _people,
        "matters": _matters,
        "pages": _pages,
    }
    found = {kind: list(islice(look(wanted), MOST)) for kind, look in kinds.items()} if wanted else {}
    return render_template(
        "home/search.html",
        words=request.args.get("q", "")[:LONGEST],
        found={kind: results for kind, results in found.items() if results},
    )


def may_open(endpoint: str) -> bool:
    """Whether who asks may open this page in a hall of theirs."""
    view = current_app.view_functions.get(endpoint)
    return view is not None and shut_to(view, me(), None) is None


def _address(endpoint: str, **values: object) -> str:
    return url_for(endpoint, **values) if may_open(endpoint) else ""  # type: ignore[arg-type]


def _halls() -> list[Hall]:
    return [live.hall for live in the_site().halls.values() if me().works_in(live.id)]


def _of(hall: Hall) -> str:
    """The hall's name, where there are several to tell apart."""
    return i18n.in_language(g.lang, hall.plan.name) if len(_halls()) > 1 else ""


# --- kind by kind


def _pages(wanted: str) -> Iterator[Result]:
    """By their name in either language, or by what help says of them."""
    for page in PAGES:
        if not may_open(page.endpoint):
            continue
        said = [i18n.t(lang, key) for lang in i18n.LANGUAGES for key in (page.title, f"help.{page.endpoint}")]
        if wanted not in " ".join(said).casefold():
            continue
        for hall in _halls() if page.is_of_hall else [None]:
            values = {} if hall is None else {"hall": hall.id}
            about = "" if hall is None else _of(hall)
            yield Result(say(page.title), about, _address(page.endpoint, **values))


def _tickets(wanted: str) -> Iterator[Result]:
    """Of today, by number."""
    pages = [one for one in ("manager.ticket", "frontdesk.ticket") if may_open(one)]
    for hall in _halls() if pages else []:
        for ticket in hall.tickets.values():
            if wanted in ticket.number.casefold():
                queue = hall.queues.get(ticket.queue)
                name = i18n.in_language(g.lang, queue.name) if queue else ticket.queue
                about = f"{name} · {i18n.label(g.lang, 'ticket_state', ticket.state)} {_of(hall)}"
                yield Result(ticket.number, about, _address(pages[0], hall=hall.id, ticket=ticket.id))


def _windows(wanted: str) -> Iterator[Result]:
    for hall in _halls():
        for window in hall.plan.windows:
            title = setup_words.name_of("windows", window)
            if wanted in f"{window.number} {window.name.zh} {window.name.en} {title}".casefold():
                address = _address("manager.window", hall=hall.id, number=window.number)
                address = address or _address(
                    "setup.piece", hall=hall.id, section="windows", key=window.number
                )
                state = i18n.label(g.lang, "window_state", hall.sessions[window.number].state)
                yield Result(title, f"{state} {_of(hall)}", address)


def _queues(wanted: str) -> Iterator[Result]:
    for hall in _halls():
        for queue in hall.plan.queues:
            if wanted in f"{queue.code} {queue.name.zh} {queue.name.en}".casefold():
                address = _address("setup.piece", hall=hall.id, section="queues", key=queue.code)
                address = address or _address("manager.tickets", hall=hall.id, queue=queue.code)
                yield Result(setup_words.name_of("queues", queue), _of(hall), address)


def _people(wanted: str) -> Iterator[Result]:
    """By name or staff number; only for who looks after people."""
    if not may_open("people.one"):
        return
    for person in the_site().people.all():
        if (
            me().covers(person)
            and wanted in f"{person.name} {person.staff_number or ''} {person.id}".casefold()
        ):
            roles = say(", ").join(i18n.label(g.lang, "role", role) for role in sorted(person.roles))
            title = f"{mask(person.name)} {person.staff_number or ''}"
            yield Result(title, roles, _address("people.one", person=person.id))


def _matters(wanted: str) -> Iterator[Result]:
    """Of the catalogue, with the queue each is done in."""
    queues = {queue.code: queue for hall in _halls() for queue in hall.plan.queues}
    for matter in items.matters(the_site().store, today()):
        if wanted in f"{matter.name} {matter.code}".casefold():
            queue = queues.get(matter.queue)
            about = setup_words.name_of("queues", queue) if queue else ""
            yield Result(matter.name, about, _address("guides.page", code=matter.code))
