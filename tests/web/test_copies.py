"""A further slip of a ticket: who may print one, where, and that a doubled click prints one (F14)."""

from __future__ import annotations

import pytest

from controller.bus import Bus
from controller.hall.commands import CancelTicket
from controller.hall.model import Text
from controller.orders import Renderer
from controller.store import orders
from controller.store.records import add_hall
from firmware.protocol.codec import decode
from firmware.protocol.messages import DeviceConfig, Print, ResultState, UnitConfig
from tests.store.halls import MORNING
from tests.web.desk import Browser, Desk, words

PRINTER = DeviceConfig(device="printer-1", kind="printer", wire="serial:/dev/null")


@pytest.fixture
def hall(desk: Desk) -> Desk:
    """A hall with a printer at its door and a unit without one."""
    site = desk.site
    with site.store.writing() as c:
        add_hall(c, "hall", desk.live.hall.plan.name, MORNING)
    for name, devices in (("door", [PRINTER]), ("wall", [])):
        config = UnitConfig(rev=0, position=name, devices=devices)
        text = Text("大门", "Door") if devices else Text("墙", "Wall")
        site.devices.put_position("hall", name, text, config, MORNING)
        site.devices.add_unit("hall", name, MORNING, name)
    renderer = Renderer("hall", site.settings, 1, lambda: site.devices.book)
    site.bus["hall"] = Bus(desk.live, site.devices, site.settings, 1, renderer, site.work_days)
    return desk


@pytest.fixture
def guide(hall: Desk) -> Browser:
    return hall.browser("guide")


def ordered(hall: Desk) -> list[Print]:
    with hall.site.store.reading() as c:
        return [decode(one.body, Print) for one in orders.pending(c, "hall") if one.cid.startswith("copy-")]


def test_only_what_follows_the_first_slip_says_that_it_is_a_copy(hall: Desk, guide: Browser) -> None:
    ticket = hall.take("A")  # without a press, so without paper
    page = f"/m/hall/tickets/{ticket.id}"
    assert "大门 （未连接）" in words(guide.get(page))
    for _ in range(2):
        assert guide.post(f"{page}/copy", page=page, unit="door").status_code == 303
    first, second = ordered(hall)
    assert first.number == second.number == ticket.number
    assert first.press is second.press is None
    assert "补打 COPY" not in [line.text for line in first.lines]
    assert "补打 COPY" in [line.text for line in second.lines]
    assert "大门 已发送" in words(guide.get(page))


def test_a_doubled_click_prints_one_copy(hall: Desk, guide: Browser) -> None:
    page = f"/m/hall/tickets/{hall.take('A').id}"
    for _ in range(2):
        guide.post(f"{page}/copy", page=page, unit="door", key="one-click")
    assert len(ordered(hall)) == 1


def test_what_became_of_a_copy_is_shown(hall: Desk, guide: Browser) -> None:
    page = f"/m/hall/tickets/{hall.take('A').id}"
    guide.post(f"{page}/copy", page=page, unit="door")
    with hall.site.store.writing() as c:
        [order] = orders.pending(c, "hall")
        orders.settle(c, "hall", [(order.cid, ResultState.DONE, "")], MORNING)
    assert "大门 已打印" in words(guide.get(page))


def test_copies_of_another_ticket_are_not_shown(hall: Desk, guide: Browser) -> None:
    tickets = [hall.take("A") for _ in range(11)]  # 1 and 11 begin alike
    page = f"/m/hall/tickets/{tickets[10].id}"
    guide.post(f"{page}/copy", page=page, unit="door")
    assert "已发送" not in words(guide.get(f"/m/hall/tickets/{tickets[0].id}"))


@pytest.mark.parametrize("unit", ["wall", "nowhere", ""])
def test_where_there_is_no_printer_nothing_is_ordered(hall: Desk, guide: Browser, unit: str) -> None:
    page = f"/m/hall/tickets/{hall.take('A').id}"
    answer = guide.post(f"{page}/copy", page=page, unit=unit)
    assert answer.status_code == 409
    assert "无法在该处补打" in words(answer)
    assert not ordered(hall)


def test_a_ticket_that_is_over_gets_no_copy(hall: Desk, guide: Browser) -> None:
    ticket = hall.take("A")
    hall.give(CancelTicket(ticket.id))
    page = f"/m/hall/tickets/{ticket.id}"
    assert "补打号票" not in words(guide.get(page))
    assert guide.post(f"{page}/copy", page=page, unit="door").status_code == 409


def test_a_clerk_prints_none(hall: Desk) -> None:
    page = f"/m/hall/tickets/{hall.take('A').id}"
    assert hall.browser("li").post(f"{page}/copy", page="/", unit="door").status_code == 403


def test_the_copy_is_in_the_audit_trail(hall: Desk, guide: Browser) -> None:
    ticket = hall.take("A")
    page = f"/m/hall/tickets/{ticket.id}"
    guide.post(f"{page}/copy", page=page, unit="door")
    [row] = hall.site.people.trail(10, "PrintCopy")
    assert (row["actor"], row["subject"]) == ("guide", f"hall/{ticket.number}")
