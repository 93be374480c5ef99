"""The case of a bad rating in the hands of staff, paper slips, a clerk's own sums, and what is published."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import unescape
from io import BytesIO
from zipfile import ZipFile

import pytest

from controller.clock import real_now
from controller.hall.commands import ChangePlan, CloseDay, OpenDay
from controller.hall.model import Text
from controller.people import SYSTEM
from controller.store.trail import Asked, traces
from tests.store.halls import DAY, MORNING
from tests.web.desk import Browser, Desk
from tests.web.rated import served, staff

CASE = "/m/hall/ratings/1"


@pytest.fixture
def staffed(desk: Desk) -> Desk:
    return staff(desk)


def read(browser: Browser, address: str = CASE) -> str:
    return unescape(browser.get(address).get_data(as_text=True))


def step(browser: Browser, what: str, **form: str) -> int:
    return browser.post(f"{CASE}/{what}", page=CASE, **form).status_code


def test_a_reason_keeps_the_name_it_had_when_it_was_given(staffed: Desk) -> None:
    served(staffed, 1, "13900001111")
    supervisor, plan = staffed.browser("sup"), staffed.live.hall.plan
    renamed = replace(plan.rating_reasons[0], name=Text("排队", "Queueing"))
    staffed.give(ChangePlan(replace(plan, rating_reasons=(renamed, *plan.rating_reasons[1:]))))
    assert "等候时间" in read(supervisor)
    assert "排队" not in read(supervisor)


@pytest.mark.both_engines
def test_a_case_goes_through_all_hands_to_its_end(staffed: Desk) -> None:
    """G4-G10: the unit calls and puts right, the supervisor calls, closes and publishes."""
    served(staffed, 1, "13900001111")
    unit, supervisor, citizen = staffed.browser("gu"), staffed.browser("sup"), staffed.browser()
    assert "待您办理" in read(unit, "/m/hall/ratings")
    assert "13900001111" not in read(unit)
    number = unit.post(f"{CASE}/number", page=CASE).get_data(as_text=True)
    assert "13900001111" in number
    assert step(unit, "call", reached="1", text="") == 409
    assert step(unit, "call", reached="1", text="她等了一小时") == 303
    assert step(unit, "fix", measure="增开窗口", responsible="古某", answer="已电话答复") == 303
    assert "现在由监察人员办理" in read(unit)
    assert step(supervisor, "close", text="属实") == 409
    assert step(supervisor, "call", reached="1", text="满意") == 303
    told = {"told_zh": "高峰时段增开窗口", "told_en": "A second window"}
    assert step(supervisor, "close", text="属实", **told) == 303
    assert "她等了一小时" in read(supervisor)
    assert "高峰时段增开窗口" in read(citizen, "/h/hall/ratings")
    assert "A second window" in read(citizen, "/h/hall/ratings?lang=en")
    asked = Asked(real_now() - timedelta(days=1), real_now() + timedelta(days=1), what="rating.")
    with staffed.live.store.reading() as c:
        assert [(one.what, one.actor) for one in reversed(traces(c, asked, 9))] == [
            ("rating.number", "gu"),
            *[("rating.step", "gu")] * 2,
            *[("rating.step", "sup")] * 2,
        ]


def test_only_those_it_concerns_see_a_case(staffed: Desk) -> None:
    """D.07: the rated one and other units do not know of it; the manager may only give it more time."""
    served(staffed, 2)
    assert staffed.browser("li").get(CASE).status_code == 403
    assert staffed.browser("lead2").get(CASE).status_code == 404
    assert "A001" not in read(staffed.browser("lead2"), "/m/hall/ratings")
    boss = staffed.browser("boss")
    assert "A001" in read(boss, "/m/hall/ratings")
    assert step(boss, "check", text="x") == 409
    assert step(staffed.browser("gu"), "check", text="记录显示等候 70 分钟") == 303
    assert step(boss, "extend", days="10", text="需改造柜台") == 303
    assert "A001" in read(boss, "/m/hall/ratings?view=ledger")


def test_what_is_overdue_is_shown_and_the_list_is_a_file(staffed: Desk) -> None:
    served(staffed, 1)
    supervisor = staffed.browser("sup")
    assert "没有这类差评" in read(supervisor, "/m/hall/ratings?view=overdue")
    staffed.time.pass_by(days=2)
    assert "超期" in read(supervisor, "/m/hall/ratings?view=overdue")
    assert "已超期" in read(supervisor)
    with ZipFile(BytesIO(supervisor.get("/m/hall/ratings.xlsx").data)) as book:
        assert b"A001" in book.read("xl/sharedStrings.xml")
    assert "A001" in supervisor.get("/m/hall/ratings.csv").get_data(as_text=True)


def test_the_guide_enters_paper_slips_and_not_of_tickets_nobody_had(staffed: Desk) -> None:
    """S0.23"""
    served(staffed)
    guide, page = staffed.browser("guide"), "/g/hall/slips"
    form = {"number": "a001", "day": DAY.isoformat(), "level": "2", "reason": "manner", "words": "态度"}
    assert guide.post(page, page=page, **{**form, "number": "A009"}).status_code == 409
    assert "已录入" in guide.post(page, page=page, **form).get_data(as_text=True)
    assert guide.post(page, page=page, **form).status_code == 409
    assert "□ 非常满意" in read(guide, f"{page}/blank")
    assert "纸质反馈单" in read(staffed.browser("sup"))


def test_a_clerk_sees_sums_of_weeks_that_are_settled_and_nothing_before(staffed: Desk) -> None:
    """S2.23: the page shows no change when a rating comes."""
    clerk, page = staffed.browser("li"), "/w/hall/ratings"
    before = read(clerk, page)
    served(staffed, 5)
    served(staffed, 1)
    assert read(clerk, page) == before
    staffed.time.pass_by(days=11)
    assert "2026-03-02 – 2026-03-08" not in read(clerk, page)
    staffed.time.pass_by(days=1)
    assert "2026-03-02 – 2026-03-08" in read(clerk, page)
    assert "50%" in read(clerk, page)


def test_satisfaction_and_participation_stand_side_by_side(staffed: Desk) -> None:
    """P.08: no answer lowers participation and leaves satisfaction; few ratings are not published."""
    for level in (5, 4, 2, None):
        served(staffed, level)
    citizen, page = staffed.browser(), "/h/hall/ratings"
    assert "评价少于 2 份" in read(citizen, page)
    staffed.live.submit(CloseDay(), SYSTEM)
    staffed.time.pass_by(days=1)
    staffed.live.submit(OpenDay(DAY + timedelta(days=1), MORNING + timedelta(days=1, hours=8)), SYSTEM)
    text = read(citizen, page)
    assert "67%" in text
    assert "75%" in text
    assert "4 人次中 3 份评价" in text
