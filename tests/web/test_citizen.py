"""What citizens meet: a kiosk's tap makes one ticket, and a slip's code opens its page and nobody else's."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from controller.guide import Guide
from controller.hall.commands import CallNext, CloseDay, Finish, Hold, Login, NoShow, Start, Tick, Transfer
from controller.hall.model import Ticket, TicketState
from controller.hall.waits import in_words
from controller.store import guides, items
from tests.store.halls import DAY, MORNING
from tests.waiting import until
from tests.web.desk import Desk, words
from web.rating import BY_WORD

KEY = "0123456789abcdef"
FIRST_VIEW_BYTES = 50 * 1024  # ux: an old phone at 2G speed
FILES = ("tokens.css", "phone.css", "phone_rating.css", "phone.js", "push.js", "icon.svg")


def tap(desk: Desk, queue: object = "A", key: str | None = KEY, **more: object) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return desk.app.test_client().post("/h/hall/api/tickets", json={"queue": queue, **more}, headers=headers)


def problem(response: TestResponse) -> dict[str, Any]:
    error: dict[str, Any] = response.get_json()["error"]
    return error


def page(desk: Desk, ticket: Ticket, lang: str = "zh") -> TestResponse:
    return desk.app.test_client().get(f"/t/{ticket.token}?lang={lang}")


def now(desk: Desk, ticket: Ticket) -> Ticket:
    return desk.live.hall.tickets[ticket.id]


def press(desk: Desk, ticket: Ticket, what: str, **form: str) -> TestResponse:
    """Press a button of the phone page as it stands now."""
    browser = desk.browser()
    return browser.post(f"/t/{ticket.token}/{what}", page=f"/t/{ticket.token}", **form)


def served(desk: Desk) -> Ticket:
    """A ticket that was called, served and finished at window 1."""
    ticket = desk.take()
    desk.give(Login(1, "li"), CallNext(1), Start(1), Finish(1))
    return now(desk, ticket)


# --- where a ticket stands, asked at a kiosk -------------------------------------------------------------


def test_a_kiosk_is_told_of_a_number_what_its_own_page_says_and_not_too_often(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    desk.take()
    last = desk.take()
    browser = desk.app.test_client()
    told = browser.get("/h/hall/api/progress?number=a2&board=k-main").get_json()
    assert (told["number"], told["zh"]["headline"]) == ("A002", "您前面 1 人")
    seen = words(page(desk, last))
    assert all(part in seen for part in told["zh"].values())
    answers = {browser.get("/h/hall/api/progress?number=A001").status_code for _ in range(60)}
    assert answers == {200, 429}


# --- taking a ticket at a kiosk -------------------------------------------------------------------------


def test_a_tap_gives_a_number_where_one_stands_and_a_code_for_the_phone(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    desk.take()
    answer = tap(desk)
    assert answer.status_code == 201
    taken = answer.get_json()
    assert (taken["number"], taken["queue"], taken["ahead"], taken["printed"]) == ("A002", "A", 1, None)
    told = in_words(desk.live.hall.tickets[2].expected)
    assert (taken["wait"], taken["is_rough"]) == ("about", True)
    assert (taken["wait_min"], taken["wait_max"]) == (told.low, told.high)
    picture = desk.browser().get(taken["qr"])
    assert picture.content_type.startswith("image/svg+xml")
    assert b"<svg" in picture.data
    assert words(desk.browser().get(f"/t/{taken['url'].rsplit('/', 1)[1]}")).count("A002")


def test_no_window_means_no_promise_how_long_it_takes(desk: Desk) -> None:
    taken = tap(desk).get_json()
    assert (taken["wait_min"], taken["wait_max"]) == (None, None)


def test_the_same_tap_sent_again_gives_the_same_ticket(desk: Desk) -> None:
    first, second = tap(desk).get_json(), tap(desk).get_json()
    assert first == second
    assert len(desk.live.hall.tickets) == 1


def test_a_tap_sent_eight_times_at_once_gives_one_ticket(desk: Desk) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = [each.get_json()["number"] for each in pool.map(lambda _: tap(desk), range(8))]
    assert set(answers) == {"A001"}
    assert len(desk.live.hall.tickets) == 1


def test_another_tap_gives_another_ticket(desk: Desk) -> None:
    assert tap(desk).get_json()["number"] == "A001"
    assert tap(desk, key="another-key").get_json()["number"] == "A002"


def test_a_key_cannot_be_used_for_another_queue(desk: Desk) -> None:
    tap(desk)
    answer = tap(desk, "B")
    assert answer.status_code == 409
    assert problem(answer)["code"] == "key_used"
    assert len(desk.live.hall.tickets) == 1


@pytest.mark.parametrize(
    ("queue", "key", "more", "field", "code"),
    [
        ("A", None, {}, "Idempotency-Key", "key_needed"),
        ("A", "short", {}, "Idempotency-Key", "key_needed"),
        ("A", "x" * 101, {}, "Idempotency-Key", "key_needed"),
        (None, KEY, {}, "queue", "queue_needed"),
        (["A"], KEY, {}, "queue", "queue_needed"),
        ("A" * 33, KEY, {}, "queue", "queue_needed"),
        ("A", KEY, {"item": 7}, "item", "item_wrong"),
        ("A", KEY, {"item": "x" * 121}, "item", "item_wrong"),
    ],
)
def test_a_bad_request_is_told_its_field_and_its_remedy(
    desk: Desk, queue: object, key: str | None, more: dict[str, object], field: str, code: str
) -> None:
    answer = tap(desk, queue, key, **more)
    assert answer.status_code == 400
    error = problem(answer)
    assert (error["field"], error["code"]) == (field, code)
    assert not error["remedy"].startswith("remedy.")
    assert not any(error[lang].startswith("request.") for lang in ("zh", "en"))
    assert not desk.live.hall.tickets


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 5000])
def test_a_body_that_is_no_json_object_is_refused(desk: Desk, body: bytes) -> None:
    headers = {"Idempotency-Key": KEY, "Content-Type": "application/json"}
    answer = desk.app.test_client().post("/h/hall/api/tickets", data=body, headers=headers)
    assert answer.status_code == 400
    assert problem(answer)["field"] == "body"


def test_a_refusal_says_why_in_both_languages(desk: Desk) -> None:
    desk.give(CloseDay())
    answer = tap(desk)
    assert answer.status_code == 409
    error = problem(answer)
    assert error["code"] in ("day_closed", "issuing_stopped")
    assert error["zh"] != error["en"]


def test_a_queue_nobody_knows_is_refused(desk: Desk) -> None:
    assert problem(tap(desk, "Z"))["code"] == "unknown_queue"


def test_who_asks_too_often_is_told_when_to_come_back(desk: Desk) -> None:
    answers = [tap(desk, key=None) for _ in range(70)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_a_page_of_another_site_takes_no_ticket(desk: Desk) -> None:
    headers = {"Idempotency-Key": KEY, "Origin": "https://elsewhere.example"}
    answer = desk.app.test_client().post("/h/hall/api/tickets", json={"queue": "A"}, headers=headers)
    assert answer.status_code == 403
    assert not desk.live.hall.tickets


def test_the_search_knows_the_matters_of_this_halls_queues(desk: Desk) -> None:
    rows = [items.Item("i1", "社保卡申领", "人社局", "B"), items.Item("i2", "未分配", "人社局", None)]
    elsewhere = items.Item("i3", "别处", "人社局", "Z")

    def put(c: Connection) -> None:
        items.put_items(c, [*rows, elsewhere])

    with desk.site.store.writing() as c:
        put(c)
    answer = desk.app.test_client().get("/h/hall/api/matters")
    [found] = answer.get_json()["matters"]
    assert (found["code"], found["name"], found["queue"]) == ("i1", "社保卡申领", "B")


def test_a_kiosk_is_told_what_to_bring_once_it_is_published(desk: Desk) -> None:
    def told() -> dict[str, object]:
        [matter] = desk.app.test_client().get("/h/hall/api/matters").get_json()["matters"]
        return dict(matter)

    with desk.site.store.writing() as c:
        items.put_items(c, [items.Item("i1", "社保卡申领", "人社局", "B")])
        guides.save(
            c, "i1", Guide(materials=("身份证",), promised_days=0, fee_standard="不收费"), "boss", MORNING
        )
    assert told()["bring"] == []
    with desk.site.store.writing() as c:
        guides.submit(c, "i1", "boss", MORNING)
        guides.publish(c, "i1", DAY, "boss", MORNING)
    assert (told()["bring"], told()["days"], told()["fee"]) == (["身份证"], 0, "不收费")


# --- boards ---------------------------------------------------------------------------------------------


def board(desk: Desk, name: str, after: str = "") -> TestResponse:
    return desk.app.test_client().get(f"/h/hall/api/board/{name}?after={after}")


def test_a_kiosks_board_says_who_waits_and_where_to_wait(desk: Desk) -> None:
    desk.take()
    shown = board(desk, "k-main").get_json()
    line = shown["queues"][0]
    assert (line["code"], line["waiting"], line["zone_zh"]) == ("A", 1, "东区")
    assert shown["time_zone"] == "Asia/Shanghai"


def test_every_answer_carries_the_halls_clock(desk: Desk) -> None:
    desk.time.pass_by(minutes=5)
    answer = board(desk, "w1")
    assert answer.headers["Hall-Time"] == desk.live.clock.now().isoformat()
    assert answer.headers["Hall-Speed"] == "1"


def test_a_screen_is_answered_when_what_it_shows_has_changed(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    tag = board(desk, "w1").headers["ETag"].strip('"')
    answers: list[TestResponse] = []
    waiting = threading.Thread(target=lambda: answers.append(board(desk, "w1", tag)))
    waiting.start()
    desk.take("A")
    desk.give(CallNext(1))
    waiting.join(10)
    assert answers[0].get_json()["window"]["ticket"] in ("", "A001")
    assert answers[0].headers["ETag"].strip('"') != tag


def test_a_screen_nothing_changes_for_is_told_so(desk: Desk) -> None:
    desk.app.config["POLL_S"] = 0.2
    tag = board(desk, "w1").headers["ETag"].strip('"')
    answer = board(desk, "w1", tag)
    assert answer.status_code == 204
    assert "Hall-Time" in answer.headers


def test_what_another_window_does_does_not_wake_a_screen(desk: Desk) -> None:
    desk.app.config["POLL_S"] = 0.4
    tag = board(desk, "w2").headers["ETag"].strip('"')
    desk.give(Login(1, "li"))
    assert board(desk, "w2", tag).status_code == 204


def test_more_screens_than_threads_are_asked_to_come_again(desk: Desk) -> None:
    desk.app.config["POLL_S"] = 20.0
    boards = desk.app.extensions["boards"]
    tag = board(desk, "w1").headers["ETag"].strip('"')
    statuses: list[int] = []
    crowd = [
        threading.Thread(target=lambda: statuses.append(board(desk, "w1", tag).status_code))
        for _ in range(40)
    ]
    for one in crowd:
        one.start()
    until(lambda: 204 in statuses, what="a screen that is sent away at once")
    boards.close()
    for one in crowd:
        one.join(10)
    assert len(statuses) == 40


@pytest.mark.parametrize("address", ["/h/hall/api/board/w99", "/h/hall/api/board/x", "/h/none/api/board/w1"])
def test_a_board_that_does_not_exist_is_said_so(desk: Desk, address: str) -> None:
    answer = desk.app.test_client().get(address)
    assert answer.status_code == 404
    assert problem(answer)["zh"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("kiosk.html", "text/html"), ("hall.js", "text/javascript"), ("tokens.css", "text/css")],
)
def test_the_pages_are_the_files_that_nodes_serve(desk: Desk, name: str, kind: str) -> None:
    answer = desk.app.test_client().get(f"/h/hall/pages/{name}", buffered=True)
    assert answer.status_code == 200
    assert answer.mimetype == kind
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["../__init__.py", "none.html", "%2e%2e/cli.py"])
def test_nothing_but_pages_is_served(desk: Desk, name: str) -> None:
    assert desk.app.test_client().get(f"/h/hall/pages/{name}").status_code == 404


# --- the phone page -------------------------------------------------------------------------------------


def test_the_page_says_who_is_ahead_how_long_and_what_that_rests_on(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    for _ in range(4):
        desk.take()
    said = words(page(desk, desk.take()))
    for part in (
        "A005",
        "您前面 4 人",
        "（粗略估计）",
        "开着的 1 个窗口中，有 1 个办理您的业务",
        "请在东区等候",
    ):
        assert part in said


def test_the_page_speaks_english(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    desk.take()
    said = words(page(desk, desk.take(), "en"))
    for part in ("A002", "1 person ahead of you", "min (rough estimate)", "Please wait in East"):
        assert part in said


def test_without_a_window_the_page_promises_nothing(desk: Desk) -> None:
    said = words(page(desk, desk.take()))
    assert "现在没有窗口办理" in said
    assert not re.search(r"\d 分钟", said)


def test_a_near_turn_is_told(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    assert "快到您了" in words(page(desk, desk.take()))


def test_a_called_number_is_sent_to_its_window(desk: Desk) -> None:
    ticket = desk.take()
    desk.give(Login(2, "li"), CallNext(2))
    answer = page(desk, ticket)
    assert 'data-look="called"' in answer.get_data(as_text=True)
    assert "请到 2 号窗口" in words(answer)


def test_a_transferred_ticket_knows_which_window_will_call_it(desk: Desk) -> None:
    ticket = desk.take()
    desk.give(Login(1, "li"), Login(2, "wang"), CallNext(1), Transfer(ticket.id, "wrong window", to_window=2))
    assert "2 号窗口会叫您" in words(page(desk, ticket))


def test_held_and_served_have_their_sentences(desk: Desk) -> None:
    ticket = desk.take()
    desk.give(Login(1, "li"), CallNext(1), Start(1))
    assert "正在 1 号窗口为您办理" in words(page(desk, ticket))
    desk.give(Hold(1, "a copy"))
    assert "窗口会再叫您" in words(page(desk, ticket))


def test_a_missed_number_may_queue_again_for_a_while(desk: Desk) -> None:
    ticket = desk.take()
    desk.give(Login(1, "li"), CallNext(1), NoShow(1, "gone"))
    assert "10:00 之前可以重新排队" in words(page(desk, ticket))
    assert press(desk, ticket, "back").status_code == 303
    assert now(desk, ticket).state is TicketState.WAITING


def test_a_number_missed_too_long_ago_has_lapsed(desk: Desk) -> None:
    ticket = desk.take()
    desk.give(Login(1, "li"), CallNext(1), NoShow(1, "gone"))
    desk.time.pass_by(minutes=61)
    assert "请到导办台重新取号" in words(page(desk, ticket))
    desk.give(Tick())
    assert "已作废" in words(page(desk, ticket))


def test_a_ticket_the_day_ended_for_says_so(desk: Desk) -> None:
    ticket = desk.take()
    desk.give(CloseDay())
    assert "没有轮到" in words(page(desk, ticket))


def test_letting_pass_twice_on_the_same_page_lets_pass_once(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    ticket = desk.take()
    for _ in range(9):
        desk.take()
    browser = desk.browser()
    form = browser.hidden(f"/t/{ticket.token}")
    answers = [browser.client.post(f"/t/{ticket.token}/pass", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert "您前面 3 人" in words(page(desk, ticket))


def test_a_cancelled_ticket_stays_cancelled(desk: Desk) -> None:
    ticket = desk.take()
    assert press(desk, ticket, "cancel").status_code == 303
    assert now(desk, ticket).state is TicketState.CANCELLED
    assert "这张号已取消" in words(page(desk, ticket))
    assert press(desk, ticket, "cancel").status_code == 409


def test_who_cancelled_by_mistake_has_the_place_back_and_may_cancel_again(desk: Desk) -> None:
    ticket = desk.take()
    desk.take()
    press(desk, ticket, "cancel")
    assert "恢复我的位置" in words(page(desk, ticket))
    for _ in range(2):
        assert press(desk, ticket, "undo").status_code == 303
    assert "下一位就是您" in words(page(desk, ticket))
    press(desk, ticket, "cancel")
    desk.time.pass_by(minutes=2)
    assert "恢复" not in words(page(desk, ticket))
    assert press(desk, ticket, "undo").status_code == 409
    assert now(desk, ticket).state is TicketState.CANCELLED


def test_what_the_rules_refuse_is_explained_on_the_page(desk: Desk) -> None:
    ticket = desk.take()
    desk.give(Login(1, "li"), CallNext(1))
    answer = press(desk, ticket, "cancel")
    assert answer.status_code == 409
    assert 'role="alert"' in answer.get_data(as_text=True)
    assert now(desk, ticket).state is TicketState.CALLED


@pytest.mark.parametrize("level", BY_WORD)
def test_a_finished_visit_is_rated_once(desk: Desk, level: str) -> None:
    ticket = served(desk)
    assert "请评价这次服务" in words(page(desk, ticket))
    assert press(desk, ticket, "rate", level=level).status_code == 303
    assert now(desk, ticket).rating == BY_WORD[level]
    assert press(desk, ticket, "rate", level="1").status_code == 409
    assert "您的评价" in words(page(desk, ticket))


@pytest.mark.parametrize("level", ["", "0", "6", "five"])
def test_a_rating_that_is_none_is_refused(desk: Desk, level: str) -> None:
    ticket = served(desk)
    assert press(desk, ticket, "rate", level=level).status_code == 409
    assert now(desk, ticket).rating is None


def test_an_unknown_code_gets_a_friendly_answer(desk: Desk) -> None:
    for answer in (desk.browser().get("/t/nobody"), desk.app.test_client().post("/t/nobody/cancel")):
        assert answer.status_code == 404
        assert "今天没有这张号" in words(answer)


def test_a_code_opens_its_own_ticket_only(desk: Desk) -> None:
    ticket, other = desk.take(), desk.take()
    said = words(page(desk, ticket))
    assert ticket.number in said
    assert other.number not in said
    assert other.token not in page(desk, ticket).get_data(as_text=True)


def test_the_page_names_nobody(desk: Desk) -> None:
    ticket = desk.take()
    desk.give(Login(1, "li"), CallNext(1))
    text = page(desk, ticket).get_data(as_text=True)
    clerk = desk.live.hall.clerks["li"]
    assert clerk.staff_number not in text.replace(ticket.number, "")
    assert clerk.name not in text


def test_search_engines_and_shared_caches_keep_away(desk: Desk) -> None:
    headers = page(desk, desk.take()).headers
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Referrer-Policy"] == "same-origin"


def test_a_page_that_did_not_change_costs_nothing(desk: Desk) -> None:
    ticket = desk.take()
    tag = page(desk, ticket).headers["ETag"]
    desk.time.pass_by(minutes=1)
    again = desk.app.test_client().get(f"/t/{ticket.token}?lang=zh", headers={"If-None-Match": tag})
    assert (again.status_code, again.get_data()) == (304, b"")
    desk.give(Login(1, "li"), CallNext(1))
    changed = desk.app.test_client().get(f"/t/{ticket.token}?lang=zh", headers={"If-None-Match": tag})
    assert changed.status_code == 200


def test_a_page_that_is_open_gets_what_the_whole_page_says(desk: Desk) -> None:
    ticket = desk.take()
    desk.give(Login(1, "li"), CallNext(1))
    client = desk.app.test_client()
    for address in (f"/t/{ticket.token}", f"/h/{desk.live.id}"):
        whole, part = (client.get(f"{address}{asked}").get_data(as_text=True) for asked in ("", "?part=1"))
        (main,) = re.findall("<main.*</main>", whole, re.DOTALL)
        (title,) = re.findall("<title>.*</title>", whole)
        assert main in part
        assert title in part
        assert "<head" not in part


def test_the_first_view_fits_an_old_phone_and_needs_no_script(desk: Desk) -> None:
    answer = page(desk, served(desk))
    client = desk.app.test_client()
    files = sum(len(client.get(f"/static-pages/{name}", buffered=True).get_data()) for name in FILES)
    assert len(answer.get_data()) + files <= FIRST_VIEW_BYTES
    assert '<noscript><meta http-equiv="refresh"' in answer.get_data(as_text=True)


# --- the hall at a glance -------------------------------------------------------------------------------


def test_the_hall_at_a_glance_lists_its_queues_and_leads_to_a_kiosk(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    desk.take()
    answer = desk.browser().get("/h/hall")
    for part in ("企业", "社保", "1 人等候", "（粗略估计）", "即到即办"):
        assert part in words(answer)
    assert "/h/hall/pages/kiosk.html?board=k-main" in answer.get_data(as_text=True)


def test_a_closed_hall_says_so(desk: Desk) -> None:
    desk.give(CloseDay())
    answer = desk.browser().get("/h/hall")
    assert "大厅现在不开放" in words(answer)
    assert "kiosk.html" not in answer.get_data(as_text=True)
