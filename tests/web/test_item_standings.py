"""What matters are to the centre: ended from a day on, on lists, in the hall or not, cleaned up."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import insert

from controller.hall.commands import CloseDay, OpenDay
from controller.store import items
from controller.store.tables import item
from tests.store.halls import DAY, MORNING
from tests.waiting import until
from tests.web.desk import Browser, Desk, words

LIVE, NEXT = "510-1", "510-2"


@pytest.fixture
def boss(desk: Desk) -> Browser:
    rows = [
        {"code": LIVE, "name": "养老保险登记", "department": "人社局", "queue": "B"},
        {"code": NEXT, "name": "失业登记", "department": "人社局", "queue": "B"},
        {"code": "620-1", "name": "护照换发", "department": "公安局", "queue": None},
    ]
    with desk.site.store.writing() as c:
        c.execute(insert(item), rows)
    return desk.browser("boss")


def put(boss: Browser, code: str = LIVE, **form: str | list[str]) -> str:
    """State something of a matter; what its page says afterwards."""
    page = f"/catalogue/{code}/standing"
    named = {"name": "养老保险登记", "department": "人社局", "change": "adjust"}
    answer = boss.post(page, page=page, **{**named, **form})  # type: ignore[arg-type]
    return words(answer if answer.status_code >= 400 else boss.get(page))


def take(desk: Desk, code: str) -> int:
    """A kiosk asks for a ticket; the status of the answer."""
    headers = {"Idempotency-Key": f"tap-of-one-{code}-{desk.live.seq}"}
    kiosk = desk.browser().client
    return kiosk.post("/h/hall/api/tickets", json={"queue": "B", "item": code}, headers=headers).status_code


def next_day(desk: Desk) -> None:
    desk.give(CloseDay())
    desk.time.pass_by(hours=24)
    desk.give(OpenDay(DAY + timedelta(days=1), MORNING + timedelta(hours=32)))


def test_a_cancelled_matter_is_taken_until_its_day_and_not_from_then_on(boss: Browser, desk: Desk) -> None:
    tomorrow = DAY + timedelta(days=1)
    put(boss, change="merge", decision="县政发〔2026〕3 号", successors=NEXT, from_day=str(tomorrow))
    public = desk.browser()
    assert take(desk, LIVE) == 201
    assert f"自 {tomorrow} 起不再受理（合并）" in words(public.get(f"/items/{LIVE}"))
    next_day(desk)
    page = words(public.get(f"/items/{LIVE}"))
    assert f"自 {tomorrow} 起已不再受理（合并）。 依据：县政发〔2026〕3 号" in page
    assert "失业登记" in page
    assert take(desk, LIVE) == 409
    assert take(desk, NEXT) == 201
    assert "该事项已终止" in put(boss, lists="power")  # it is begun again by a decision only
    for address in ("/h/hall/api/matters", "/api/v1/halls/hall/matters", "/items/"):
        listed = public.get(address).get_data(as_text=True)
        assert NEXT in listed, address
        assert LIVE not in listed, address
    assert desk.site.matters.name_of(LIVE) is not None  # tickets of yesterday still say what they were for


def test_a_matter_is_renamed_when_its_day_opens(boss: Browser, desk: Desk) -> None:
    put(boss, name="城乡养老登记", change="rename", decision="三定方案", from_day="2026-03-03")
    assert items.names(desk.site.store)[LIVE] == "养老保险登记"
    desk.live.subscribe(desk.site._begin_guides)
    next_day(desk)
    until(lambda: items.names(desk.site.store)[LIVE] == "城乡养老登记")


def test_what_contradicts_itself_is_not_kept(boss: Browser) -> None:
    for form, said in (
        ({"change": "cancel"}, "请填写依据文件"),
        ({"residency": "excepted", "reason": "涉密"}, "请填写批准文件"),
        ({"lists": "once_done", "visits": "2"}, "跑动次数只能是 1"),
    ):
        shown = put(boss, **form)
        assert said in shown
        assert "尚未登记" in shown


@pytest.mark.both_engines
def test_lists_are_published_by_version_and_stay_so(boss: Browser, desk: Desk) -> None:
    public = desk.browser()
    assert "清单尚未发布" in words(public.get("/items/lists"))
    put(boss, category="power", lists=["power", "once_done"])
    put(boss, NEXT, name="失业登记", category="service", lists=["once_done"])
    boss.post("/catalogue/lists/publish", page="/catalogue/lists", hall="hall")
    page = words(public.get("/items/lists"))
    assert "第 1 版 · 2026-03-02" in page
    assert "最多跑一次清单 2 = 行政权力 1 + 公共服务 1" in page
    assert "事项清单第 1 版" in public.get("/h/hall/api/board/z-east").get_data(as_text=True)
    put(boss, change="cancel", decision="县政发〔2026〕3 号")
    assert "养老保险登记" in words(public.get("/items/lists/once_done"))
    assert "发布之后事项有变化" in words(boss.get("/catalogue/lists"))
    file = boss.get("/catalogue/lists/once_done.csv?of=today").get_data(as_text=True)
    assert NEXT in file
    assert LIVE not in file
    boss.post("/catalogue/lists/published", page="/catalogue/lists", channel="tv", note="县电视台")
    log = words(boss.get("/catalogue/lists"))
    for channel in ("网站", "打印件", "大厅屏幕", "电视"):
        assert f"{channel} · 事项清单 · 第 1 版" in log


HEAD = "item_code,name,department,category,lists,residency,reason,plan\n"


def bring_in(boss: Browser, body: str | bytes, **form: str) -> str:
    """A file as a clean-up; what the page says then."""
    file = (BytesIO(body.encode() if isinstance(body, str) else body), "matters")
    named = {"title": "2026 年清理", "decision": "县政发〔2026〕5 号"}
    answer = boss.post("/catalogue/clean-ups", page="/catalogue/clean-ups", file=file, **{**named, **form})  # type: ignore[arg-type]
    return words(answer if answer.status_code >= 400 else boss.get(answer.location))


def test_a_clean_up_shows_what_differs_by_department_before_it_is_kept(boss: Browser, desk: Desk) -> None:
    body = (
        f"{HEAD}{LIVE},养老保险登记,人社局,行政权力,权力清单;permit,,,\n".replace("权力清单", "行政权力清单")
        + "510-9,工伤认定,人社局,公共服务,,尚未进驻,场地不足,2027 年\n"
        + "620-1,护照换发,公安局,,,,,\n"
    )
    shown = bring_in(boss, body, is_whole="1")
    assert "文件中的事项 3 涉及 2 个部门 新增 1 调整 1 取消 1" in shown
    assert "人社局 1 1 1" in shown
    assert "类别: – → 行政权力；所属清单: – → 行政许可清单、行政权力清单" in shown
    assert "失业登记 取消 取消；县政发〔2026〕5 号 510-2" in shown
    boss.post("/catalogue/clean-ups/1/agree", page="/catalogue/clean-ups/1", department="人社局")
    assert take(desk, NEXT) == 201  # nothing holds yet
    assert boss.get("/catalogue/clean-ups/1.xlsx").data.startswith(b"PK")
    boss.post("/catalogue/clean-ups/1/keep", page="/catalogue/clean-ups/1")
    assert take(desk, NEXT) == 409
    kept = words(boss.get("/catalogue/clean-ups/1"))
    assert "已生效" in kept
    assert "人社局 1 1 1" in kept  # as it was then, though nothing differs any more
    report = words(boss.get("/catalogue/residency"))
    assert "3 = 已进驻 1 + 经批准不进驻 0 + 应进未进 2" in report
    assert "33.3%" in report
    assert "工伤认定 人社局 场地不足 2027 年" in report


def test_what_is_exported_changes_nothing_when_it_comes_back(boss: Browser) -> None:
    put(boss, category="power", lists=["power", "once_done"], residency="not_yet", reason="涉密", plan="年内")
    body = boss.get("/catalogue/clean-ups/matters.xlsx").data
    assert "文件与现有事项一致" in bring_in(boss, body, is_whole="1")


def test_a_wrong_file_brings_nothing_and_names_the_line(boss: Browser) -> None:
    for body, said in (
        (f"{HEAD}{LIVE},养老保险登记,人社局,,乱写,,,\n", "第 2 行：看不懂所属清单里的词"),
        (f"{HEAD}999-1,,人社局,,,,,\n", "第 2 行：请填写事项名称"),
        (f"item_code\n{LIVE}\n{LIVE}\n", f"第 3 行：事项 {LIVE} 出现了两次"),
    ):
        assert said in bring_in(boss, body)
        assert "还没有导入过清理批次" in words(boss.get("/catalogue/clean-ups"))
