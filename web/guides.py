"""Guides for everybody: the matters of the centre by department, and one matter with all that is told of it.

No sign-in, nothing to install; the page of a matter prints on A4 (S0.10).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from itertools import groupby

from flask import Blueprint, abort, render_template, request
from sqlalchemy import select

from controller.guide import Guide
from controller.store import guides, item_standings, items
from controller.store.guides import Listed
from controller.store.tables import item
from web.visit import hall_now, the_site

blueprint = Blueprint("guides", __name__)

UNFOLDED = 30  # matters at most, that all departments of a list are open at once
MOST_WORDS = 40  # characters


def today() -> date:
    """By the hall's clock."""
    return hall_now().astimezone(the_site().settings.zone).date()


@blueprint.get("/items/")
def index() -> str:
    """The matters that are done here, those whose name holds every word that was typed."""
    words = request.args.get("q", "").strip()[:MOST_WORDS]
    with the_site().store.reading() as c:
        known = guides.listed(c, today())
    found = [one for one in known if _fits(one, words)]
    departments = [(name, list(rows)) for name, rows in groupby(found, lambda one: one.department)]
    return render_template(
        "guides/index.html",
        words=words,
        departments=departments,
        total=len(found),
        unfolded=UNFOLDED,
        places=places(),
    )


def _fits(one: Listed, words: str) -> bool:
    if not one.is_in_use or (one.queue is None and one.current is None):
        return False
    text = f"{one.name} {one.department} {one.code}".casefold()
    return all(part in text for part in words.casefold().split())


@blueprint.get("/items/<path:code>")
def page(code: str) -> str:
    """One matter, as it holds today."""
    with the_site().store.reading() as c:
        row = c.execute(select(item).where(item.c.code == code)).first()
        if row is None:
            abort(HTTPStatus.NOT_FOUND)
        version = guides.current(c, code, today())
        known = item_standings.of(c, code)
    ended = _end(item_standings.current(known, today()))
    return render_template(
        "guides/page.html",
        matter=row,
        version=version,
        ended=ended,
        ends=ended or _end(next((one for one in reversed(known) if one.from_day > today()), None)),
        names=items.names(the_site().store) if ended else {},
        places=[] if ended else places().get(row.queue or "", []),
    )


def _end(version: item_standings.Version | None) -> item_standings.Version | None:
    return version if version is not None and version.standing.is_ended else None


def guide_of(code: str | None) -> Guide | None:
    """What is told of the matter today; None when nothing is published, or no matter is known."""
    if code is None:
        return None
    with the_site().store.reading() as c:
        version = guides.current(c, code, today())
    return None if version is None else version.guide


def places() -> Mapping[str, list[str]]:
    """The halls in which each queue is served, by the queue's code."""
    found: dict[str, list[str]] = {}
    for id, live in the_site().halls.items():
        for code in live.hall.queues:
            found.setdefault(code, []).append(id)
    return found
