"""Guides from the first draft to the page citizens read: written, looked at, published, brought in."""

from __future__ import annotations

import csv
import json
from io import BytesIO, StringIO

import pytest
import xlsxwriter
from sqlalchemy import insert

from controller.guide import FIELDS
from controller.store.tables import item
from tests.web.desk import Browser, Desk, words

CODE = "510-1"
FULL = {
    "materials": "身份证原件\n申请表",
    "conditions": "年满 18 周岁",
    "procedure": "受理\n审查\n办结",
    "fee_standard": "不收费",
    "fee_basis": "川发改〔2020〕1 号",
    "authority": "区人社局",
    "basis": "社会保险法",
    "promised_days": "5",
    "legal_days": "20",
    "complaint_phone": "12345",
}


@pytest.fixture
def boss(desk: Desk) -> Browser:
    rows = [
        {"code": CODE, "name": "养老保险参保登记", "department": "人社局", "queue": "B"},
        {"code": "510-2", "name": "失业登记", "department": "人社局", "queue": None},
    ]
    with desk.site.store.writing() as c:
        c.execute(insert(item), rows)
    return desk.browser("boss")


def edit(boss: Browser, action: str = "save", code: str = CODE, **form: str) -> str:
    """Do something on the page of a guide; what is read there afterwards."""
    page = f"/catalogue/{code}/edit"
    answer = boss.post(f"/catalogue/{code}/{action}", page=page, **form)
    return words(answer if answer.status_code >= 400 else boss.get(page))


def publish(boss: Browser, **form: str) -> None:
    edit(boss, **{**FULL, **form}, submit="1")
    edit(boss, "publish")


def test_the_public_sees_a_guide_from_the_day_it_holds(boss: Browser, desk: Desk) -> None:
    edit(boss, **FULL, submit="1")
    public = desk.browser()
    assert "尚未发布" in words(public.get(f"/items/{CODE}"))
    edit(boss, "publish", from_day="2026-03-04")
    assert "尚未发布" in words(public.get(f"/items/{CODE}"))
    desk.time.pass_by(hours=48)
    page = words(public.get(f"/items/{CODE}"))
    for said in ("身份证原件", "承诺时限 5 个工作日", "法定时限 20 个工作日", "不收费", "12345", "第 1 版"):
        assert said in page


@pytest.mark.both_engines
def test_what_is_published_stays_while_the_next_version_is_written(boss: Browser, desk: Desk) -> None:
    publish(boss)
    shown = edit(boss, **{**FULL, "fee_standard": "10 元"})
    assert "第 2 版 草稿" in shown
    assert "不收费" in words(desk.browser().get(f"/items/{CODE}"))
    edit(boss, "submit")
    edit(boss, "publish")
    assert "10 元" in words(desk.browser().get(f"/items/{CODE}"))
    edit(boss, "withdraw")
    assert "尚未发布" in words(desk.browser().get(f"/items/{CODE}"))
    trail = [row["what"] for row in desk.site.people.trail(3)]
    assert trail == ["GuideWithdrawn", "GuidePublished", "GuideSubmitted"]


def test_what_lacks_a_field_is_not_published_and_says_which(boss: Browser, desk: Desk) -> None:
    shown = edit(boss, **{**FULL, "fee_basis": ""}, submit="1")
    assert "发布前还缺： 收费依据" in shown
    assert "要素不全，不能发布" in edit(boss, "publish")
    assert "尚未发布" in words(desk.browser().get(f"/items/{CODE}"))
    assert "收费依据" in boss.get("/catalogue/missing.csv").get_data(as_text=True)


def test_a_contradiction_is_said_and_nothing_typed_is_lost(boss: Browser) -> None:
    answer = boss.post(
        f"/catalogue/{CODE}/save", page=f"/catalogue/{CODE}/edit", promised_days="9", legal_days="5"
    )
    assert answer.status_code == 400
    assert "承诺时限不能长于法定时限" in words(answer)
    assert 'name="promised_days" value="9"' in answer.get_data(as_text=True)
    assert "还没有编写" in words(boss.get(f"/catalogue/{CODE}/edit"))


def test_two_writers_do_not_overwrite_each_other(boss: Browser, desk: Desk) -> None:
    other = desk.browser("boss")
    seen = ""  # both began with no version
    assert "草稿" in edit(boss, basis="一", seen=seen)
    assert "其他人刚刚修改过" in edit(other, basis="二", seen=seen)


def test_a_version_is_moved_only_as_its_state_allows(boss: Browser) -> None:
    assert "没有正在编写的版本" in edit(boss, "submit")
    edit(boss, basis="一")
    assert "还没有提交审核" in edit(boss, "publish")
    edit(boss, "submit")
    assert "草稿" in edit(boss, "back")
    assert "还没有编写" in edit(boss, "drop")


def test_several_are_published_at_once_and_those_that_cannot_be_are_named(boss: Browser) -> None:
    edit(boss, **FULL, submit="1")
    edit(boss, code="510-2", basis="一", submit="1")
    shown = words(boss.post("/catalogue/publish", page="/catalogue/", code=[CODE, "510-2"]))  # type: ignore[arg-type]
    assert "已发布 1 项" in shown
    assert "以下事项不能发布：失业登记" in shown


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_exported_comes_back_and_only_what_differs_becomes_a_draft(boss: Browser, form: str) -> None:
    publish(boss)
    body = boss.get(f"/catalogue/guides.{form}").get_data(as_text=True)
    assert "已导入 0 份草稿，2 项没有变化" in bring_in(boss, body)
    changed = body.replace("不收费", "20 元")
    assert "已导入 1 份草稿，1 项没有变化" in bring_in(boss, changed)
    assert "20 元" in boss.get(f"/catalogue/{CODE}/edit").get_data(as_text=True)


def test_a_workbook_comes_back_also_after_a_spreadsheet_made_numbers_of_codes(boss: Browser) -> None:
    publish(boss, basis="=1+1")
    body = boss.get("/catalogue/guides.xlsx").get_data()
    assert "已导入 0 份草稿，2 项没有变化" in bring_in(boss, body)
    out = BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["item_code", "basis", "legal_days"])
        sheet.write_row(1, 0, [CODE, "社会保险法", 20])
    assert "已导入 1 份草稿" in bring_in(boss, out.getvalue())
    assert 'value="20"' in boss.get(f"/catalogue/{CODE}/edit").get_data(as_text=True)


def test_a_round_trip_keeps_every_field(boss: Browser) -> None:
    publish(boss, basis="- 社会保险法")  # a spreadsheet would take it for a sum
    assert "已导入 0 份草稿" in bring_in(boss, boss.get("/catalogue/guides.csv").get_data(as_text=True))
    rows = list(csv.DictReader(StringIO(boss.get("/catalogue/guides.csv").get_data(as_text=True)[1:])))
    kept = next(row for row in rows if row["item_code"] == CODE)
    assert {name: kept[name] for name in FULL} == {**FULL, "basis": "'- 社会保险法"}
    assert set(FIELDS) <= set(kept)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("name\nx\n", "没有 item_code 栏"),
        ("item_code,basis\nnone,x\n", "第 2 行：目录里没有事项 none"),
        (f"item_code,basis,legal_days\n{CODE},好,x\n", "第 2 行：法定时限应是 0 至 730 的整数"),
        ("[1", "不是可读的 JSON"),
        (json.dumps([{"item_code": 3}]), "不是可读的 JSON"),
        ("PK\x03\x04", "无法读取这个工作簿"),
    ],
)
def test_a_wrong_file_changes_nothing_and_says_where(boss: Browser, body: str, said: str) -> None:
    assert said in bring_in(boss, body)
    assert "还没有编写" in words(boss.get(f"/catalogue/{CODE}/edit"))


def bring_in(boss: Browser, body: str | bytes) -> str:
    file = (BytesIO(body.encode() if isinstance(body, str) else body), "guides")
    return words(boss.post("/catalogue/bring-in", page="/catalogue/", file=file))  # type: ignore[arg-type]


def test_the_list_for_citizens_holds_what_is_done_here(boss: Browser, desk: Desk) -> None:
    public = desk.browser()
    assert "1 项事项" in words(public.get("/items/"))  # one has neither a queue nor a guide
    assert "养老保险参保登记" in words(public.get("/items/?q=保险"))
    assert "没有事项含有这些字" in words(public.get("/items/?q=护照"))
    assert public.get("/items/none").status_code == 404


def test_a_clerk_does_not_write_guides(desk: Desk) -> None:
    assert desk.browser("li").get("/catalogue/").status_code == 403
