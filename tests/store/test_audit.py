"""The trail of what people changed: whole as written, and whatever is done to it afterwards is found."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, text, update

from controller.hall.model import HallError
from controller.store import Store, audit, backup, schema
from controller.store import tables as t
from controller.store.audit import EMPTY, Anchor, Verdict, anchor_of, head, verify
from controller.store.audit_command import main
from controller.store.database import _engines
from tests.store.halls import MORNING, open_store, sqlite_url

TRAIL = t.audit.c


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    with closing(open_store(database)) as opened:
        yield opened


def note(store: Store, n: int, subject: str = "hall/窗口 2") -> None:
    at = MORNING + timedelta(seconds=n, microseconds=n)
    with store.writing() as c:
        audit.audit(
            "李强", "CallNext", subject, at, window=n, share=0.1, huge=1e300, why=None, wie=["é", {}]
        )(c)


def five(store: Store) -> Anchor:
    """Five rows; the head after them."""
    for n in range(5):
        note(store, n)
    with store.reading() as c:
        return head(c)


def verdict(store: Store, *anchors: Anchor) -> Verdict:
    with store.reading() as c:
        return verify(c, anchors)


def test_an_empty_trail_is_whole(store: Store) -> None:
    assert verdict(store, EMPTY) == Verdict(0, EMPTY)


def test_rows_are_chained_as_they_are_written(store: Store) -> None:
    newest = five(store)
    assert verdict(store, EMPTY, newest) == Verdict(5, newest)


def test_an_anchor_holds_while_the_trail_grows(store: Store) -> None:
    anchor = five(store)
    five(store)
    assert verdict(store, anchor).rows == 10


CHANGES = {
    "at": TRAIL.at == MORNING,
    "actor": "王芳",
    "what": "Finish",
    "subject": "hall/窗口 3",
    "details": {"window": 7},
    "previous": "f" * 64,
    "hash": "f" * 64,
    "id": 99,
}


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("id", [1, 3, 5])
def test_a_changed_row_is_named(store: Store, column: str, id: int) -> None:
    five(store)
    value = MORNING + timedelta(days=1) if column == "at" else CHANGES[column]
    with store.writing() as c:
        c.execute(update(t.audit).where(TRAIL.id == id).values({column: value}))
    found = verdict(store)
    assert found.wrong is not None
    assert re.search(r"row (\d+)", found.wrong)[1] == str(_named(column, id))  # type: ignore[index]


def _named(column: str, id: int) -> int:
    """The row that shows it: of a number that was changed, the next one, unless it is the last."""
    return (99 if id == 5 else id + 1) if column == "id" else id


@pytest.mark.parametrize("id", [1, 3])
def test_a_row_that_is_gone_leaves_a_gap(store: Store, id: int) -> None:
    five(store)
    with store.writing() as c:
        c.execute(delete(t.audit).where(TRAIL.id == id))
    assert (verdict(store).wrong or "").startswith(f"row {id + 1} ")


def test_a_row_taken_out_is_found_though_the_others_are_numbered_anew(store: Store) -> None:
    five(store)
    with store.writing() as c:
        c.execute(delete(t.audit).where(TRAIL.id == 3))
        for id in (4, 5):
            c.execute(update(t.audit).where(TRAIL.id == id).values(id=id - 1))
    assert (verdict(store).wrong or "").startswith("row 3 does not go on from row 2")


def test_that_the_newest_rows_are_gone_is_found_by_an_anchor(store: Store) -> None:
    anchor = five(store)
    with store.writing() as c:
        c.execute(delete(t.audit).where(TRAIL.id >= 4))
    assert verdict(store).wrong is None  # a chain alone cannot know what came after its end
    assert verdict(store, anchor).wrong == "row 5 was there when it was anchored and is gone"


def test_a_trail_hashed_anew_is_found_by_an_anchor(store: Store) -> None:
    anchor = five(store)
    with store.writing() as c:
        c.execute(delete(t.audit))
    for n in range(6):
        note(store, n, "hall/another story")
    assert verdict(store).wrong is None
    assert verdict(store, anchor).wrong == "row 5 is not the one that was anchored"


def test_what_was_rolled_back_is_no_part_of_the_chain(store: Store) -> None:
    five(store)
    with store.writing() as c:
        savepoint = c.begin_nested()
        audit.audit("li", "Finish", "hall", MORNING)(c)
        savepoint.rollback()
        audit.audit("li", "Start", "hall", MORNING)(c)
    assert verdict(store).rows == 6
    assert verdict(store).wrong is None


def test_programs_that_write_at_the_same_time_make_one_chain(database: str) -> None:
    """A command may write beside the controller; each has a connection of its own."""
    together = threading.Barrier(3)

    def write(_: int) -> None:
        with closing(open_store(database)) as store:
            together.wait(30)
            for n in range(8):
                note(store, n)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    with closing(open_store(database)) as store:
        assert verdict(store).rows == 24
        assert verdict(store).wrong is None


# --- any bit


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with a few rows in the trail."""
    folder = tmp_path_factory.mktemp("trail")
    with closing(open_store(sqlite_url(folder))) as store:
        five(store)
    file = folder / "hall.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    return file


def bytes_of_rows(file: Path) -> list[int]:
    """Where in the file the bytes of the trail's rows lie, by the texts that stand in them."""
    data = file.read_bytes()
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(
            "SELECT CAST(at || actor || what || subject || details || previous || hash AS BLOB) FROM audit"
        ).fetchall()
    starts = [(data.index(row), len(row)) for (row,) in rows]
    return [byte for start, length in starts for byte in range(start, start + length)]


def test_one_bit_changed_anywhere_in_the_rows_is_found(written: Path, tmp_path: Path) -> None:
    whole, tampered = written.read_bytes(), tmp_path / "hall.db"

    @settings(max_examples=150, deadline=None)
    @given(byte=st.sampled_from(bytes_of_rows(written)), bit=st.integers(0, 7))
    def changed(byte: int, bit: int) -> None:
        data = bytearray(whole)
        data[byte] ^= 1 << bit
        tampered.write_bytes(data)
        with closing(Store.existing(sqlite_url(tmp_path))) as store:
            assert verdict(store).wrong is not None
            assert verdict(store).rows < 5

    changed()


def test_a_text_made_bytes_is_found(tmp_path: Path) -> None:
    with closing(open_store(sqlite_url(tmp_path))) as store:
        five(store)
        with store.writing() as c:
            c.execute(text("UPDATE audit SET subject = CAST(subject AS BLOB) WHERE id = 2"))
        assert verdict(store).wrong == "row 2 is not as it was written"


# --- databases from before, and copies


def test_rows_from_before_are_chained_when_the_database_is_brought_up(bare_database: str) -> None:
    with closing(Store(*_engines(bare_database))) as old, old.writing() as c:
        config = Config()
        config.set_main_option("script_location", str(schema.SCRIPTS))
        config.attributes["connection"] = c
        command.upgrade(config, "0002")
        for n in range(5):
            at, details = MORNING + timedelta(seconds=n), {"window": n, "why": "忙"}
            row = {"at": at, "actor": "li", "what": "CallNext", "subject": "hall", "details": details}
            c.execute(insert(t.audit).values(row))
    with closing(open_store(bare_database)) as store:
        note(store, 6)
        assert verdict(store).rows == 6
        assert verdict(store).wrong is None


def test_a_backup_keeps_the_chain_and_goes_on_with_it(store: Store, database: str, tmp_path: Path) -> None:
    anchor = five(store)
    store.close()
    file, _ = backup.write(database, tmp_path / "copy.sqlite", MORNING)
    with closing(Store.existing(f"sqlite:///{file}")) as copy:
        assert verdict(copy, anchor) == Verdict(5, anchor)
    backup.restore(file, database, MORNING, is_forced=True)
    with closing(Store.existing(database)) as restored:
        note(restored, 6)
        assert verdict(restored, anchor).rows == 6
        assert verdict(restored, anchor).wrong is None


# --- the command


def run(url: str, *words: str) -> int:
    return main(["--url", url, *words])


def test_the_command_verifies_and_prints_an_anchor(
    store: Store, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anchor = five(store)
    assert run(database, "head") == 0
    kept = tmp_path / "anchors"
    kept.write_text(capsys.readouterr().out + "\n")
    assert run(database, "verify", "--anchors", str(kept), "--anchor", str(anchor)) == 0
    assert capsys.readouterr().out == f"the trail is whole: 5 rows, the newest is {anchor}\n"
    with store.writing() as c:
        c.execute(update(t.audit).where(TRAIL.id == 2).values(actor="nobody"))
    assert run(database, "verify") == 1
    assert capsys.readouterr().err == (
        "servicehall audit: row 2 is not as it was written; 1 row before that are whole\n"
    )


@pytest.mark.parametrize("words", ["", "7", "x:" + "0" * 64, "7:0"])
def test_what_is_no_anchor_is_named(words: str) -> None:
    with pytest.raises(HallError, match="is no anchor"):
        anchor_of(words)


def test_the_command_lists_what_is_asked_for(
    store: Store, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    five(store)
    note(store, 7, "north")
    assert run(database, "list", "--subject", "north", "--actor", "李强") == 0
    [line] = capsys.readouterr().out.splitlines()
    assert "CallNext north" in line
    assert run(database, "list", "--limit", "2") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def independently(row: dict[str, str]) -> str:
    """As docs/howto/audit.md has it."""
    names = ("previous", "id", "at", "actor", "what", "subject", "details")
    return hashlib.sha256(
        json.dumps([row[name] for name in names], separators=(",", ":")).encode()
    ).hexdigest()


def test_an_export_can_be_verified_without_this_program(store: Store, database: str, tmp_path: Path) -> None:
    anchor = five(store)
    file = tmp_path / "trail.jsonl"
    assert run(database, "export", str(file)) == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [independently(row) for row in rows] == [row["hash"] for row in rows]
    assert [row["previous"] for row in rows] == ["0" * 64, *(row["hash"] for row in rows[:-1])]
    assert rows[-1]["hash"] == anchor.hash
    assert run(database, "export", str(file)) == 1  # overwrites nothing


def test_the_program_in_the_documentation_agrees(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/howto/audit.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", page, re.S)[1]  # type: ignore[index]
    words = [sys.executable, "-c", program, str(tmp_path / "hall.db")]
    with closing(open_store(sqlite_url(tmp_path))) as store:
        anchor = five(store)
        whole = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert whole.stdout == f"whole up to {anchor}\n"
        with store.writing() as c:
            c.execute(update(t.audit).where(TRAIL.id == 4).values(actor="nobody"))
        assert subprocess.run(words, capture_output=True, text=True, timeout=60).stderr.startswith("row 4 ")
