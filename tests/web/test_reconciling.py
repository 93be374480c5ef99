"""The manager looks through a day's numbers after an outage, exports them and accepts them."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO

import pytest

from controller.hall.commands import AcceptOffline, LeaseNumbers, TakeTicket
from controller.hall.model import Press
from tests.store.halls import DAY
from tests.web.desk import Browser, Desk, words

PAGE = "/m/hall/reconciliation"


@pytest.fixture
def boss(desk: Desk) -> Browser:
    return desk.browser("boss")


def press(seq: int) -> Press:
    return Press("node-1", "e1", seq)


def outage(desk: Desk) -> None:
    """One number online, a granted one that came too late, one of a lease, one of the own series in doubt."""
    desk.take("A")
    desk.give(TakeTicket("A", "t9", press=press(9)), LeaseNumbers("node-1", "A", 3))
    first = desk.live.hall.leases[1].first
    taken_at = desk.live.clock.now()
    desk.time.pass_by(minutes=30)
    desk.give(
        AcceptOffline(press(1), "A", f"A{first:03d}", "t1", taken_at),
        AcceptOffline(press(9), "A", "A-1-001", "t2", taken_at),
        AcceptOffline(press(3), "A", "A-1-002", "t3", taken_at),
    )


def test_a_quiet_day_is_accounted_for(desk: Desk, boss: Browser) -> None:
    desk.take("A")
    page = words(boss.get(PAGE))
    assert "每个号码都有着落。 共取号 1 张。" in page
    assert "没有空号。" in page


def test_an_outage_is_told_by_source_gap_and_time(desk: Desk, boss: Browser) -> None:
    outage(desk)
    page = words(boss.get(PAGE))
    assert "取号机预留号段 node-1" in page
    assert "取号机自编号 node-1" in page
    assert "取号机断线时已发别的号" in page
    assert "预留给取号机，没有用到" in page
    assert "断线期间取的号 2" in page
    english = words(boss.get(f"{PAGE}?lang=en"))
    assert "Every number is accounted for." in english
    assert "a dispenser, from its own series" in english


def test_it_is_exported_for_a_spreadsheet(desk: Desk, boss: Browser) -> None:
    outage(desk)
    answer = boss.get(f"{PAGE}.csv")
    assert f"reconciliation-hall-{DAY}.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert rows[0][2:4] == ["起号", "止号"]
    assert {row[0] for row in rows[1:]} >= {"来源", "空号", "断线取号"}


def test_the_manager_accepts_the_day_and_the_page_says_who_did(desk: Desk, boss: Browser) -> None:
    outage(desk)
    boss.post(PAGE, PAGE, day=DAY.isoformat())
    assert "boss 于" in words(boss.get(PAGE))


def test_a_day_without_tickets_says_so(desk: Desk, boss: Browser) -> None:
    assert "这一天没有人取号。" in words(boss.get(f"{PAGE}?day={DAY - timedelta(days=3)}"))
    assert boss.get(f"{PAGE}?day=yesterday").status_code == 400


def test_a_guide_may_look_and_not_accept(desk: Desk) -> None:
    guide = desk.browser("guide")
    assert "确认无误" not in words(guide.get(PAGE))
    assert guide.post(PAGE, PAGE, day=DAY.isoformat()).status_code == 403
