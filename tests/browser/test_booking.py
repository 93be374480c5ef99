"""A citizen's way in a real browser: booked on the phone, checked in at the kiosk, called."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from controller.hall.commands import CallNext, CloseDay, Login, OpenDay
from tests.browser.conftest import PHONE, Served
from tests.store.halls import MORNING

pytestmark = pytest.mark.browser

KIOSK = "/h/hall/pages/kiosk.html?board=k-main"


def test_what_is_booked_on_a_phone_is_checked_in_at_a_kiosk_and_called(served: Served) -> None:
    desk = served.desk
    phone = served.screen("/h/hall/book", PHONE)
    phone.get_by_role("link", name="企业").click()
    phone.locator(".slots a").first.click()
    phone.get_by_label("证件号码").fill("11010519491231002X")
    phone.get_by_label("手机号码").fill("13912345678")
    phone.get_by_role("button", name="确认预约").click()
    expect(phone.locator(".state-word")).to_have_text("已预约")
    (one,) = desk.live.hall.bookings.known.values()

    desk.give(CloseDay())
    desk.time.pass_by(seconds=(one.start - timedelta(minutes=10) - MORNING).total_seconds())
    desk.give(OpenDay(one.day, one.start + timedelta(hours=8)), Login(1, "li"))
    kiosk = served.screen(KIOSK)
    kiosk.locator("[data-tool=checkin]").click()
    for digit in "5678":
        kiosk.locator(f'[data-key="{digit}"]').click()
    kiosk.locator("[data-take]").click()
    expect(kiosk.locator("[data-number]")).to_have_text("A001")
    desk.give(CallNext(1))
    phone.reload()
    phone.get_by_role("link", name="我的号码 A001").click()
    expect(phone.locator("main")).to_contain_text("请到")
