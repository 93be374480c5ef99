"""The hall's day on one page, and the leaders' page: what is missing, what is open, what is usual."""

from __future__ import annotations

from datetime import timedelta

from controller.clock import real_now
from controller.hall.commands import (
    CallNext,
    ChangePlan,
    CloseDay,
    Finish,
    Login,
    Logout,
    OpenDay,
    PlanShifts,
    Rate,
    Start,
)
from controller.hall.model import Queue, Shift, Text
from controller.hall.values import replace
from controller.people import Role
from controller.store.devices import Fault, raise_fault
from controller.store.people import Person
from tests.store.halls import DAY, MORNING, PLAN
from tests.web.desk import Browser, Desk, words

PAGE = "/m/hall/cycle"


def serve(desk: Desk, people: int = 1) -> None:
    desk.give(Login(1, "li"))
    for _ in range(people):
        ticket = desk.take("A")
        desk.time.pass_by(minutes=4)
        desk.give(CallNext(1), Start(1), Finish(1), Rate(ticket.id, 5))
    desk.give(Logout(1))


def test_before_opening_the_page_says_what_is_missing(desk: Desk, boss: Browser) -> None:
    nowhere = Queue("C", Text("公积金", "Housing fund"), "main", "C", "east", timedelta(minutes=5))
    desk.give(ChangePlan(replace(PLAN, queues=(*PLAN.queues, nowhere), rev=1)), CloseDay())
    page = words(boss.get(PAGE))
    assert "有 2 项待处理。" in page
    assert "缺 还没有窗口登录。" in page
    assert "注意 没有窗口办理的业务：公积金。" in page
    assert "提示 今日没有排班" in page
    assert "开始今日服务" in page


def test_a_window_nobody_came_to_is_named_a_quarter_of_an_hour_before(desk: Desk, boss: Browser) -> None:
    ten = MORNING + timedelta(hours=1)
    desk.give(PlanShifts(2, (Shift(ten, ten + timedelta(hours=2)),)))
    assert "应在岗的窗口都有人" in words(boss.get(PAGE))
    desk.time.pass_by(minutes=45)
    assert "应在岗而无人的窗口：2。" in words(boss.get(PAGE))
    desk.give(Login(2, "wang"))
    assert "已有 1 个窗口登录：2。" in words(boss.get(PAGE))


def test_short_paper_and_other_faults_stand_in_the_check(desk: Desk, boss: Browser) -> None:
    with desk.site.store.writing() as c:
        raise_fault("hall", Fault("n", "printer", "printer.near_end", "maintenance", "", desk.time.now))(c)
    assert "Note" in words(boss.get(f"{PAGE}?lang=en"))
    assert "paper is nearly out" in words(boss.get(f"{PAGE}?lang=en"))


def test_the_course_of_the_day_names_who_and_the_last_ticket(desk: Desk, boss: Browser) -> None:
    serve(desk, 2)
    page = words(boss.get(PAGE))
    assert "09:00 开始服务（系统）。" in page
    assert "目前最后一张票 A002，09:04 取号。" in page
    boss.post("/m/hall/close", page="/m/hall/close")
    assert "09:08 结束服务（周*）。" in words(boss.get(PAGE))


def test_what_is_still_open_is_listed_with_those_at_windows_first(desk: Desk, boss: Browser) -> None:
    desk.give(Login(1, "li"))
    for _ in range(2):
        desk.take("B")
    desk.give(CallNext(1), Start(1))
    page = words(boss.get(PAGE))
    assert "有人在岗的窗口： 1" in page
    assert page.index("B001 社保 办理中") < page.index("B002 社保 等候")
    desk.give(CloseDay())
    desk.time.pass_by(days=1)
    assert "前一天遗留的票：B001" in words(boss.get(PAGE))


def test_the_numbers_of_the_day_before_wait_to_be_accepted(desk: Desk, boss: Browser) -> None:
    serve(desk)
    desk.give(CloseDay())
    desk.time.pass_by(days=1)
    assert f"{DAY} 的号码还没有核对。" in words(boss.get(PAGE))
    boss.post("/m/hall/reconciliation", page=f"/m/hall/reconciliation?day={DAY}", day=str(DAY))
    assert f"{DAY} 的号码已核对。" in words(boss.get(PAGE))


# --- leaders, and what is usual


def test_leaders_see_the_day_beside_what_is_usual_by_now(desk: Desk, boss: Browser) -> None:
    serve(desk, 3)
    desk.give(CloseDay())
    desk.time.now = MORNING + timedelta(weeks=1)
    desk.give(OpenDay(DAY + timedelta(weeks=1), desk.time.now + timedelta(hours=8)))
    desk.time.pass_by(minutes=30)
    serve(desk)
    page = words(boss.get("/leader"))
    assert "今日取号 1 平常此时 3" in page
    assert "满意率 100% 1 条评价" in page
    assert "运行平稳" in page
    assert "上周同期 3" in page
    assert "今日取号 1 平常此时 3" in words(boss.get("/m/hall/"))


def test_leaders_see_in_a_word_how_bad_it_is(desk: Desk, boss: Browser) -> None:
    desk.take("A")
    desk.time.pass_by(minutes=31)
    page = words(boss.get("/leader?lang=en"))
    assert "Urgent" in page
    assert "Waiting too long 1" in page
    desk.give(CloseDay())
    assert "Closed" in words(boss.get("/leader?lang=en"))


def test_leaders_see_their_own_halls_alone(desk: Desk) -> None:
    leader = Person("lead", "陈立", "901", "elsewhere", frozenset({Role.LEADER_VIEW}), True)
    desk.site.people.add(leader, real_now())
    assert "政务服务大厅" not in words(desk.browser("lead").get("/leader")).partition("大厅一览")[2]
    assert desk.browser("li").get("/leader").status_code == 403


def test_a_script_gets_the_halls_alone(boss: Browser) -> None:
    text = boss.get("/leader", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in text
    assert "glance" in text
