"""A ticket's life over wires alone: button, printer, keypad, LED bar and loudspeaker of real processes."""

from __future__ import annotations

import html
import re
import urllib.request
from collections.abc import Callable

import pytest

from controller.demo.browser import Browser
from controller.demo.hall import CLERKS, HALL
from firmware.emulators.reader import PEOPLE
from tests.hall_process import HallProcess
from tests.waiting import until

ONCE = ("TicketIssued", "TicketCalled", "ServiceStarted", "TicketFinished", "TicketRated")
SETTLED = ("printed", "uncertain")
pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


def sign_in(hall: HallProcess, window: int) -> None:
    """The clerk of the window takes the seat, as with a browser in the morning."""
    person = next(one.id for one in CLERKS if one.window == window)
    until(lambda: answers(hall), 60, what="the web face answers, which a test before may have killed")
    browser = Browser()
    asked = browser.open(hall.sign_in_link(person))
    enter = next(form for form in asked.forms if "/in/" in form.action)
    browser.send(asked, enter)
    page = browser.open(f"{hall.url}/w/{HALL}/?choose=1")
    seat = page.form(f"/{window}/login")
    assert seat is not None, page.text[:2000]
    browser.send(page, seat)
    until(lambda: "未开" not in hall.bar(window), 15, what=f"window {window} is open on its bar")


def answers(hall: HallProcess) -> bool:
    try:
        urllib.request.urlopen(f"{hall.url}/healthz", timeout=5).close()
    except OSError:
        return False
    return True


def take(hall: HallProcess, queue: str) -> str:
    """Press the queue's button; the number on the slip that comes out."""
    before = hall.numbers()
    hall.press(queue)
    fresh = until(lambda: [number for number in hall.numbers() if number not in before], 20, what="a slip")
    assert len(fresh) == 1
    return fresh[0]


def test_from_the_button_to_the_rating(hall: HallProcess):
    sign_in(hall, 4)
    number = take(hall, "C")
    assert re.fullmatch(r"C\d{3}", number)

    until(lambda: hall.keypad(4)["left"].strip() == "1", 10, what="the keypad counts one waiting")
    hall.key(4, "call_next")
    until(lambda: hall.bar(4) == f"请{number}号到4号窗口", 10, what="the bar calls the number")
    until(lambda: hall.keypad(4)["right"] == number[-3:], 10, what="the keypad shows the number")
    until(lambda: any("4" in said for said in hall.sentences("east")), 30, what="the speaker said it")
    assert hall.sentences("west") == []

    hall.key(4, "start")
    until(lambda: hall.bar(4) == f"{number} 正在办理", 10, what="the bar says being served")
    hall.key(4, "finish")
    until(lambda: hall.keypad(4)["is_asking"], 10, what="the keypad asks for a rating")
    hall.rate(4, 3)
    until(lambda: (hall.ticket(number) or (0,) * 5)[4] == 5, 10, what="the rating is stored")

    ticket = hall.ticket(number)
    assert ticket is not None
    assert ticket[2:4] == ("completed", "printed")
    kinds = hall.kinds(ticket[0])
    assert [kind for kind in kinds if kind in ONCE] == list(ONCE)
    assert kinds.count("SlipRecorded") == 1


def test_the_slip_says_where_to_wait_and_its_code_opens_the_phone_page(hall: HallProcess):
    number = take(hall, "A")
    slip = next(
        one for one in hall.slips() if any(line.get("text", "").strip() == number for line in one["lines"])
    )
    text = "\n".join(line.get("text", "") for line in slip["lines"])
    assert "社保医保" in text
    assert "1-4" in text
    page = Browser().open(slip["qr"])
    assert page.status == 200
    assert number in page.text


def test_an_old_persons_card_makes_the_next_ticket_green_and_leaves_no_number(hall: HallProcess):
    hall.lay_card(0)
    until(lambda: hall.device("node-1", "cards-1")["reader"]["read"] == 1, 20, what="the card is read")
    number = take(hall, "F")
    slip = next(one for one in hall.slips() if any(line.get("text", "") == number for line in one["lines"]))
    assert any("绿色通道" in line.get("text", "") for line in slip["lines"])
    hall.lay_card(None)
    files = [path for path in hall.works.data.rglob("*") if path.is_file()]
    assert not [path for path in files if PEOPLE[0].number.encode() in path.read_bytes()]


def test_a_technician_asks_a_camera_for_its_picture_and_sees_it(hall: HallProcess):
    page, browser = f"{hall.url}/devices/{HALL}/node-4", Browser()
    asked = browser.open(hall.sign_in_link("technician"))
    browser.send(asked, next(form for form in asked.forms if "/in/" in form.action))
    until(lambda: "camera-1" in browser.open(page).text, 30)

    def address() -> str:
        opened = browser.open(page)
        found = re.search(r'src="([^"]*camera-1\.jpg[^"]*)"', opened.text)
        if found is None:
            snapshot = next(form for form in opened.forms if form.values.get("device") == "camera-1")
            browser.send(opened, snapshot)
        return html.unescape(found[1]) if found else ""

    picture = until(address, 60, every=3, what="the picture is on the page")
    assert "JFIF" in browser.open(f"{hall.url}{picture}").text


@pytest.mark.parametrize("who", ["controller", "broker", "unit", "machine"])
def test_a_kill_just_after_the_press_loses_and_doubles_nothing(hall: HallProcess, who: str):
    known = {row[0] for row in hall.tickets()}
    hall.press("E")
    kill(hall, who)
    new = until(lambda: [row for row in hall.tickets() if row[0] not in known and row[3] in SETTLED], 60)
    assert len([row for row in hall.tickets() if row[0] not in known]) == 1
    assert hall.kinds(new[0][0]).count("TicketIssued") == 1
    assert len(presses(hall)) == len(set(presses(hall)))
    _, number, state, slip, _ = new[0]
    assert state == "waiting"
    if slip == "printed":
        assert hall.numbers().count(number) == 1
    else:  # the unit was killed while the slip came out: it says so instead of printing a second one
        assert who == "unit"
        assert hall.numbers().count(number) <= 1
    assert len(hall.numbers()) == len(set(hall.numbers()))


def test_a_ticket_survives_a_kill_at_every_step(hall: HallProcess):
    sign_in(hall, 3)
    number = take(hall, "B")
    hall.kill_worker()
    until(lambda: hall.keypad(3).get("left", "").strip() not in ("", "0"), 30, what="the keypad counts again")
    push_until(hall, 3, "call_next", lambda: number in hall.bar(3))
    hall.kill_node("node-2")
    until(lambda: hall.bar(3) == f"请{number}号到3号窗口", 30, what="the bar calls after its unit was killed")
    hall.key(3, "start")
    until(lambda: hall.bar(3) == f"{number} 正在办理", 30, what="the bar says being served")
    hall.kill_broker()
    push_until(hall, 3, "finish", lambda: bool(hall.keypad(3).get("is_asking")))
    hall.rate(3, 2)
    until(lambda: (hall.ticket(number) or (0,) * 5)[4] == 4, 30, what="the rating is stored")
    ticket = hall.ticket(number)
    assert ticket is not None
    kinds = hall.kinds(ticket[0])
    assert [kind for kind in kinds if kind in ONCE] == list(ONCE)
    assert hall.numbers().count(number) == 1


def push_until(hall: HallProcess, window: int, key: str, is_done: Callable[[], bool]) -> None:
    """Push a key, and again every few seconds, as a clerk would: a key from before a long outage is not
    carried out late."""

    def is_done_now() -> bool:
        if is_done():
            return True
        hall.key(window, key)
        return False

    until(is_done_now, 60, every=4, what=f"{key} at window {window}")


def kill(hall: HallProcess, who: str) -> None:
    match who:
        case "controller":
            hall.kill_worker()
        case "broker":
            hall.kill_broker()
        case "unit":
            hall.kill_node("node-1")
        case "machine":
            hall.kill_everything()


def presses(hall: HallProcess) -> list[tuple[str, str, int]]:
    """The identity of every press a ticket was issued for."""
    found = [body["press"] for kind, body in hall.events() if kind == "TicketIssued" and body.get("press")]
    return [(press["unit"], press["epoch"], press["seq"]) for press in found]
