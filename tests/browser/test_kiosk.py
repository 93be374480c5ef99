"""A kiosk with a real controller, broker and node: an appointment checked in by identity card, and the kiosk
at noon while its controller is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from controller.booking import Person, Wish
from controller.hall.bookings import AppointmentState, Way
from controller.hall.commands import ChangePlan, CloseDay, TakeTicket
from controller.hall.duty import opening
from controller.hall.model import Rules, Sitting
from controller.hall.sessions import Extended, SessionKind, SessionMode
from controller.people import SYSTEM
from firmware.emulators.bench import Bench, BenchSettings
from firmware.emulators.bench_settings import ReaderSettings
from firmware.emulators.reader import PEOPLE
from firmware.protocol.messages import DeviceConfig, UnitConfig
from tests.browser.conftest import PORTRAIT
from tests.controller.brokers import free_port
from tests.controller.sites import Running, running
from tests.firmware.hall_unit import node_running, node_settings
from tests.halls import small_plan
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.system, pytest.mark.timeout(240)]

NOON = Extended(SessionKind.NOON, SessionMode.DUTY, time(12), time(13, 30), queues=("A",))
PLAN = small_plan(
    Rules(call_every=None, check_in_after=timedelta(hours=2)),
    hours=(Sitting(time(9), time(12)), Sitting(time(13, 30), time(17))),
    extended=(NOON,),
)
CARD = 1  # of the people whose cards the bench has; not an old person's


@dataclass
class Kiosk:
    """A running site a moment before noon, and the reader and the page of its kiosk."""

    site: Running
    reader: Any
    url: str


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    folder = tmp_path_factory.mktemp("kiosk")
    with ExitStack() as stack:
        site = stack.enter_context(running("mosquitto", folder))
        book_and_wait_for_noon(site)
        cards = ReaderSettings(device="cards-1", reads="id_card")
        bench = Bench(BenchSettings(unit="node-1", dir=str(folder), device=[cards]))
        bench.start()
        stack.callback(bench.stop)
        wire, port = str(bench.state()["devices"][0]["wire"]), free_port()
        reads = {"reads": "id_card"}
        devices = [
            DeviceConfig(device="cards-1", kind="reader", wire=wire, options=reads),
            DeviceConfig(device="screen-1", kind="screen", wire="screen:", board="k-main"),
        ]
        secret = site.enroll("node-1", UnitConfig(rev=0, position="", devices=devices))
        settings = node_settings(
            folder / "n", site.settings.mqtt_port, token=secret, pages=f"127.0.0.1:{port}"
        )
        node = stack.enter_context(node_running(settings))
        until(lambda: node.shelf.get("k-main"), 20, what="the kiosk has heard what to offer")
        url = f"http://127.0.0.1:{port}/pages/kiosk.html?board=k-main"
        yield Kiosk(site, bench.device("cards-1"), url)


def book_and_wait_for_noon(site: Running) -> None:
    """Book a time in the morning of the next day on which that can be done, and go to the noon of it."""
    live, zone, calendar = site.live, site.settings.zone, site.site.holidays.calendar
    live.submit(ChangePlan(PLAN), SYSTEM)
    booking = site.site.booking(live)
    slot = next(one for one in booking.next_offers("A", most=100) if booking.clock_of(one) == time(11, 30))
    booking.book(Wish("A", slot.start, Person(card=PEOPLE[CARD].number), Way.SITE))
    noon = datetime.combine(slot.day, time(12), zone).astimezone(UTC)
    live.submit(CloseDay(), SYSTEM)
    live.clock.set(noon - timedelta(seconds=3))
    live.submit(opening(calendar, slot.day, noon + timedelta(hours=5), zone), SYSTEM)


@pytest.fixture
def page(kiosk: Kiosk, chromium: Browser) -> Iterator[Page]:
    width, height = PORTRAIT
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(kiosk.url)
    yield page
    context.close()


def test_who_has_booked_checks_in_by_laying_the_card_down(kiosk: Kiosk, page: Page) -> None:
    page.locator("[data-tool=checkin]").click()
    expect(page.locator(".card-here")).to_be_visible()  # a card that lay there before counts not
    kiosk.reader.lay(CARD)
    expect(page.locator("[data-number]")).to_have_text("A001")
    (one,) = kiosk.site.hall.bookings.known.values()
    assert one.state is AppointmentState.CHECKED_IN


def ask_for(page: Page, number: str) -> None:
    """Type a number on the keys of the screen, and have it looked up."""
    page.locator("[data-tool=progress]").click()
    for key in number:
        page.locator(f'.ask-progress [data-key="{key}"]').click()
    page.locator("[data-take]").click()


def test_who_holds_a_slip_sees_by_its_number_where_it_stands(kiosk: Kiosk, page: Page) -> None:
    live = kiosk.site.live
    live.submit(TakeTicket("A", "of-the-slip-here"), SYSTEM)
    number = kiosk.site.numbers()[-1]
    ask_for(page, f"A{int(number[1:])}")
    expect(page.locator("[data-number]")).to_have_text(number)
    expect(page.locator(".says")).to_contain_text("您")
    page.get_by_text("查别的号码").click()
    page.locator(".digits").fill("http://example.org/t/of-the-slip-here")
    page.keyboard.press("Enter")
    expect(page.locator("[data-number]")).to_have_text(number)
    ask_for(page, "B999")
    expect(page.locator(".says")).to_contain_text("今天没有 B999 这个号")
    page.locator("[data-tool=language]").click()
    expect(page.locator(".says")).to_contain_text("There is no ticket B999 today")


def test_cut_off_at_noon_it_offers_only_queues_on_duty(kiosk: Kiosk, page: Page) -> None:
    kiosk.site.site.close()
    shut = page.locator("[data-queue=B]")
    expect(shut).to_contain_text("13:30")
    shut.click()
    expect(page.locator("[data-take]")).to_be_disabled()
    page.reload()
    page.locator("[data-queue=A]").click()
    page.locator("[data-take]").click()
    expect(page.locator("[data-number]")).to_contain_text("A")


def test_cut_off_it_says_that_no_progress_can_be_seen(kiosk: Kiosk, page: Page) -> None:
    kiosk.site.site.close()
    ask_for(page, "A1")
    expect(page.locator(".says")).to_contain_text("现在查不到最新进度")
