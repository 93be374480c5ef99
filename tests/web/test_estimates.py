"""The hall's own error: what people were told against how long they waited, per queue and hour."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC
from io import StringIO

import pytest

from controller.hall.commands import CallNext, Finish, Login, Start
from controller.hall.events import TicketIssued
from controller.store import log
from tests.web.desk import Browser, Desk, words
from web.timeline import timeline


@pytest.fixture
def boss(desk: Desk) -> Browser:
    """One ticket of each queue was told a wait, and called six minutes later."""
    desk.give(Login(1, "li"))
    for queue in "AB":
        desk.live.lookout.now()
        desk.take(queue)
        desk.time.pass_by(minutes=6)
        desk.give(CallNext(1), Start(1), Finish(1))
    return desk.browser("boss")


def test_the_error_is_shown_per_queue_and_hour_by_the_halls_clock(desk: Desk, boss: Browser) -> None:
    (error,) = [one for (queue, _), one in desk.live.hall.hindsight.errors.items() if queue == "A"]
    page = boss.get("/m/hall/estimates")
    assert f"A 企业 09:00 1 {error.off_s / 60:.1f} 分钟 {error.bias_s / 60:+.1f} 分钟 0% 票数还少" in words(
        page
    )
    assert 'class="chart"' in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("wish", "found"),
    [("", ["A 企业", "B 社保"]), ("?queue=B", ["B 社保"]), ("?sort=queue&dir=down", ["B 社保", "A 企业"])],
)
def test_the_list_is_filtered_and_sorted_and_leaves_as_a_file(
    boss: Browser, wish: str, found: list[str]
) -> None:
    text = boss.get(f"/m/hall/estimates.csv{wish}").get_data(as_text=True)
    assert [row["队列"] for row in csv.DictReader(StringIO(text[1:]))] == found


def test_a_hall_that_has_called_nobody_says_so(desk: Desk) -> None:
    assert "还没有告知过等候时间的票被叫到" in words(desk.browser("boss").get("/m/hall/estimates"))


def test_the_story_of_a_ticket_tells_the_wait_it_was_told(desk: Desk, boss: Browser) -> None:
    with desk.site.store.reading() as c:
        logged = [one for one in log.events(c, "hall") if isinstance(one.event, TicketIssued)]
    assert [one.event.expected is None for one in logged] == [False, False]
    steps = timeline(logged, desk.live.hall, "en", UTC, str, str)
    assert [step.told for step in steps] == ["any moment now", "under 10 min (rough estimate)"]
    unknown = [replace(one, event=replace(one.event, expected=None)) for one in logged]
    assert timeline(unknown, desk.live.hall, "en", UTC, str, str)[0].told == ""
