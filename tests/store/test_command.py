"""`servicehall store`: each verb does its work and says in one sentence what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, text

from controller.hall.commands import TakeTicket
from controller.people import CITIZEN
from controller.store import tables as t
from controller.store.command import main
from tests.store.halls import count, morning, open_store, sqlite_url

ITEMS = "department,name,item_code\n区社保局,养老保险参保登记,511A-1\n区税务局,增值税申报,511B-2\n"


def store(url: str, *words: str) -> int:
    return main(["--url", url, *words])


def test_migrate_makes_the_database_and_check_finds_it_whole(
    bare_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store(bare_database, "migrate") == 0
    assert store(bare_database, "check") == 0
    assert "the database is whole" in capsys.readouterr().out


def test_the_database_of_a_settings_file_is_meant(tmp_path: Path) -> None:
    settings = tmp_path / "controller.toml"
    settings.write_text(f'store_url = "{sqlite_url(tmp_path)}"\n')
    assert main(["-c", str(settings), "migrate"]) == 0
    assert (tmp_path / "hall.db").exists()


@pytest.mark.parametrize("verb", ["check", "inspect", "rebuild"])
def test_a_database_that_is_not_there_is_not_made(
    bare_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert store(bare_database, verb) == 1
    assert capsys.readouterr().err.endswith("make it with: servicehall store migrate\n")
    assert not (tmp_path / "hall.db").exists()


def test_check_finds_rows_that_disagree_with_the_log_and_rebuild_mends_them(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with morning(database) as live:
        live.submit(TakeTicket("A", "t1"), CITIZEN)
        with live.store.writing() as c:
            c.execute(text("UPDATE ticket SET number = 'A999'"))
    assert store(database, "check") == 1
    assert "1 tickets do not agree with the log, the first is 1" in capsys.readouterr().err
    assert store(database, "rebuild") == 0
    assert store(database, "check") == 0


def test_check_finds_a_snapshot_that_disagrees_with_the_log(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with morning(database) as live:
        live.submit(TakeTicket("A", "t1"), CITIZEN)
        live.keep_snapshot()
        with live.store.writing() as c:
            c.execute(text("UPDATE snapshot SET seq = seq - 1"))
    assert store(database, "check") == 1
    assert "the snapshot does not agree with the log" in capsys.readouterr().err


def test_inspect_tells_what_is_in_it(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    with morning(database) as live:
        live.submit(TakeTicket("A", "t1"), CITIZEN)
        seq = live.seq
    assert store(database, "inspect") == 0
    said = capsys.readouterr().out
    assert "hall hall" in said
    assert f"{seq} events from 2026-03-02 01:00:00" in said
    assert f"snapshot after event {seq}" in said


def test_inspect_names_what_is_not_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hall.db").write_text("not a database at all, but long enough to look at\n" * 100)
    assert store(sqlite_url(tmp_path), "inspect") == 1
    assert (
        "is damaged (file is not a database); stop the controller and put the last backup"
        in capsys.readouterr().err
    )


def test_items_come_in_from_a_file_and_again_without_harm(database: str, tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_text(ITEMS, encoding="utf-8-sig")
    store(database, "migrate")
    assert store(database, "import-items", str(file)) == 0
    opened = open_store(database)
    with opened.writing() as c:
        c.execute(text("UPDATE item SET queue = 'B' WHERE code = '511A-1'"))
    assert store(database, "import-items", str(file)) == 0
    with opened.reading() as c:
        item = c.execute(select(t.item).where(t.item.c.code == "511A-1")).one()
    assert (item.name, item.department, item.queue, item.is_sample) == (
        "养老保险参保登记",
        "区社保局",
        "B",
        False,
    )
    assert count(opened, t.item) == 2
    opened.close()


def test_a_file_may_say_queue_minutes_and_that_they_are_samples(database: str, tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_text(
        "department,name,item_code,queue,minutes,is_sample,short_name\n局,事,1,A,12,是,简\n局,事,2,,,,\n"
    )
    store(database, "migrate")
    assert store(database, "import-items", str(file)) == 0
    opened = open_store(database)
    with opened.reading() as c:
        rows = c.execute(select(t.item).order_by(t.item.c.code)).all()
    opened.close()
    assert [(row.queue, row.minutes, row.is_sample, row.short_name) for row in rows] == [
        ("A", 12, True, "简"),
        (None, None, False, ""),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,item_code\na,1\n", "has no column 'department' in its first line"),
        ("department,name,item_code\n局,,1\n", "line 2: name is empty"),
        ("department,name,item_code\n局,事\n", "line 2: item_code is empty"),
        ("department,name,item_code,minutes\n局,事,1,soon\n", "line 2: minutes 'soon' is not a whole number"),
        ("department,name,item_code,is_sample\n局,事,1,maybe\n", "line 2: is_sample 'maybe' is neither"),
        ("department,name,item_code\n局,事,1\n局,事,1\n", "line 3: item_code 1 is there twice"),
    ],
)
def test_a_bad_list_of_items_changes_nothing(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    file = tmp_path / "items.csv"
    file.write_text(content)
    store(database, "migrate")
    assert store(database, "import-items", str(file)) == 1
    assert message in capsys.readouterr().err
    opened = open_store(database)
    assert count(opened, t.item) == 0
    opened.close()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--url", "nonsense", "check"], "'nonsense' is no database URL"),
        (["--url", "postgresql://127.0.0.1:1/hall", "inspect"], "the database failed: connection"),
        (["-c", "/nowhere/controller.toml", "check"], "/nowhere/controller.toml cannot be read"),
    ],
)
def test_a_wrong_address_is_explained(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(words) == 1
    assert message in capsys.readouterr().err
