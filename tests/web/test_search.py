"""Search over what one may see, and help under its own key."""

from __future__ import annotations

from controller.people import Role
from controller.store.items import Item, put_items
from controller.store.people import Person
from tests.store.halls import MORNING
from tests.web.desk import Desk, words


def found(desk: Desk, who: str, wanted: str) -> str:
    return words(desk.browser(who).get("/search", query_string={"q": wanted})).partition(" 页面 ")[0]


def test_a_manager_finds_tickets_windows_and_queues_with_the_way_to_them(desk: Desk) -> None:
    desk.take("B")
    page = desk.browser("boss").get("/search?q=b001").get_data(as_text=True)
    assert 'href="/m/hall/tickets/1"' in page
    assert "B001 社保 · 等候" in found(desk, "boss", "b001")
    assert "2 号窗口" in found(desk, "boss", "2")
    assert "队列 A 企业" in found(desk, "boss", "business")


def test_nobody_finds_what_is_not_theirs_to_see(desk: Desk) -> None:
    desk.take("B")
    root = Person("root", "欧阳管理", "1", None, frozenset({Role.ADMIN}), True)
    desk.site.people.add(root, MORNING)
    assert "没有“b001”" in found(desk, "li", "b001")
    assert "没有“欧阳”" in found(desk, "boss", "欧阳")
    assert "没有“B001”" in found(desk, "far", "B001")
    assert "欧* 1 系统管理员" in found(desk, "root", "欧阳")


def test_matters_are_found_with_their_queue(desk: Desk) -> None:
    with desk.site.store.writing() as c:
        put_items(c, [Item("x-1", "医保登记", "医保局", "B")])
    assert "医保登记 队列 B 社保" in found(desk, "li", "登记")


def test_pages_are_found_in_both_languages_by_name_and_by_what_they_are_for(desk: Desk) -> None:
    boss = desk.browser("boss")
    assert "排班表" in words(boss.get("/search?q=roster"))
    assert 'href="/m/hall/roster"' in boss.get("/search?q=15 分钟一格").get_data(as_text=True)
    assert 'href="/audit"' not in boss.get("/search?q=audit").get_data(as_text=True)


def test_each_page_for_staff_has_its_help_and_an_answer_to_a_form_too(desk: Desk) -> None:
    boss = desk.browser("boss")
    assert "需要您处理的事" in words(boss.get("/m/hall/"))
    assert "Changes go into a draft" in words(boss.get("/setup/hall/rules?lang=en"))
    answer = boss.post("/setup/hall/queues/new", page="/setup/hall/queues/new", code="?")
    assert "Changes go into a draft" in words(answer)
    assert "data-help" not in desk.browser().get("/").get_data(as_text=True)
