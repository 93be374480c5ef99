"""A window as a tile of the live board, drawn once for all boards that show it alike.

A board of a large hall is mostly tiles, and of them few change between two looks; twenty boards look twice a
second. Hides what a tile depends on: everything it shows, and the language.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from flask import g, render_template

from controller.hall.model import TicketState, WindowState
from controller.hall.reports import WindowNow
from web.privacy import colleague

KEPT = 4096  # tiles: those of several large halls in two languages


def tile(at: WindowNow, now: datetime) -> str:
    """The list item of this window, as HTML."""
    ticket, session = at.ticket, at.session
    is_called = (
        ticket is not None and ticket.state is TicketState.CALLED and session.state is WindowState.OPEN
    )
    minutes = None if at.since is None else int((now - at.since).total_seconds() // 60)
    clerk = colleague(at.clerk) if at.clerk else ""
    number = "" if ticket is None else ticket.number
    pause = "" if session.pause_reason is None else session.pause_reason.value
    state = "" if is_called else session.state.value
    look = f"is-{session.state.value}{' is-overdue' if at.is_pause_overdue else ''}"
    return _drawn(g.lang, at.window.number, look, state, number, pause, clerk, minutes)


@lru_cache(maxsize=KEPT)
def _drawn(
    lang: str, number: int, look: str, state: str, ticket: str, pause: str, clerk: str, minutes: int | None
) -> str:
    """state: of the window, "" when its ticket is called."""
    shown = {"look": look, "state": state, "ticket": ticket, "pause": pause, "clerk": clerk}
    return render_template("manager/_tile.html", number=number, passed=minutes, **shown)
