"""Rating a visit: on the phone page, days later, on the window's tablet, and never by staff."""

from __future__ import annotations

from datetime import timedelta

from controller.hall.commands import CallNext, CloseDay, Finish, Login, OpenDay, Start
from controller.hall.model import Ticket
from controller.people import SYSTEM
from controller.store import followups, ratings
from controller.store.seal import Seal
from controller.store.trail import Asked, traces
from tests.store.halls import DAY, MORNING
from tests.web.desk import Desk
from web.rating import tablet_code


def served(desk: Desk) -> Ticket:
    """A ticket that Li has just served at window 1."""
    ticket = desk.take()
    desk.give(Login(1, "li"), CallNext(1), Start(1), Finish(1))
    return ticket


def row(desk: Desk, ticket: Ticket) -> ratings.Rating | None:
    with desk.live.store.reading() as c:
        return ratings.find(c, desk.live.id, ticket.id)


def text(answer: object) -> str:
    return answer.get_data(as_text=True)  # type: ignore[attr-defined,no-any-return]


def tablet(desk: Desk, window: int = 1) -> str:
    with desk.app.app_context():
        return f"/h/hall/rate/{window}/{tablet_code('hall', window)}"


def next_day(desk: Desk, days: int) -> None:
    desk.live.submit(CloseDay(), SYSTEM)
    desk.time.pass_by(days=days)
    desk.live.submit(OpenDay(DAY + timedelta(days=days), MORNING + timedelta(days=days, hours=8)), SYSTEM)


def test_after_a_bad_rating_the_phone_asks_why_once(desk: Desk) -> None:
    """P.09: reasons, words, and a number that is kept sealed and shown nowhere."""
    ticket, phone = served(desk), desk.browser().client
    page = f"/t/{ticket.token}"
    assert phone.post(f"{page}/rate", data={"level": "2"}).status_code == 303
    assert "哪里让您不满意" in text(phone.get(page))
    more = {"reason": ["wait", "notice"], "words": "跑了三趟", "phone": "139 0000 1111"}
    assert phone.post(f"{page}/more", data={**more, "phone": "none"}).status_code == 409
    assert phone.post(f"{page}/more", data=more).status_code == 303
    assert "哪里让您不满意" not in text(phone.get(page))
    assert phone.post(f"{page}/more", data=more).status_code == 409
    kept = row(desk, ticket)
    assert kept is not None
    assert kept.contact is not None
    assert ([one.id for one in kept.reasons], kept.words) == (["wait", "notice"], "跑了三趟")
    assert Seal(desk.site.settings.data_dir).open(kept.contact) == "13900001111"
    assert "1390000" not in text(phone.get(page))


def test_a_visit_is_rated_days_later_and_then_no_more(desk: Desk) -> None:
    """P.10"""
    ticket, phone = served(desk), desk.browser().client
    page = f"/t/{ticket.token}"
    next_day(desk, 7)
    assert "请评价这次服务" in text(phone.get(page))
    assert phone.post(f"{page}/rate", data={"level": "4"}).status_code == 303
    assert "您的评价：满意" in text(phone.get(page))
    assert phone.post(f"{page}/rate", data={"level": "1", "key": "again"}).status_code == 409
    desk.time.pass_by(days=1)
    assert phone.get(page).status_code == 404


def test_the_tablet_opens_by_itself_and_closes_again(desk: Desk) -> None:
    """G1, P.11"""
    page, browser = tablet(desk), desk.browser().client
    assert "faces" not in text(browser.get(page))
    ticket = served(desk)
    assert f'name="ticket" value="{ticket.id}"' in text(browser.get(page))
    assert "faces" not in text(browser.get(tablet(desk, 2)))
    thanks = browser.post(page, data={"level": "1", "ticket": str(ticket.id)})
    assert "哪里让您不满意" in text(thanks)
    assert (
        browser.post(f"{page}/more", data={"ticket": str(ticket.id), "reason": "manner"}).status_code == 303
    )
    kept = row(desk, ticket)
    assert kept is not None
    assert (kept.level, kept.channel, kept.reasons[0].id) == (1, "tablet", "manner")
    assert browser.get("/h/hall/rate/1/0123456789abcdef").status_code == 404
    second = desk.take()
    desk.give(CallNext(1), Start(1), Finish(1))
    desk.time.pass_by(seconds=31)
    assert "faces" not in text(browser.get(page))
    assert row(desk, second) is None  # no answer is no answer


def test_a_rating_from_a_session_of_the_staff_is_refused_and_recorded(desk: Desk) -> None:
    """P.11"""
    ticket, browser = served(desk), desk.browser("li").client
    for address, form in (
        (f"/t/{ticket.token}/rate", {"level": "5"}),
        (tablet(desk), {"level": "5", "ticket": str(ticket.id)}),
    ):
        answer = browser.post(address, data=form)
        assert (answer.status_code, "评价由群众作出" in text(answer)) == (403, True)
    assert row(desk, ticket) is None
    asked = Asked(since=MORNING - timedelta(days=9999), until=MORNING + timedelta(days=9999), what="rating.")
    with desk.live.store.reading() as c:
        found = traces(c, asked, 10)
        assert followups.listed(c, "hall", followups.Wanted(), 10) == []
    assert [(one.what, one.actor, one.subject) for one in found] == [
        ("rating.refused", "li", f"hall/{ticket.number}")
    ] * 2
