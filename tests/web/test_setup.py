"""The set-up of a hall: drafted in the browser, shown with what it does, applied now or at its hour."""

from __future__ import annotations

import pytest

from controller.hall.commands import CloseDay, Login
from controller.people import Role
from controller.store.people import Person
from tests.store.halls import MORNING
from tests.web.desk import Browser, Desk, coming, words

SETUP = "/setup/hall"


def keep(browser: Browser, section: str, key: str = "new", **form: str) -> str:
    """Fill in the form of a piece; what is read then."""
    answer = browser.post(f"{SETUP}/{section}/{key}", page=f"{SETUP}/{section}/{key}", **form)
    return "" if answer.status_code == 303 else words(answer)


def apply(browser: Browser, what: str = "apply", **form: str) -> str:
    answer = browser.post(f"{SETUP}/change/{what}", page=f"{SETUP}/hall", **form)
    return "" if answer.status_code == 303 else words(answer)


def codes(desk: Desk) -> list[str]:
    return [queue.code for queue in desk.live.hall.plan.queues]


def new_queue(browser: Browser, **changes: str) -> str:
    form = {"code": "C", "zh": "不动产", "en": "Property", "zone": "east", "domain": "main", "minutes": "9"}
    return keep(browser, "queues", **{**form, **changes})


def test_nothing_changes_before_the_draft_is_applied(desk: Desk) -> None:
    boss = desk.browser("boss")
    assert new_queue(boss) == ""
    assert codes(desk) == ["A", "B"]
    page = words(boss.get(f"{SETUP}/change"))
    assert "新增 队列 C 不动产" in page
    assert "没有窗口办理 C 不动产" in page
    assert apply(boss, note="新业务进驻") == ""
    assert codes(desk) == ["A", "B", "C"]
    assert "周* 新业务进驻" in words(boss.get(f"{SETUP}/"))


def test_a_window_gets_a_zone_a_mode_and_queues_with_levels(desk: Desk) -> None:
    boss = desk.browser("boss")
    form = {"number": "3", "zh": "三号", "zone": "east", "mode": "bulk", "level-A": "0", "level-B": "1"}
    assert keep(boss, "windows", **form, **{"overflow-B": "1", "modes-B": "green"}) == ""
    apply(boss)
    window = desk.live.hall.windows[3]
    assert [(one.queue, one.level, one.overflow, sorted(one.modes)) for one in window.serves] == [
        ("A", 0, False, []),
        ("B", 1, True, ["green"]),
    ]
    assert window.mode == "bulk"


def test_what_cannot_be_is_said_beside_what_was_typed(desk: Desk) -> None:
    boss = desk.browser("boss")
    assert "A 已经有了" in new_queue(boss, code="a")
    assert "平均办理时长（分钟）应在 0.1 到 1440 之间" in new_queue(boss, minutes="soon")
    assert "队列 C 所在的区域 moon 不存在" in new_queue(boss, zone="moon")
    answer = boss.post(f"{SETUP}/queues/new", page=f"{SETUP}/queues/new", code="C", zh="不动产")
    assert 'value="不动产"' in answer.get_data(as_text=True)


def test_what_is_in_use_stays_and_the_reason_is_read_first(desk: Desk) -> None:
    boss = desk.browser("boss")
    desk.take("B")
    boss.post(f"{SETUP}/queues/B/remove", page=f"{SETUP}/queues/B")
    assert "队列 B 还有未办结的票号，如 B001" in words(boss.get(f"{SETUP}/change"))
    assert "还有未办结的票号" in apply(boss)
    assert codes(desk) == ["A", "B"]


@pytest.mark.both_engines
def test_a_change_waits_for_its_hour_and_for_what_is_in_its_way(desk: Desk) -> None:
    boss, clerk = desk.browser("boss"), coming(desk)
    desk.take("B")
    boss.post(f"{SETUP}/queues/B/remove", page=f"{SETUP}/queues/B")
    assert apply(boss, "later", due="2026-03-02T10:00", note="合并") == ""
    clerk.step()
    assert "改动将于 2026-03-02 10:00 生效" in words(boss.get(f"{SETUP}/"))
    desk.time.pass_by(minutes=61)
    clerk.step()
    assert "已到时间但未能应用： 队列 B 还有未办结的票号" in words(boss.get(f"{SETUP}/"))
    desk.give(CloseDay())
    desk.time.pass_by(minutes=2)
    coming(desk).step()  # as after a restart
    assert codes(desk) == ["A"]
    assert "改动将于" not in words(boss.get(f"{SETUP}/"))


def test_what_others_change_meanwhile_is_kept(desk: Desk) -> None:
    boss = desk.browser("boss")
    new_queue(boss)
    apply(boss, "later", due="2026-03-02T10:00")
    keep(boss, "zones", "east", zh="一楼东", en="East")
    apply(boss)
    desk.time.pass_by(hours=1)
    coming(desk).step()
    assert codes(desk) == ["A", "B", "C"]
    assert desk.live.hall.plan.zones[0].name.zh == "一楼东"


def test_a_change_to_come_is_withdrawn_and_is_the_draft_again(desk: Desk) -> None:
    boss = desk.browser("boss")
    new_queue(boss)
    apply(boss, "later", due="2026-03-02T10:00")
    assert boss.post(f"{SETUP}/coming/1/withdraw", page=f"{SETUP}/").status_code == 303
    assert boss.post(f"{SETUP}/coming/1/withdraw", page=f"{SETUP}/hall").status_code == 409
    assert "草稿中有 1 处改动" in words(boss.get(f"{SETUP}/"))
    desk.time.pass_by(hours=2)
    coming(desk).step()
    assert codes(desk) == ["A", "B"]


def test_who_may_not_any_more_changes_nothing_later(desk: Desk) -> None:
    boss = desk.browser("boss")
    new_queue(boss)
    apply(boss, "later", due="2026-03-02T10:00")
    desk.site.people.set_active("boss", False, MORNING)
    desk.time.pass_by(hours=2)
    coming(desk).step()
    assert codes(desk) == ["A", "B"]
    desk.site.people.add(Person("root", "管理", "1", None, frozenset({Role.ADMIN}), True), MORNING)
    assert "决定这项改动的人已不在岗" in words(desk.browser("root").get(f"{SETUP}/"))


def test_hours_rules_and_skills_are_changed_too(desk: Desk) -> None:
    boss = desk.browser("boss")
    form = {"zh": "大厅", "en": "Hall", "hours": "9:00-12:00 13:30–17:00", "weekday": "0"}
    assert boss.post(f"{SETUP}/hall", page=f"{SETUP}/hall", **form).status_code == 303
    assert boss.post(f"{SETUP}/rules", page=f"{SETUP}/rules", near_turn="5").status_code == 303
    assert keep(boss, "clerks", "li", skills="tax，手语") == ""
    apply(boss)
    plan = desk.live.hall.plan
    assert [one.end.hour for one in plan.hours] == [12, 17]
    assert (plan.weekdays, plan.rules.near_turn) == ((0,), 5)
    assert desk.live.hall.clerks["li"].skills == {"tax", "手语"}
    answer = boss.post(f"{SETUP}/rules", page=f"{SETUP}/rules", near_turn="many")
    assert "near_turn = many" in words(answer)


def test_each_change_is_in_the_trail_with_who_made_it(desk: Desk) -> None:
    boss = desk.browser("boss")
    new_queue(boss)
    apply(boss, note="新业务")
    rows = [(row["actor"], row["what"], row["subject"]) for row in desk.site.people.trail(2)]
    assert rows == [("boss", "ChangePlan", "hall"), ("boss", "plan.draft", "hall/queues/new")]


def test_a_draft_that_undoes_itself_is_none(desk: Desk) -> None:
    boss = desk.browser("boss")
    boss.post(f"{SETUP}/queues/A/down", page=f"{SETUP}/queues")
    boss.post(f"{SETUP}/queues/A/up", page=f"{SETUP}/queues")
    assert "草稿中有" not in words(boss.get(f"{SETUP}/"))
    assert "没有可应用的改动" in apply(boss)


def test_a_clerk_at_work_stays_in_the_plan(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    boss = desk.browser("boss")
    boss.post(f"{SETUP}/clerks/li/remove", page=f"{SETUP}/clerks")
    assert "李正在 1 号窗口登录" in apply(boss)
