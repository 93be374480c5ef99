"""The status page (S2.39): how fast, which parts are well, what was out, for who keeps the site running."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from controller.clock import real_now
from controller.people import SYSTEM, Role
from controller.store import backup
from controller.store.devices import Fault, clear_fault, raise_fault
from controller.store.people import Person
from tests.store.halls import MORNING
from tests.web.desk import Browser, Desk, words
from web.status import BACKUP_LATE


def technician(desk: Desk) -> Browser:
    desk.site.people.add(Person("chen", "陈工", "300", None, frozenset({Role.TECHNICIAN}), True), MORNING)
    return desk.browser("chen")


def shown(desk: Desk, lang: str = "en") -> str:
    return words(technician(desk).get(f"/status?lang={lang}"))


def test_only_who_looks_after_the_site_sees_it(desk: Desk) -> None:
    assert technician(desk).get("/status").status_code == 200
    assert desk.browser("boss").get("/status").status_code == 200
    assert desk.browser("li").get("/status").status_code == 403
    assert desk.browser().get("/status").status_code == 302


def test_it_shows_the_last_hours_percentiles(desk: Desk) -> None:
    for _ in range(95):
        desk.live.timings.board_sent.observe(0.004)
    for _ in range(5):
        desk.live.timings.board_sent.observe(1.9)
    text = shown(desk)
    row = text[text.index("Call to the screens") : text.index("Call to the speaker")]
    assert "1.9 s" in row
    assert " 100 " in row
    assert "95 of 100 below 1.0 s" in row
    assert "kept" in row


def test_a_goal_that_is_missed_is_said(desk: Desk) -> None:
    desk.live.timings.action.observe(0.8)
    text = shown(desk, "zh")
    row = text[text.index("窗口按键到应答") : text.index("叫号到屏幕")]
    assert "95% 小于 500 ms" in row
    assert "超标" in row


def test_nothing_measured_is_no_figure(desk: Desk) -> None:
    text = shown(desk)
    row = text[text.index("Order sent to carried out") : text.index("What was out")]
    assert "– – – – 0" in row


def test_an_outage_of_a_device_stands_with_its_begin_and_end(desk: Desk) -> None:
    fault = Fault("front", "printer-1", "printer.paper_out", "citizen", "", MORNING)
    desk.live.submit(None, SYSTEM, records=[raise_fault("hall", fault)])
    cleared = clear_fault("hall", "front", "printer-1", "printer.paper_out", MORNING + timedelta(minutes=7))
    desk.live.submit(None, SYSTEM, records=[cleared])
    desk.time.pass_by(minutes=30)
    text = shown(desk)
    assert "front · printer-1 paper is out 09:00:00 09:07:00 7 min 0 s" in text


def test_an_outage_that_lasts_stands_first(desk: Desk) -> None:
    desk.live.outages.begin("broker", "refused")
    text = shown(desk)
    assert "Message broker the connection was lost" in text
    assert "still" in text


def test_what_was_out_the_day_before_yesterday_is_past(desk: Desk) -> None:
    fault = Fault("front", "printer-1", "printer.paper_out", "citizen", "", MORNING)
    desk.live.submit(None, SYSTEM, records=[raise_fault("hall", fault)])
    cleared = clear_fault("hall", "front", "printer-1", "printer.paper_out", MORNING + timedelta(minutes=7))
    desk.live.submit(None, SYSTEM, records=[cleared])
    desk.time.pass_by(hours=30)
    assert "Nothing was out in the last day." in shown(desk)


def test_a_store_that_takes_nothing_is_said_with_what_to_do(desk: Desk) -> None:
    browser = technician(desk)
    desk.live.stop()
    text = words(browser.get("/status?lang=zh"))
    assert "有故障，请马上处理" in text
    assert "查看控制器日志，然后重启 servicehall 服务。" in text


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (None, "No backup was made yet."),
        (BACKUP_LATE / 2, "made 13 h 0 min ago"),
        (BACKUP_LATE * 3, "3 d 6 h"),
    ],
)
def test_the_age_of_the_last_backup_is_told(desk: Desk, age: timedelta | None, said: str) -> None:
    if age is not None:
        file = desk.site.settings.data_dir / backup.LAST
        file.touch()
        then = (real_now() - age).timestamp()
        os.utime(file, (then, then))
    assert said in shown(desk)


def test_it_says_which_versions_run(desk: Desk) -> None:
    text = shown(desk)
    assert "servicehall 0.1.0" in text
    assert "SQLite 3." in text


def test_its_own_script_gets_the_part_that_changes(desk: Desk) -> None:
    answer = technician(desk).get("/status", headers={"HX-Request": "true"})
    assert answer.get_data(as_text=True).startswith('<div id="status"')
