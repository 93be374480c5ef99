"""The bulletin of a day and the report on load: the same figures as a page, a workbook and a print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from controller.hall.commands import (
    CallNext,
    CloseDay,
    Finish,
    JumpCall,
    Login,
    Logout,
    OpenDay,
    Rate,
    Start,
)
from controller.hall.model import Outcome
from controller.store.devices import Fault, raise_fault
from tests.store.halls import DAY, MORNING
from tests.web.desk import Browser, Desk, open_desk, words
from web import paper

WEEKS = 3


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A hall with three Mondays behind it, on each of which one more came than before; today is the last."""
    with open_desk(tmp_path_factory.mktemp("reports")) as desk:
        for week in range(WEEKS):
            if week:
                desk.time.now = MORNING + timedelta(weeks=week)
                desk.give(OpenDay(DAY + timedelta(weeks=week), desk.time.now + timedelta(hours=8)))
            serve(desk, 2 + week)
            desk.give(Logout(1), CloseDay())
        yield desk


def serve(desk: Desk, people: int) -> None:
    desk.give(Login(1, "li"))
    first = desk.live.hall.next_ticket
    for _ in range(people):
        desk.take("A")
    desk.time.pass_by(minutes=20)
    desk.give(JumpCall(1, first + 1, "年老"), Start(1))
    desk.time.pass_by(minutes=6)
    desk.give(Finish(1, Outcome.CASE), Rate(first + 1, 5), CallNext(1), Start(1))
    desk.time.pass_by(minutes=10)
    desk.give(Finish(1))


TODAY = DAY + timedelta(weeks=WEEKS - 1)


def strings(book: bytes) -> str:
    """Every text of a workbook."""
    with ZipFile(BytesIO(book)) as parts:
        return parts.read("xl/sharedStrings.xml").decode()


def numbers(book: bytes, sheet: int) -> list[float]:
    with ZipFile(BytesIO(book)) as parts:
        text = parts.read(f"xl/worksheets/sheet{sheet}.xml").decode()
    return [float(one) for one in re.findall(r"<c [^>]*?(?<!t=\"s\")><v>([-\d.]+)</v>", text)]


def test_the_bulletin_of_a_day_stands_beside_the_same_weekdays_before(boss: Browser) -> None:
    page = words(boss.get(f"/m/hall/day?day={TODAY}"))
    assert "并与前 2 个周一的平常值对照" in page
    assert "取号 4 平常 2.5" in page
    assert "办结 2 平常 2.0" in page
    assert "作废 2" in page
    assert "09:00 开始服务（系统）。" in page
    assert "插叫 1" in page


def test_today_counts_up_to_now_and_a_day_off_says_so(desk: Desk, boss: Browser) -> None:
    assert "当日大厅未开放服务" in words(boss.get(f"/m/hall/day?day={TODAY + timedelta(days=1)}"))
    assert boss.get("/m/hall/day?day=nonsense").status_code == 400
    assert boss.get(f"/m/hall/day.pdf?day={TODAY + timedelta(days=1)}").status_code == 404


def test_faults_of_the_day_stand_in_its_bulletin(desk: Desk, boss: Browser) -> None:
    began = MORNING + timedelta(weeks=1, hours=1)
    with desk.site.store.writing() as c:
        raise_fault("hall", Fault("node-1", "printer", "printer.paper_out", "citizen", "", began))(c)
    page = words(boss.get(f"/m/hall/day?day={DAY + timedelta(weeks=1)}&lang=en"))
    assert "Faults of devices" in page
    assert "10:00" in page


def test_the_workbook_has_the_figures_as_numbers(boss: Browser) -> None:
    answer = boss.get(f"/m/hall/day.xlsx?day={TODAY}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="bulletin-hall-{TODAY}.xlsx"'
    book = answer.get_data()
    assert "日通报" in strings(book)
    assert {4.0, 2.5} <= set(numbers(book, 1))


@pytest.mark.parametrize("address", ["day", "load"])
@pytest.mark.skipif(not any(Path(file).exists() for file, _ in paper.FONTS), reason="no Chinese font here")
def test_a_print_has_its_letters_with_it(boss: Browser, address: str) -> None:
    answer = boss.get(f"/m/hall/{address}.pdf?day={TODAY}&from={DAY}&to={TODAY}")
    assert answer.mimetype == "application/pdf"
    body = answer.get_data()
    assert body.startswith(b"%PDF-")
    assert b"/FontFile" in body


@pytest.mark.both_engines
def test_the_load_of_a_period_beside_the_one_before(boss: Browser) -> None:
    last = f"from={DAY + timedelta(weeks=1)}&to={TODAY}"
    page = words(boss.get(f"/m/hall/load?{last}"))
    assert "日均（共 2 天）" in page
    assert "取号 3.5 此前 2.0" in page
    assert "09:00 3.5" in page
    assert "所需窗口" in page


def test_the_load_of_an_area_nobody_came_to_is_empty(boss: Browser) -> None:
    first, last = DAY - timedelta(weeks=9), DAY - timedelta(weeks=8)
    page = words(boss.get(f"/m/hall/load?from={first}&to={last}&zone=x"))
    assert "没有已结束的服务日" in page


def test_the_workbook_of_the_load_has_a_chart_of_windows(boss: Browser) -> None:
    book = boss.get(f"/m/hall/load.xlsx?from={DAY}&to={TODAY}&lang=en").get_data()
    with ZipFile(BytesIO(book)) as parts:
        assert "Windows by quarter" in parts.read("xl/workbook.xml").decode()
        assert len([name for name in parts.namelist() if name.startswith("xl/charts/chart")]) == 4
