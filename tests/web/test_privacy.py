"""Personal data: masked, in full for a reason, gone when its time is over or on request."""

from __future__ import annotations

import re
import zlib
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from sqlalchemy import select

from controller.clock import real_now
from controller.hall.commands import (
    CallNext,
    CloseDay,
    Finish,
    Login,
    Logout,
    OpenDay,
    Start,
    TakeTicket,
    Tick,
)
from controller.hall.model import PreCheck
from controller.keeping import Keeping
from controller.messaging.carrier import Received
from controller.people import SYSTEM, Role
from controller.store import log, tables
from controller.store.audit import verify
from controller.store.messages import Channel
from controller.store.people import Person
from controller.store.projections import find_ticket
from tests.store.halls import DAY
from tests.web.desk import Browser, Desk, words
from tests.web.test_access import OWN, browser_of, cells, filled

DIGEST = "0123456789abcdef0123456789abcdef"
NOTE = "缺少张三的户口簿"
TOKEN = "token-of-zhang"


@pytest.fixture
def admin(desk: Desk) -> Browser:
    desk.site.people.add(Person("admin", "管理员", "990", None, frozenset({Role.ADMIN}), True), real_now())
    return desk.browser("admin")


@pytest.fixture
def visited(desk: Desk) -> Desk:
    """Somebody known by a card was served by li, and the next day is open."""
    taken = TakeTicket("A", TOKEN, person=DIGEST, precheck=PreCheck(False, NOTE))
    desk.live.submit(taken, SYSTEM)
    desk.give(Login(1, "li"), CallNext(1), Start(1), Finish(1), Logout(1), CloseDay())
    desk.live.keep_snapshot()
    desk.time.pass_by(days=1)
    desk.give(Tick(), OpenDay(DAY + timedelta(days=1), desk.time.now + timedelta(hours=8)))
    return desk


@pytest.fixture
def today(desk: Desk) -> Desk:
    """Li has served somebody."""
    desk.take()
    desk.give(Login(1, "li"), CallNext(1), Start(1), Finish(1))
    return desk


def everything(desk: Desk) -> str:
    """All rows of all tables but the trail, as text."""
    with desk.site.store.reading() as c:
        rows = [tuple(row) for table in tables.metadata.sorted_tables for row in c.execute(select(table))]
        snapshots = [zlib.decompress(row.body) for row in c.execute(select(tables.snapshot))]
    return str(rows) + "".join(body.decode() for body in snapshots)


def is_whole(desk: Desk) -> bool:
    with desk.site.store.reading() as c:
        return verify(c).wrong is None


# --- masked, and in full


def test_names_in_lists_and_files_are_masked_until_somebody_says_why(today: Desk) -> None:
    boss = today.browser("boss")
    for address in ("/m/hall/tickets", "/m/hall/tickets.csv", "/m/hall/tickets/1"):
        text = boss.get(address).get_data(as_text=True)
        assert "李*" in text
        granted = boss.post("/full-view", page=f"/full-view?to={address}", to=address, reason="核对投诉")
        assert "李*" not in boss.get(granted.headers["Location"]).get_data(as_text=True)
        [row] = today.site.people.trail(1, "data.full_view")
        assert (row["actor"], row["subject"], row["details"]["reason"]) == ("boss", address, "核对投诉")


def test_a_full_view_needs_a_reason_and_is_of_one_address_and_session(today: Desk) -> None:
    boss, to = today.browser("boss"), "/m/hall/tickets"
    assert boss.post("/full-view", page=f"/full-view?to={to}", to=to, reason=" ").status_code == 409
    granted = boss.post("/full-view", page=f"/full-view?to={to}", to=to, reason="核对").headers["Location"]
    elsewhere = granted.replace("/tickets", "/tickets.csv")
    assert "李*" not in boss.get(granted).get_data(as_text=True)
    assert "李*" in boss.get(elsewhere).get_data(as_text=True)
    assert "李*" in today.browser("boss").get(granted).get_data(as_text=True)
    until = re.sub(r"full=(\d+)", lambda found: f"full={int(found[1]) + 60}", granted)
    assert "李*" in boss.get(until).get_data(as_text=True)


@pytest.mark.parametrize("to", ["https://evil.example/m/hall/tickets", "//evil.example", "/me", "/nowhere"])
def test_only_pages_of_ours_are_seen_in_full(desk: Desk, to: str) -> None:
    assert desk.browser("boss").get("/full-view", query_string={"to": to}).status_code == 400


def test_the_file_of_people_is_masked(desk: Desk, admin: Browser) -> None:
    assert "李强" not in admin.get("/people.csv").get_data(as_text=True)


SEEDED = "欧阳震华"
PHONE = "13800138477"
FLOOR = {"guide", "window_lead", "hall_manager"}
IN_FULL = {  # where the hall is worked with now, or people and plans are looked after
    "/m/<hall>/": FLOOR,
    "/m/<hall>/conduct": {"hall_manager"},
    "/m/<hall>/roster": FLOOR,
    "/m/<hall>/roster/<day>": {"hall_manager"},
    "/m/<hall>/substitutes": FLOOR,
    "/m/<hall>/windows/<int:number>": FLOOR,
    "/people": {"admin"},
    "/setup/<hall>/": {"hall_manager", "admin"},
    "/setup/<hall>/hall.json": {"hall_manager", "admin"},
    "/setup/<hall>/versions": {"hall_manager", "admin"},
    "/setup/<hall>/versions/<int:seq>": {"hall_manager", "admin"},
    "/w/<hall>/": {"clerk", "window_lead", "hall_manager"},
    "/w/<hall>/<int:number>": {"clerk", "window_lead", "hall_manager"},
    "/w/<hall>/<int:number>/search": {"clerk", "window_lead", "hall_manager"},
}


def test_a_seeded_name_is_masked_on_every_other_page_and_in_every_file_and_log(
    desk: Desk, admin: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """Every address of the table of rights, as each role that may open it."""
    form = {"name": SEEDED, "number": "00477", "hall": "hall", "role": "clerk"}
    admin.post("/people/new", page="/people/new", **form)
    clerk = desk.browser("p00477")
    clerk.post("/w/hall/1/login", page="/w/hall/?choose=1")
    waiting = [desk.take(), desk.take()][1]
    phone = desk.site.messages.desk.contact("hall", waiting.id, Channel.SMS, PHONE, "zh")
    desk.site.messages.wishes.add(desk.live, phone, real_now())
    desk.site.messages.take(Received(PHONE, f"回电{PHONE}"))
    for key in ("next", "start", "finish", "next"):
        clerk.press(1, key)
    browsers = {role: browser_of(desk, role, OWN) for role in (None, *Role)}
    found: set[tuple[str, str]] = set()
    for cell in cells():
        is_open = cell.method == "GET" and cell.expected is None and cell.hall in (None, OWN)
        if not is_open or "<path:" in cell.address or cell.address == "/feed/<hall>":
            continue
        if cell.role is not None and cell.hall is None:
            continue
        shown = shown_by(browsers[cell.role], filled(cell.address))
        assert PHONE not in shown, cell
        if SEEDED in shown:
            found.add((cell.address, str(cell.role)))
    assert found <= {(address, role) for address, roles in IN_FULL.items() for role in roles}
    assert ("/m/<hall>/", "hall_manager") in found
    assert SEEDED not in caplog.text
    assert PHONE not in caplog.text


def shown_by(browser: Browser, address: str) -> str:
    """What the address answers, as text; of a workbook what is in it."""
    body = browser.get(address).get_data()
    if not body.startswith(b"PK"):
        return body.decode("utf-8", "replace")
    with ZipFile(BytesIO(body)) as book:
        return "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())


# --- gone when its time is over


def test_what_ties_a_ticket_to_its_holder_goes_after_its_time(visited: Desk) -> None:
    keeping = visited.site.keeping
    keeping.step()
    assert DIGEST in everything(visited)
    visited.time.pass_by(days=32)
    keeping.step()
    kept = everything(visited)
    assert not any(secret in kept for secret in (DIGEST, NOTE, TOKEN))
    [row] = visited.site.people.trail(5, "data.retention")
    assert (row["details"]["kind"], row["details"]["rows"]) == ("visits", 1)
    keeping.step()
    assert len(visited.site.people.trail(5, "data.retention")) == 1
    assert is_whole(visited)


def test_many_tickets_go_in_steps_with_one_proof(visited: Desk) -> None:
    site = visited.site
    keeping = Keeping(site.store, site.settings, site.clock.now, site.halls, at_once=2)
    for _ in range(4):
        visited.take()
    visited.give(CloseDay())
    visited.time.pass_by(days=40)
    visited.give(Tick(), OpenDay(DAY + timedelta(days=41), visited.time.now + timedelta(hours=8)))
    for _ in range(3):
        keeping.step()
    [row] = visited.site.people.trail(5, "data.retention")
    assert row["details"]["rows"] == 5
    assert keeping.held()[0].oldest is None


def test_the_log_without_visitors_still_tells_the_same_hall(visited: Desk) -> None:
    visited.time.pass_by(days=32)
    visited.site.keeping.step()
    with visited.site.store.reading() as c:
        hall, _ = log.replay(c, "hall")
        row = find_ticket(c, "hall", 1)
    assert hall.tickets == visited.live.hall.tickets
    assert row is not None
    assert (row.number, row.rating, row.wait_s) == ("A001", None, 0.0)


def test_sign_ins_go_after_half_a_year(desk: Desk) -> None:
    desk.browser("li")
    desk.site.keeping.delete_sign_ins(real_now() + timedelta(days=202))
    assert desk.site.people.sessions("li", real_now()) == []
    [row] = desk.site.people.trail(1, "data.retention")
    assert (row["details"]["kind"], row["details"]["rows"]) == ("sign_ins", 2)


# --- gone on request


def test_a_visitor_is_erased_by_the_number_on_the_slip(visited: Desk, admin: Browser) -> None:
    form = {"day": DAY.isoformat(), "number": "a001", "reason": "本人要求"}
    answer = admin.post("/data/hall/visit", page="/data", **form)
    assert answer.status_code == 303
    kept = everything(visited)
    assert not any(secret in kept for secret in (DIGEST, NOTE, TOKEN))
    page = words(admin.get(answer.headers["Location"]))
    assert "hall/ticket A001" in page
    assert "本人要求" in page
    assert is_whole(visited)


@pytest.mark.parametrize(("number", "code"), [("A001", "下一服务日开启前"), ("A999", "当日没有票号")])
def test_a_ticket_of_today_is_still_needed(desk: Desk, admin: Browser, number: str, code: str) -> None:
    desk.take()
    form = {"day": DAY.isoformat(), "number": number, "reason": "本人要求"}
    answer = admin.post("/data/hall/visit", page="/data", **form)
    assert (answer.status_code, code in words(answer)) == (409, True)


def test_who_worked_here_is_erased_everywhere_and_the_trail_stays_whole(
    visited: Desk, admin: Browser
) -> None:
    desk = visited
    desk.site.people.set_password("li", "correct horse 7", real_now())
    admin.post("/people/li", page="/people/li", name="李强强", number="00177", hall="", role="clerk")
    desk.live.keep_snapshot()
    assert "李强强" in everything(desk)
    admin.post("/people/li/disable", page="/people/li")
    answer = admin.post("/people/li/erase", page="/people/li", reason="本人离职要求")
    assert answer.headers["Location"] == "/people/li?done=erased"
    kept = everything(desk)
    assert not any(word in kept for word in ("李强", "李强强", "00177", "argon2"))
    assert is_whole(desk)
    assert "李强" not in str(desk.site.people.trail(1000))
    [row] = desk.site.people.trail(1, "data.erase_person")
    assert row["details"]["reason"] == "本人离职要求"
    assert row["details"]["rows"]["event"] >= 1
    assert "已删除人员" in words(admin.get("/people"))
    with desk.site.store.reading() as c:
        assert log.replay(c, "hall")[0].tickets == desk.live.hall.tickets


def test_nobody_is_erased_while_a_window_is_staffed_in_their_name(desk: Desk, admin: Browser) -> None:
    desk.give(Login(1, "li"))
    answer = admin.post("/people/li/erase", page="/people/li", reason="本人要求")
    assert answer.status_code == 409
    assert "仍在 1 号窗口" in words(answer)
