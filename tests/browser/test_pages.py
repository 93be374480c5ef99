"""The kiosk, the hall display and the window screen in a real browser, against a real server."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from controller.hall.commands import CallNext, ChangePlan, CloseDay, Finish, Login, Pause, Recall, Start
from controller.hall.model import PauseReason, Plan, Queue, Serves, Text
from tests.browser.conftest import LANDSCAPE, PHONE, PORTRAIT, Served
from tests.store.halls import PLAN
from tests.waiting import until

pytestmark = pytest.mark.browser

KIOSK = "/h/hall/pages/kiosk.html?board=k-main"
ZONE = "/h/hall/pages/hall.html?board=z-east"
WINDOW = "/h/hall/pages/window.html?board=w1"
TICKETS = "**/api/tickets"
LEAST_TARGET_PX = 80  # ux: kiosk targets
LEAST_GAP_PX = 16
LONGEST = Text(
    "农村土地承包经营权流转备案与农村集体建设用地使用权变更登记综合受理(含历史遗留问题)",
    "Filing of rural land contract management rights transfers and change registration of collective land",
)


def choose(page: Page, queue: str = "A") -> None:
    page.locator(f'[data-queue="{queue}"]').click()


def tap(page: Page) -> None:
    page.locator("[data-take]").click()


def held_tap(page: Page) -> Route:
    """Tap and hold the request back, so that things may happen meanwhile."""
    held: list[Route] = []
    page.route(TICKETS, lambda route: held.append(route))
    tap(page)
    until(lambda: page.title() and held, what="the request for a ticket")
    return held[0]


def numbers(served: Served) -> list[str]:
    return [ticket.number for ticket in served.desk.live.hall.tickets.values()]


def many_queues(count: int) -> Plan:
    """The small hall's plan with `count` queues, the last of the longest name."""
    minutes = PLAN.queues[0].mean_service
    names = [Text(f"业务{n}", f"Matter {n}") for n in range(1, count)] + [LONGEST]
    queues = tuple(Queue(f"Q{n}", name, "main", f"Q{n}-", "east", minutes) for n, name in enumerate(names))
    serves = tuple(Serves(queue.code) for queue in queues)
    windows = [type(w)(w.number, w.name, w.zone, serves) for w in PLAN.windows]
    return Plan(
        domains=PLAN.domains, zones=PLAN.zones, queues=queues, windows=tuple(windows), clerks=PLAN.clerks
    )


# --- the kiosk ------------------------------------------------------------------------------------------


def test_a_citizen_takes_a_ticket_in_two_touches(served: Served) -> None:
    served.desk.give(Login(1, "li"))
    page = served.screen(KIOSK)
    choose(page)
    expect(page.locator("#title")).to_have_text("企业")
    tap(page)
    expect(page.locator(".taken .number")).to_have_text("A001")
    expect(page.locator(".taken")).to_contain_text("请到东区等候")
    expect(page.locator(".qr img")).to_be_visible()
    size = page.locator(".taken .number").evaluate("node => parseFloat(getComputedStyle(node).fontSize)")
    assert size >= 200
    assert numbers(served) == ["A001"]


def test_the_cards_follow_the_hall(served: Served) -> None:
    page = served.screen(KIOSK)
    expect(page.locator('[data-queue="A"]')).to_contain_text("暂无窗口办理")
    served.desk.give(Login(1, "li"))
    served.desk.take()
    expect(page.locator('[data-queue="A"]')).to_contain_text("等 1 人")
    expect(page.locator('[data-queue="A"]')).to_contain_text("分钟以内（粗略估计）")


def test_a_doubled_tap_gives_one_ticket(served: Served) -> None:
    page = served.screen(KIOSK)
    choose(page)
    page.locator("[data-take]").dblclick()
    expect(page.locator(".taken .number")).to_have_text("A001")
    assert numbers(served) == ["A001"]


def test_the_button_is_dead_while_the_ticket_is_on_its_way(served: Served) -> None:
    page = served.screen(KIOSK)
    choose(page)
    request = held_tap(page)
    expect(page.locator("[data-take]")).to_be_disabled()
    expect(page.locator("[data-take]")).to_contain_text("正在取号")
    request.continue_()
    expect(page.locator(".taken .number")).to_have_text("A001")


def test_a_lost_answer_is_asked_for_again_and_gives_the_same_ticket(served: Served) -> None:
    page = served.screen(KIOSK)
    lost: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.request.headers["idempotency-key"])
        route.fetch()
        route.abort()

    page.route(TICKETS, lose_the_first_answer)
    choose(page)
    tap(page)
    expect(page.locator(".taken .number")).to_have_text("A001")
    assert numbers(served) == ["A001"]


def test_a_broken_line_is_told_and_the_tap_is_not_lost(served: Served) -> None:
    page = served.screen(KIOSK)
    page.route(TICKETS, lambda route: route.abort())
    choose(page)
    tap(page)
    expect(page.locator(".notice")).to_contain_text("正在重试")
    page.unroute(TICKETS)
    expect(page.locator(".taken .number")).to_have_text("A001")


def test_a_reload_in_the_middle_of_a_tap_finishes_it(served: Served) -> None:
    page = served.screen(KIOSK)
    keys: list[str] = []
    page.on("request", lambda request: keys.append(request.headers.get("idempotency-key", "")))
    page.route(TICKETS, lambda route: route.abort())
    choose(page)
    tap(page)
    expect(page.locator(".notice")).to_be_visible()
    page.unroute(TICKETS)
    page.reload()
    expect(page.locator(".taken .number")).to_have_text("A001")
    assert len({key for key in keys if key}) == 1


def test_the_next_citizen_gets_the_next_ticket(served: Served) -> None:
    page = served.screen(KIOSK)
    for number in ("A001", "A002"):
        choose(page)
        tap(page)
        expect(page.locator(".taken .number")).to_have_text(number)
        page.locator(".taken .plain").click()
    assert numbers(served) == ["A001", "A002"]


def test_a_refused_ticket_says_why_and_what_to_do(served: Served) -> None:
    page = served.screen(KIOSK)
    choose(page)
    request = held_tap(page)
    expect(page.locator("[data-take]")).to_be_disabled()
    served.desk.give(CloseDay())
    request.continue_()
    expect(page.locator("#title")).to_have_text("这次没有取到号")
    expect(page.locator(".calm p")).to_have_count(2)
    assert numbers(served) == []


def test_a_closed_queue_cannot_be_taken_and_says_why(served: Served) -> None:
    served.desk.give(CloseDay())
    page = served.screen(KIOSK)
    expect(page.locator('[data-queue="A"]')).to_contain_text("现在不在取号时间")
    choose(page)
    expect(page.locator("[data-take]")).to_be_disabled()


def test_a_shut_hall_asks_nobody_what_to_do(served: Served) -> None:
    served.desk.give(CloseDay())
    expect(served.screen(KIOSK).locator("#title")).to_have_text("现在不能取号")
    display = served.screen(ZONE, LANDSCAPE)
    expect(display.locator("#calm-zh")).to_have_text("现在不在取号时间")
    expect(display.locator(".queue .shut").first).to_contain_text("现在不在取号时间")


def test_the_kiosk_speaks_english_and_forgets_it_for_the_next_citizen(served: Served) -> None:
    page = served.context().new_page()
    page.clock.install()
    page.goto(f"{served.url}{KIOSK}")
    page.locator('[data-tool="language"]').click()
    expect(page.locator("#title")).to_have_text("What would you like to do?")
    expect(page.locator('[data-queue="B"] .card-name')).to_have_text("Insurance")
    page.clock.run_for(62_000)
    expect(page.locator("#title")).to_have_text("请点您要办的事")


def test_the_number_stays_a_while_then_the_kiosk_is_ready_again(served: Served) -> None:
    page = served.context().new_page()
    page.clock.install()
    page.goto(f"{served.url}{KIOSK}")
    choose(page)
    tap(page)
    expect(page.locator(".taken .number")).to_have_text("A001")
    page.clock.run_for(20_000)
    expect(page.locator(".taken .number")).to_be_visible()
    page.clock.run_for(8_000)
    expect(page.locator("#title")).to_have_text("请点您要办的事")


def test_matters_are_found_by_initials_and_by_words(served: Served) -> None:
    page = served.screen(KIOSK)
    page.locator(".search-open").click()
    for letter in "SB":
        page.locator(f'[data-key="{letter}"]').click()
    expect(page.locator(".found-name")).to_have_text(["社保"])
    page.locator(".search-box").fill("busi")
    expect(page.locator(".found-name")).to_have_text(["企业"])
    page.locator(".found").click()
    expect(page.locator("#title")).to_have_text("企业")


def test_the_kiosk_is_used_by_keyboard_alone(served: Served) -> None:
    page = served.screen(KIOSK)
    expect(page.locator(".card")).to_have_count(2)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator('[data-queue="A"]')).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("[data-take]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".taken .number")).to_have_text("A001")


def boxes(page: Page) -> list[dict[str, float]]:
    """Where everything is that can be touched."""
    found: list[dict[str, float]] = page.locator("button, input, a").evaluate_all(
        "all => all.filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().toJSON())"
    )
    return found


def gap(a: dict[str, float], b: dict[str, float]) -> float:
    """Pixels between two boxes, on the axis on which they are farther apart."""
    across = max(a["x"], b["x"]) - min(a["x"] + a["width"], b["x"] + b["width"])
    along = max(a["y"], b["y"]) - min(a["y"] + a["height"], b["y"] + b["height"])
    return max(across, along)


@pytest.mark.parametrize(
    ("size", "lang", "tools"),
    [
        (PORTRAIT, "zh", []),
        (PORTRAIT, "en", ["large"]),
        (PORTRAIT, "en", ["low"]),
        (PORTRAIT, "en", ["large", "low"]),
        (LANDSCAPE, "en", []),
        (LANDSCAPE, "en", ["large"]),
    ],
)
def test_targets_are_large_apart_and_within_reach(
    served: Served, size: tuple[int, int], lang: str, tools: list[str]
) -> None:
    served.desk.give(ChangePlan(many_queues(23)))
    page = served.screen(f"{KIOSK}&lang={lang}", size)
    expect(page.locator(".card").first).to_be_visible()
    for tool in tools:
        page.locator(f'[data-tool="{tool}"]').click()
    reach = size[1] * (0.42 if "low" in tools else 1 / 3)
    ways = ("", ".search-open", "[data-tool=checkin]", ".plain", ".card:first-child", "[data-take]")
    for opens in ways:
        if opens:
            page.locator(opens).first.click()
        if opens == "[data-take]":
            expect(page.locator(".number")).to_be_visible()
        found = boxes(page)
        assert all(min(box["width"], box["height"]) >= LEAST_TARGET_PX for box in found), (opens, found)
        assert all(box["y"] >= reach for box in found), (opens, found)
        assert all(box["y"] + box["height"] <= size[1] + 1 for box in found), (opens, found)
        near = [gap(a, b) for n, a in enumerate(found) for b in found[n + 1 :]]
        assert min(near) >= LEAST_GAP_PX - 0.5, (opens, min(near))
    number, head = page.locator(".number").bounding_box(), page.locator(".hero").bounding_box()
    assert number is not None
    assert head is not None
    assert number["y"] >= head["y"] + head["height"]


@pytest.mark.parametrize(
    ("size", "address"),
    [
        (PORTRAIT, KIOSK),
        (LANDSCAPE, KIOSK),
        (PHONE, KIOSK),
        (LANDSCAPE, ZONE),
        (PORTRAIT, ZONE),
        (LANDSCAPE, WINDOW),
        (PHONE, "/h/hall"),
    ],
)
@pytest.mark.parametrize("count", [1, 30])
def test_nothing_runs_over_its_edge(served: Served, size: tuple[int, int], address: str, count: int) -> None:
    served.desk.give(ChangePlan(many_queues(count)), Login(1, "li"))
    page = served.screen(address, size)
    until(lambda: page.locator(".card, .queue, #plate, .lines li").count() > 0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for card in page.locator(".card:visible, .queue:visible").all():
        over = card.evaluate("node => node.scrollHeight - node.clientHeight")
        assert over <= 1, card.inner_text()


@pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE])
@pytest.mark.parametrize("type_size", ["usual", "large"])
def test_a_rough_wait_leaves_room_for_the_counts(
    served: Served, size: tuple[int, int], type_size: str
) -> None:
    served.desk.give(Login(1, "li"))
    for _ in range(6):
        served.desk.take()
    page = served.screen(f"{KIOSK}&lang=en", size)
    expect(page.locator('[data-queue="A"]')).to_contain_text("(rough estimate)")
    if type_size == "large":
        page.locator("[data-tool=large]").click()
    card = page.locator('[data-queue="A"]')
    assert card.evaluate("node => node.scrollHeight - node.clientHeight") <= 1


def test_a_phone_takes_a_ticket_and_follows_it(served: Served) -> None:
    page = served.screen(KIOSK, PHONE)
    choose(page)
    tap(page)
    page.locator(".proof a.primary").wait_for()
    token = next(iter(served.desk.live.hall.tickets.values())).token
    assert page.locator(".proof a.primary").get_attribute("href").endswith(f"/t/{token}")  # type: ignore[union-attr]


# --- screens --------------------------------------------------------------------------------------------


def call(served: Served, window: int = 1) -> None:
    served.desk.give(CallNext(window))


def test_a_call_stands_on_top_and_older_ones_shrink(served: Served) -> None:
    served.desk.give(Login(1, "li"), Login(2, "wang"))
    for _ in range(2):
        served.desk.take()
    call(served, 1)
    page = served.context(LANDSCAPE).new_page()
    page.clock.install()
    page.goto(f"{served.url}{ZONE}")
    expect(page.locator(".call .number")).to_have_text(["A001"])
    served.desk.time.pass_by(seconds=30)
    call(served, 2)
    expect(page.locator(".call .number")).to_have_text(["A002", "A001"])
    expect(page.locator(".call[data-fresh] .number")).to_have_text(["A002"])
    assert height(page.locator(".call").first) > 1.5 * height(page.locator(".call").last)
    page.clock.run_for(9_000)
    expect(page.locator(".call[data-fresh]")).to_have_count(0)


def height(part: Locator) -> float:
    box = part.bounding_box()
    assert box is not None
    return box["height"]


def test_a_call_stays_for_eight_seconds_whatever_becomes_of_it(served: Served) -> None:
    served.desk.give(Login(1, "li"))
    served.desk.take()
    page = served.context(LANDSCAPE).new_page()
    page.clock.install()
    page.goto(f"{served.url}{ZONE}")
    expect(page.locator("#calm-zh")).to_have_text("暂时没有叫号")
    call(served)
    expect(page.locator(".call[data-fresh] .number")).to_have_text(["A001"])
    served.desk.give(Start(1), Finish(1))
    page.clock.run_for(5_000)
    expect(page.locator(".call .number")).to_have_text(["A001"])


def test_a_repeated_call_is_news(served: Served) -> None:
    served.desk.give(Login(1, "li"))
    served.desk.take()
    call(served)
    page = served.screen(ZONE, LANDSCAPE)
    expect(page.locator(".call")).to_have_count(1)
    expect(page.locator(".call[data-fresh]")).to_have_count(0)
    served.desk.time.pass_by(seconds=10)
    served.desk.give(Recall(1))
    expect(page.locator(".call[data-fresh]")).to_have_count(1)


def test_the_display_says_how_long_queues_are_and_who_is_next(served: Served) -> None:
    served.desk.give(Login(1, "li"))
    for _ in range(5):
        served.desk.take()
    page = served.screen(ZONE, LANDSCAPE)
    expect(page.locator(".queue").first).to_contain_text("企业")
    expect(page.locator(".queue").first.locator(".waiting b")).to_have_text("5")
    expect(page.locator(".queue").first.locator(".next > span")).to_have_text(
        ["下面是Next", "A001", "A002", "A003"]
    )


def test_reduced_motion_gets_a_frame_and_no_flash(served: Served) -> None:
    served.desk.give(Login(1, "li"))
    served.desk.take()
    page = served.screen(ZONE, LANDSCAPE, reduced_motion="reduce")
    expect(page.locator("#calm-zh")).to_have_text("暂时没有叫号")
    call(served)
    fresh = page.locator(".call[data-fresh]")
    expect(fresh).to_have_css("animation-name", "none")
    expect(fresh).to_have_css("outline-style", "solid")


def test_the_window_says_what_it_is_doing(served: Served) -> None:
    page = served.screen(WINDOW, LANDSCAPE)
    word, number = page.locator("#word"), page.locator("#number")
    expect(word).to_have_text("未开放")
    expect(page.locator("#plate")).to_have_text("1")
    served.desk.give(Login(1, "li"))
    expect(word).to_have_text("服务中")
    expect(page.locator("#staff")).to_contain_text("工号 001")
    served.desk.take()
    call(served)
    expect(word).to_have_text("请到窗口")
    expect(number).to_have_text("A001")
    served.desk.give(Start(1))
    expect(word).to_have_text("办理中")
    served.desk.give(Finish(1), Pause(1, PauseReason.BREAK, served.desk.live.hall.plan.rules.pause_reminder))
    expect(word).to_have_text("暂停服务")
    expect(page.locator("#note")).to_contain_text("预计 09:15 恢复")
    expect(number).to_be_hidden()


def test_the_number_is_the_largest_thing_on_the_windows_screen(served: Served) -> None:
    served.desk.give(Login(1, "li"))
    served.desk.take()
    call(served)
    page = served.screen(WINDOW, LANDSCAPE)
    expect(page.locator("#number")).to_be_visible()
    sizes = page.locator("body *:visible").evaluate_all(
        "nodes => nodes.map(node => [node.id, parseFloat(getComputedStyle(node).fontSize)])"
    )
    largest = max(sizes, key=lambda pair: pair[1])
    assert largest[0] == "number"


@pytest.mark.parametrize(
    ("address", "shown"), [(KIOSK, ".card"), (ZONE, ".queue"), (WINDOW, "#plate:has-text('1')")]
)
def test_a_cut_line_keeps_the_last_state_and_says_its_age(served: Served, address: str, shown: str) -> None:
    served.desk.give(Login(1, "li"))
    page = served.context(LANDSCAPE).new_page()
    page.clock.install()
    page.goto(f"{served.url}{address}")
    expect(page.locator(shown).first).to_be_visible()
    age = page.locator("[data-age]")
    expect(age).to_be_hidden()
    page.route("**/api/**", lambda route: route.abort())
    page.clock.run_for(61_000 + 35_000)
    expect(age).to_be_visible()
    expect(age).to_have_text(re.compile(r"信息更新于 09:0\d"))
    expect(page.locator(shown).first).to_be_visible()
    page.reload()
    expect(page.locator(shown).first).to_be_visible()
    expect(age).to_have_text(re.compile(r"信息更新于 09:0\d"))
    page.unroute("**/api/**")
    page.clock.run_for(40_000)
    expect(age).to_be_hidden()


@pytest.mark.parametrize("address", [KIOSK, ZONE, WINDOW])
def test_a_screen_is_never_blank(served: Served, address: str) -> None:
    page = served.context(LANDSCAPE).new_page()
    page.route("**/api/**", lambda route: route.abort())
    page.goto(f"{served.url}{address}")
    expect(page.locator("body")).to_contain_text("正在连接")


def test_a_screen_of_a_place_that_is_not_there_says_so(served: Served) -> None:
    page = served.screen("/h/hall/pages/window.html?board=w77", LANDSCAPE)
    expect(page.locator("[data-age]")).to_contain_text("没有名为 w77 的屏幕")


# --- the phone page -------------------------------------------------------------------------------------


def test_the_phone_page_turns_when_the_number_is_called(served: Served) -> None:
    served.desk.give(Login(1, "li"))
    ticket = served.desk.take()
    page = served.context(PHONE).new_page()
    page.clock.install()
    page.goto(f"{served.url}/t/{ticket.token}")
    expect(page.locator(".headline")).to_have_text("下一位就是您")
    call(served)
    page.clock.run_for(21_000)
    expect(page.locator("#main")).to_have_attribute("data-look", "called")
    expect(page.locator(".go b")).to_have_text("1")
    assert "1 号窗口" in page.title()


def test_the_phone_page_works_without_scripts(served: Served) -> None:
    ticket = served.desk.take()
    page = served.screen(f"/t/{ticket.token}", PHONE, java_script_enabled=False)
    page.locator("summary").filter(has_text="取消").click()
    page.locator("button.danger").click()
    expect(page.locator(".headline")).to_have_text("这张号已取消")


def test_a_phone_that_hears_nothing_says_so(served: Served) -> None:
    ticket = served.desk.take()
    page = served.context(PHONE).new_page()
    page.clock.install()
    page.goto(f"{served.url}/t/{ticket.token}")
    expect(page.locator("#age")).to_be_hidden()
    page.route("**/t/**", lambda route: route.abort())
    page.clock.run_for(90_000)
    expect(page.locator("#age")).to_contain_text("信息更新于")
    expect(page.locator(".number")).to_have_text(ticket.number)
