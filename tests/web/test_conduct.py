"""The register of conduct on its pages: noted by the manager, read by the unit, objected to and answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.clock import real_now
from controller.people import Role
from controller.store.people import Person
from tests.store.halls import DAY
from tests.web.desk import Browser, Desk, words

PAGE, MINE, UNIT = "/m/hall/conduct", "/conduct/mine", "/unit/conduct"


@pytest.fixture
def boss(desk: Desk) -> Browser:
    """Li is sent by 甲局, whose administrator is unit; chief is the director."""
    people = desk.site.people
    people.change(replace(people.find("li"), home_unit="甲局"), real_now())
    unit = Person("unit", "单位", "600", None, frozenset({Role.DEPARTMENT_ADMIN}), True, home_unit="甲局")
    for one in (unit, Person("chief", "郑主任", "901", None, frozenset({Role.DIRECTOR}), True)):
        people.add(one, real_now())
    return desk.browser("boss")


def note(boss: Browser, who: str = "li", kind: str = "late", day: str = "") -> int:
    form = {"person": who, "kind": kind, "day": day or DAY.isoformat(), "words": "九点十分到岗"}
    return boss.post(PAGE, page=PAGE, **form).status_code


def test_what_is_noted_reaches_unit_and_person_and_is_answered_by_somebody_else(
    desk: Desk, boss: Browser
) -> None:
    assert note(boss) == 303
    unit, li, chief = desk.browser("unit"), desk.browser("li"), desk.browser("chief")
    assert "本单位人员有 1 条登记待阅" in words(unit.get("/"))
    assert "九点十分到岗" in words(unit.get(UNIT))
    unit.post(f"{UNIT}/1/note", page=UNIT)
    assert "条登记待阅" not in words(unit.get("/"))
    assert "1 条未阅" in words(li.get("/"))
    li.post(f"{MINE}/1/object", page=MINE, words="电梯故障")
    assert "1 条异议待答复" in words(boss.get(PAGE))
    one = f"{PAGE}/1"
    refused = boss.post(f"{one}/answer", page=one, right="0", words="维持")
    assert (refused.status_code, "登记人以外的人" in words(refused)) == (409, True)
    chief.post(f"{one}/answer", page=one, right="1", words="情况属实")
    assert "已撤销" in words(li.get(MINE))
    assert "情况属实" in words(unit.get(UNIT))
    kinds = {row["what"] for row in desk.site.people.trail() if row["what"].startswith("conduct.")}
    assert kinds == {f"conduct.{one}" for one in ("entered", "noted", "objected", "answered", "withdrawn")}


def test_where_the_hall_has_nobody_else_the_unit_answers_and_where_nobody_can_the_page_says_so(
    desk: Desk, boss: Browser
) -> None:
    note(boss)
    desk.browser("li").post(f"{MINE}/1/object", page=MINE, words="电梯故障")
    people = desk.site.people
    assert "可以答复异议的人： 郑主任 901" in words(boss.get(f"{PAGE}/1"))
    people.set_active("chief", False, real_now())
    assert "大厅没有其他可答复的人，由派出单位答复" in words(desk.browser("li").get(MINE))
    people.set_active("unit", False, real_now())
    assert "目前没有人可以答复这条异议" in words(boss.get(f"{PAGE}/1"))
    people.set_active("unit", True, real_now())
    unit = desk.browser("unit")
    assert "1 条登记待阅或待答复" in words(unit.get("/"))
    assert unit.post(f"{UNIT}/1/answer", page=UNIT, right="1", words="情况属实").status_code == 303
    assert "已撤销" in words(desk.browser("li").get(MINE))


def test_the_bulletin_counts_conduct_by_unit_and_kind_and_names_nobody(desk: Desk, boss: Browser) -> None:
    note(boss)
    note(boss, kind="away")
    lead = Person("lead", "组长", "601", "hall", frozenset({Role.WINDOW_LEAD}), True, home_unit="乙局")
    desk.site.people.add(lead, real_now())
    page = words(boss.get("/m/hall/day"))
    assert "甲局 2 1 4 0" in page
    assert "迟到、早退 1 1 1 0" in page
    assert "李" not in page[page.index("日常行为（按派出单位）") :]
    assert "甲局" not in words(desk.browser("lead").get("/m/hall/day"))


def test_nobody_reads_of_others_what_is_not_theirs(desk: Desk, boss: Browser) -> None:
    note(boss)
    other = replace(desk.site.people.find("unit"), id="b", staff_number="601", home_unit="乙局")
    desk.site.people.add(other, real_now())
    for who, page in (("wang", MINE), ("b", UNIT)):
        browser = desk.browser(who)
        assert "九点十分" not in words(browser.get(page))
        address = f"{MINE}/1/object" if page == MINE else f"{UNIT}/1/note"
        assert browser.post(address, page="/me", words="不对").status_code == 404
    assert note(boss, day="2026-04-01") == 409
    assert note(boss, who="boss") == 409


def test_entries_go_after_three_years_and_a_proof_stays(desk: Desk, boss: Browser) -> None:
    note(boss)
    assert "九点十分" in words(desk.browser("li").get(MINE))
    desk.time.pass_by(days=1200)
    desk.site.keeping.step()
    assert "九点十分" not in words(boss.get(f"{PAGE}?month={DAY:%Y-%m}"))
    proofs = desk.site.people.trail(9, "data.retention")
    assert ("conduct", 1) in {(row["details"]["kind"], row["details"]["rows"]) for row in proofs}


@pytest.mark.both_engines
def test_a_month_is_summed_and_taken_as_a_file_with_masked_names(desk: Desk, boss: Browser) -> None:
    note(boss)
    note(boss, kind="away")
    page = words(boss.get(PAGE))
    assert "甲局 2 -4" in page
    csv = boss.get(f"{PAGE}.csv?month={DAY:%Y-%m}").get_data(as_text=True)
    assert "李强" not in csv
    assert csv.count("李*") == 2
    assert boss.get(f"{PAGE}.xlsx").status_code == 200
    [row] = desk.site.people.trail(1, "conduct.export")
    assert row["details"]["rows"] == 2


def test_kinds_are_the_centres_until_a_hall_has_its_own(desk: Desk, boss: Browser) -> None:
    centre, own = "/conduct/kinds", f"{PAGE}/kinds"
    note(boss)
    form = {"code": "late", "zh-late": "晚到", "points-late": "-2", "used-late": "on"}
    assert boss.post(centre, page=centre, **form).status_code == 303
    offered = words(boss.get(PAGE))
    assert "晚到 -2" in offered
    assert "玩手机" not in offered
    assert "迟到、早退 -1" in offered  # of the entry, as it was called then
    assert "目前使用中心统一的种类" in words(boss.get(own))
    form = {"code": "noise", "zh-noise": "大声喧哗", "points-noise": "-1"}
    assert boss.post(own, page=own, **form).status_code == 303
    assert "晚到" in boss.get(centre).get_data(as_text=True)
    assert "大声喧哗" not in boss.get(centre).get_data(as_text=True)
    assert "大声喧哗 -1" in words(boss.get(PAGE))
    assert "晚到 -2" not in words(boss.get(PAGE))
    changed = {row["subject"]: row["details"]["names"] for row in desk.site.people.trail(9, "conduct.kind")}
    assert changed["hall/noise"] == [None, "大声喧哗"]


def test_a_hall_goes_back_to_the_centres_kinds_and_entries_keep_theirs(desk: Desk, boss: Browser) -> None:
    own, back = f"{PAGE}/kinds", f"{PAGE}/kinds/centre"
    assert "改回中心" not in words(boss.get(own))
    boss.post(own, page=own, **{"code": "noise", "zh-noise": "大声喧哗", "points-noise": "-1"})
    note(boss, kind="noise")
    asked = words(boss.post(back, page=own))
    assert "不再可选 大声喧哗 -1 改为可选 迟到、早退 -1" in asked
    assert "已有登记不变" in asked
    assert "这是本大厅自己的种类" in words(boss.get(own))
    assert boss.post(back, page=own, sure="yes").status_code == 303
    assert "目前使用中心统一的种类" in words(boss.get(own))
    assert "大声喧哗 -1" in words(boss.get(PAGE))  # of the entry; it is not offered
    [row] = desk.site.people.trail(1, "conduct.kinds_centre")
    assert (row["subject"], "大声喧哗" in row["details"]["names"]) == ("hall", True)
