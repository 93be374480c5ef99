"""Calls out of turn are listed for the manager: by day, window and words, in any order, and as a file."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from controller.hall.commands import CallNext, Finish, JumpCall, Login, Start
from tests.web.desk import Browser, Desk, words


@pytest.fixture
def boss(desk: Desk) -> Browser:
    """Three wait; Li calls the third, then the second out of turn, and the first in turn."""
    for _ in range(3):
        desk.take("A")
    desk.give(Login(1, "li"))
    desk.time.pass_by(minutes=4)
    desk.give(JumpCall(1, 3, "老年人"), Start(1), Finish(1))
    desk.time.pass_by(minutes=3)
    desk.give(JumpCall(1, 2, "行动不便"), Start(1), Finish(1), CallNext(1))
    return desk.browser("boss")


def test_the_list_names_whom_who_why_and_how_many_were_passed(boss: Browser) -> None:
    page = words(boss.get("/m/hall/jumps"))
    assert "2 次插叫" in page
    assert "03-02 09:07 A002 企业 1 系统 7 分钟 1 行动不便" in page
    assert "03-02 09:04 A003 企业 1 系统 4 分钟 2 老年人" in page
    assert "A001" not in page


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ("q=老年", ["A003"]),
        ("q=a002", ["A002"]),
        ("window=2", []),
        ("sort=number&dir=up", ["A002", "A003"]),
        ("from=2026-03-03&to=2026-03-04", []),
        ("from=2026-01-01&to=2026-03-02&sort=waited&dir=up", ["A003", "A002"]),
        ("from=x&to=y&window=z&sort=%27&dir=w", ["A002", "A003"]),
    ],
)
def test_the_list_is_filtered_and_sorted_and_leaves_as_a_file(
    boss: Browser, wish: str, found: list[str]
) -> None:
    answer = boss.get(f"/m/hall/jumps.csv?{wish}")
    rows = list(csv.DictReader(StringIO(answer.get_data(as_text=True)[1:])))
    assert [row["票号"] for row in rows] == found
    page = words(boss.get(f"/m/hall/jumps?{wish}"))
    assert ("这些天没有插叫" in page) == (not found)


def test_a_clerk_does_not_see_the_list(boss: Browser, desk: Desk) -> None:
    assert desk.browser("li").get("/m/hall/jumps").status_code == 403
