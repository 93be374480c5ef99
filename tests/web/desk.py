"""A site with one small hall, and a browser at its desk: signs in, presses keys, reads what is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from controller.changes import Changes
from controller.clock import ClockSetting, HallClock, real_now
from controller.coming import Coming
from controller.hall.commands import ChangePlan, Command, OpenDay, TakeTicket
from controller.hall.model import Ticket
from controller.live import Live
from controller.people import SYSTEM, Role
from controller.settings import Settings
from controller.shows import Shows
from controller.site import Site
from controller.store.people import Person
from tests.store.halls import DAY, MORNING, PLAN, Time, quick_store, slips, sqlite_url
from web.app import create_app

PEOPLE = (
    Person("li", "李强", "001", None, frozenset({Role.CLERK}), True),
    Person("wang", "王芳", "002", None, frozenset({Role.CLERK}), True),
    Person("boss", "周文静", "900", None, frozenset({Role.HALL_MANAGER}), True),
    Person("guide", "何导", "800", None, frozenset({Role.GUIDE}), True),
    Person("far", "远方", "700", "elsewhere", frozenset({Role.CLERK, Role.HALL_MANAGER}), True),
)


@dataclass
class Desk:
    """Everything a test of a page needs. time: moves the hall's clock."""

    site: Site
    live: Live
    time: Time
    app: Any
    browsers: list[FlaskClient] = field(default_factory=list)

    def browser(self, person: str | None = None) -> Browser:
        """A browser of its own; signed in by a one-time link when it is somebody's."""
        browser = Browser(self.app.test_client())
        if person is not None:
            token = self.site.people.link(person, real_now())
            browser.post(f"/in/{token}", page=f"/in/{token}")
        return browser

    def take(self, queue: str = "A") -> Ticket:
        answer = self.live.submit(TakeTicket(queue, f"token-{self.live.seq}"), SYSTEM)
        return answer.hall.tickets[answer.hall.next_ticket - 1]

    def give(self, *commands: Command) -> None:
        for command in commands:
            self.live.submit(command, SYSTEM)


class Browser:
    """A test client that fills in the hidden fields of our forms as a browser would."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, address: str, **options: Any) -> TestResponse:
        return self.client.get(address, **{"buffered": True, **options})

    def post(self, address: str, page: str = "/sign-in", **form: str) -> TestResponse:
        """Send a form that was drawn on `page`."""
        hidden = self.hidden(page)
        return self.client.post(address, data={**hidden, **form})

    def hidden(self, page: str) -> dict[str, str]:
        text = self.get(page).get_data(as_text=True)
        return {
            name: match[1]
            for name in ("csrf", "key")
            if (match := re.search(rf'name="{name}" value="([^"]+)"', text))
        }

    def press(self, window: int, action: str, **form: str) -> TestResponse:
        """Press a key of the window's console, as its script does."""
        console = f"/w/hall/{window}"
        data = {**self.hidden(f"{console}?choose=1"), **form}
        return self.client.post(f"{console}/do/{action}", data=data, headers={"HX-Request": "true"})


def coming(desk: Desk) -> Coming:
    """What the hall does by itself when its hour comes, for a test to step."""
    return Coming(
        desk.live,
        Changes(desk.live, desk.site.devices),
        desk.site.people,
        desk.site.holidays,
        desk.site.settings.zone,
    )


@contextmanager
def open_desk(folder: Path, **settings: Any) -> Iterator[Desk]:
    """The site with hall "hall" running: day open, nobody signed in at a window. settings: of the site."""
    store, time = quick_store(settings.get("store_url") or sqlite_url(folder)), Time()
    try:
        clock = HallClock(ClockSetting(MORNING), time)
        site = Site(Settings(data_dir=folder, second_factor_roles=(), **settings), store, 1, ExitStack())
        site.clock = clock
        shows = Shows(store, "hall", site.settings.zone)
        live = Live("hall", store, clock, slips, tick_every=None, look_every_s=0.0, shows=shows)
        site.halls["hall"] = live
        for person in PEOPLE:
            site.people.add(person, MORNING)
        live.start()
        try:
            live.submit(ChangePlan(PLAN), SYSTEM)
            live.submit(OpenDay(DAY, MORNING + timedelta(hours=8)), SYSTEM)
            yield Desk(site, live, time, create_app(site))
        finally:
            live.stop()
    finally:
        store.close()


def words(response: TestResponse) -> str:
    """What a person reads on the page, without its tags, in one line."""
    text = response.get_data(as_text=True)
    text = re.sub(r"<(script|style|title|head)\b.*?</\1>", " ", text, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text))).strip()
