"""The technician tests a unit from the web: asks, the unit finds, a person says."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.clock import real_now
from controller.hall.commands import CloseDay
from controller.people import SYSTEM, Role
from controller.store.people import Person
from controller.store.selftests import rows
from firmware.protocol.codec import encode
from firmware.protocol.messages import Check, ClockJumped, DeviceConfig, Examine, Examined, UnitConfig
from firmware.protocol.pictures import Picture
from tests.controller.sites import Running, Unit, dispenser, running
from tests.waiting import until
from tests.web.desk import Browser, words
from web.app import create_app

PAGE = "/devices/hall/front"
LI = Person("li", "李强", "001", None, frozenset({Role.CLERK}), True)
BOSS = Person("boss", "王主任", "900", None, frozenset({Role.HALL_MANAGER}), True)
TECHNICIAN = Person("xu", "徐工", "500", None, frozenset({Role.TECHNICIAN}), True)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Running]:
    with running("nats", tmp_path, second_factor_roles=()) as found:
        for person in (TECHNICIAN, BOSS, LI):
            found.site.people.add(person, real_now())
        yield found


@pytest.fixture
def unit(hall: Running) -> Unit:
    found = hall.unit("front", dispenser("A"))
    found.come_online(hall.bus)
    return found


def browser(hall: Running, person: str = "xu") -> Browser:
    found = Browser(create_app(hall.site).test_client())
    token = hall.site.people.link(person, real_now())
    found.post(f"/in/{token}", page=f"/in/{token}")
    return found


def asked(unit: Unit) -> list[tuple[str, Examine]]:
    return [(cid, order) for cid, order in unit.commands(Examine).items() if isinstance(order, Examine)]


def test_a_test_is_asked_for_found_and_confirmed_and_all_of_it_is_kept(hall: Running, unit: Unit) -> None:
    technician = browser(hall)
    technician.post(f"{PAGE}/examine", PAGE, what="print", device="printer-1")
    ((cid, order),) = until(lambda: asked(unit))
    assert order == Examine(what="print", device="printer-1")
    unit.say(Examined(what="print", device="printer-1", order=cid, checks=[Check(name="print")]))
    page = until(lambda: _page_with(technician, "小票清楚、字全、切断了吗"))
    (test,) = re.findall(r'name="test" value="(\d+)"', page)
    technician.post(f"{PAGE}/confirm", PAGE, test=test, answer="no")
    assert [fault.code for fault in hall.site.devices.faults("hall")] == ["test.failed"]
    assert "自检时人工看到不正常" in words(technician.get("/devices"))
    technician.post(f"{PAGE}/confirm", PAGE, test=test, answer="yes")
    assert hall.site.devices.faults("hall") == []
    with hall.site.store.reading() as c:
        trail = [(row.actor, row.what) for row in rows(c, "hall", real_now().replace(year=2000))]
    assert trail == [
        ("xu", "unit.confirm"),
        ("xu", "unit.confirm"),
        ("front", "unit.examined"),
        ("xu", "unit.examine"),
    ]


def test_the_buttons_of_the_page_lead_to_the_unit(hall: Running, unit: Unit) -> None:
    page = browser(hall).get(PAGE).get_data(as_text=True)
    assert set(re.findall(r'action="([^"]*/examine)"', page)) == {f"{PAGE}/examine"}


def test_a_picture_is_shown_to_who_asked_until_there_is_a_newer_one(hall: Running) -> None:
    unit = _with_camera(hall)
    technician = browser(hall)
    technician.post("/devices/hall/watch/examine", "/devices/hall/watch", what="snapshot", device="camera-1")
    ((cid, _),) = until(lambda: asked(unit))
    seen = b"\xff\xd8\xff\xe0 a hall"
    unit.send("pic", encode(Picture(device="camera-1", order=cid, jpeg=seen)))
    unit.send("pic", encode(Picture(device="camera-1", order=cid, jpeg=b"<script>")))
    unit.send("pic", encode(Picture(device="printer-1", order=cid, jpeg=seen)))
    found = Examined(what="snapshot", device="camera-1", order=cid, checks=[Check(name="snapshot")])
    last = unit.say(found)
    until(lambda: unit.acked() == last and hall.bus.counts().get("quarantined") == 2)
    page = technician.get("/devices/hall/watch").get_data(as_text=True)
    (address,) = re.findall(r'src="([^"]*camera-1[^"]*)"', page)
    answer = technician.get(html.unescape(address))
    assert (answer.data, answer.headers["Cache-Control"]) == (seen, "no-store")
    unit.send("pic", encode(Picture(device="camera-1", order="newer", jpeg=seen)))
    until(lambda: technician.get(html.unescape(address)).status_code == 404)
    assert browser(hall, "li").get(html.unescape(address)).status_code == 403


def _with_camera(hall: Running) -> Unit:
    camera = DeviceConfig(device="camera-1", kind="camera", wire="camera:/dev/video0")
    unit = hall.unit("watch", UnitConfig(rev=0, position="", devices=[camera]))
    unit.come_online(hall.bus)
    return unit


def _page_with(technician: Browser, text: str) -> str:
    page = technician.get(PAGE).get_data(as_text=True)
    return page if text in page else ""


def test_what_a_unit_found_by_itself_is_shown_with_what_failed(hall: Running, unit: Unit) -> None:
    checks = [
        Check(name="store", is_ok=True),
        Check(name="device printer-1", is_ok=False, detail="printer.gone"),
    ]
    unit.say(Examined(what="quick", checks=checks))
    technician = browser(hall)
    page = until(lambda: _page_with(technician, "打印机的线断了"))
    assert "存储可写可读" in page
    assert "快速自检" in page


def test_a_unit_that_is_away_is_asked_nothing(hall: Running) -> None:
    hall.unit("front", dispenser("A"))
    technician = browser(hall)
    assert "设备在线时才能测试" in words(technician.get(PAGE))
    answer = technician.post(f"{PAGE}/examine", PAGE, what="quick")
    assert answer.status_code == 409
    assert "没有发出测试" in words(answer)


def test_what_cannot_be_tested_is_refused(hall: Running, unit: Unit) -> None:
    technician = browser(hall)
    for form in ({"what": "print"}, {"what": "print", "device": "button-1"}, {"what": "dance"}, {}):
        assert technician.post(f"{PAGE}/examine", PAGE, **form).status_code == 400, form


def test_a_clerk_tests_no_units_and_a_unit_nobody_knows_has_no_page(hall: Running, unit: Unit) -> None:
    assert browser(hall, "li").get(PAGE).status_code == 403
    assert browser(hall).get("/devices/hall/back").status_code == 404


def test_once_a_week_at_closing_every_unit_tests_itself(hall: Running, unit: Unit) -> None:
    hall.live.submit(CloseDay(), SYSTEM)
    ((_, order),) = until(lambda: asked(unit))
    assert order == Examine(what="full")
    hall.site.halls["hall"].submit(None, SYSTEM)
    with hall.site.store.reading() as c:
        assert len(rows(c, "hall", real_now().replace(year=2000))) == 1


def test_f50_a_clock_that_jumped_stands_on_the_units_page_and_among_the_days_numbers(
    hall: Running, unit: Unit
) -> None:
    lost = ClockJumped(from_ts=real_now(), to_ts=datetime(1970, 1, 1, tzinfo=UTC))
    mended = ClockJumped(from_ts=datetime(1, 1, 1), to_ts=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    unit.say(lost)
    last = unit.say(mended)
    until(lambda: unit.acked() == last)
    of_unit = words(browser(hall).get(PAGE))
    today = real_now().astimezone(hall.site.settings.zone).date()
    of_day = words(browser(hall, "boss").get(f"/m/hall/reconciliation?day={today}"))
    for page in (of_unit, of_day):
        assert "节点时钟跳变 2" in page
        assert "1970-01-01 08:00:00" in page
        assert "9999-12-31T23:59:00" in page
