"""A copy made while the hall works is whole, and takes the place of any database of either engine."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from controller.hall.commands import CallNext, TakeTicket
from controller.hall.model import Hall, HallError
from controller.live import Live
from controller.lock import SiteTaken
from controller.people import CITIZEN, SYSTEM, Role
from controller.store import Store, StoreFailed, backup, integrity, log
from controller.store import tables as t
from controller.store.backup import BadBackup
from controller.store.backup_command import back_up, restore
from controller.store.people import People, Person
from controller.store.records import get_meta
from controller.trials import packed
from tests.store.engines import PostgresServer
from tests.store.halls import MORNING, count, morning, open_store, running, sqlite_url

LATER = MORNING + timedelta(days=1)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Where backups go."""
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of another database, without a table yet, on each engine."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "elsewhere")
    else:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        with postgres.database("template0") as address:
            yield address


def take(live: Live, *tokens: str) -> None:
    for token in tokens:
        live.submit(TakeTicket("A", token), CITIZEN)


@contextmanager
def opened(url: str) -> Iterator[Store]:
    with closing(Store.existing(url)) as store:
        yield store


def hall_in(url: str) -> tuple[Hall, int]:
    with opened(url) as store, store.reading() as c:
        return log.load(c, "hall")


def generation_in(url: str) -> int:
    with opened(url) as store, store.reading() as c:
        return int(get_meta(c, "generation") or 0)


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_backup_holds_what_the_running_hall_had_acknowledged(database: str, shelf: Path) -> None:
    with morning(database) as live, ThreadPoolExecutor(1) as pool:
        take(live, *(f"before-{n}" for n in range(20)))
        busy = pool.submit(take, live, *(f"during-{n}" for n in range(60)))
        file, report = backup.write(database, shelf, LATER)
        busy.result(30)
        known = live.hall.tokens
    copied, seq = hall_in(f"sqlite:///{file}")
    assert {f"before-{n}" for n in range(20)} <= set(copied.tokens) <= set(known)
    assert (report.halls, report.events, report.tickets) == (1, seq, len(copied.tickets))
    assert files(shelf) == {"servicehall-20260303-010000.sqlite"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_backup_overwrites_nothing(database: str, shelf: Path) -> None:
    file = shelf / "kept.sqlite"
    file.write_text("of yesterday")
    with morning(database), pytest.raises(BadBackup, match="is there already"):
        backup.write(database, file, LATER)
    assert file.read_text() == "of yesterday"


def test_no_backup_is_left_of_a_database_that_is_not_whole(database: str, shelf: Path) -> None:
    with morning(database) as live:
        take(live, "t1")
        with live.store.writing() as c:
            c.execute(update(t.ticket).values(number="A999"))
        with pytest.raises(BadBackup, match="1 tickets do not agree with the log"):
            backup.write(database, shelf, LATER)
    assert files(shelf) == set()


def test_a_restored_hall_goes_on_from_the_backup_under_a_higher_generation(
    database: str, shelf: Path
) -> None:
    with morning(database) as live:
        take(live, "t1", "t2")
        file, _ = backup.write(database, shelf, LATER)
        before = live.hall
        take(live, "t3")
        generation = live.store.claim()
    done = backup.restore(file, database, LATER, is_forced=True)
    assert hall_in(database)[0] == before
    assert generation_in(database) > generation
    assert done.aside is not None
    assert set(hall_in(f"sqlite:///{done.aside}")[0].tokens) == {"t1", "t2", "t3"}
    assert stat.S_IMODE(done.aside.stat().st_mode) == 0o600
    with closing(open_store(database)) as store, running(store) as live:
        take(live, "t4")
        assert live.hall.tickets[3].token == "t4"


def test_a_generation_is_never_given_again_however_old_the_backup(database: str, shelf: Path) -> None:
    given = [0]
    with morning(database):
        file, _ = backup.write(database, shelf, LATER)
    for day in range(3):
        with closing(open_store(database)) as store:
            given.append(store.claim())
        backup.restore(file, database, LATER + timedelta(days=day), is_forced=True)
    with closing(open_store(database)) as store:
        given.append(store.claim())
    assert given == sorted(set(given))


def test_a_backup_moves_to_either_engine(database: str, elsewhere: str, shelf: Path) -> None:
    with morning(database) as live:
        people = People(live.store)
        people.add(Person("li", "李", "001", None, frozenset({Role.CLERK}), True), MORNING)
        take(live, "t1", "t2")
        live.submit(CallNext(1), SYSTEM)
        file, report = backup.write(database, shelf, LATER)
        before = live.hall
    done = backup.restore(file, elsewhere, LATER)
    assert (done.report, done.aside) == (report, None)
    assert hall_in(elsewhere)[0] == before
    with closing(open_store(elsewhere)) as store, store.reading() as c:
        assert integrity.examine(c) == report
        assert People(store).find("001").name == "李"
        People(store).set_active("li", False, LATER)  # an audit row, numbered after those that came along
        with store.reading() as again:
            assert again.execute(select(t.audit.c.id).order_by(t.audit.c.id)).scalars().all() == [1, 2]


def test_nobody_is_still_signed_in_after_a_restore(database: str, shelf: Path) -> None:
    with morning(database) as live:
        people = People(live.store)
        people.add(Person("li", "李", "001", None, frozenset({Role.CLERK}), True), MORNING)
        people.link("li", MORNING)
        people.use_link(people.link("li", MORNING), MORNING)
        file, _ = backup.write(database, shelf, LATER)
    backup.restore(file, database, LATER, is_forced=True)
    with opened(database) as store:
        assert count(store, t.login_session) == count(store, t.link) == 0


def test_a_database_a_controller_has_is_not_replaced(database: str, shelf: Path) -> None:
    with morning(database) as live:
        live.store.claim()
        file, _ = backup.write(database, shelf, LATER)
        take(live, "t1")
        with pytest.raises(SiteTaken, match="in use by"):
            backup.restore(file, database, LATER, is_forced=True)
        take(live, "t2")
        assert set(live.hall.tokens) == {"t1", "t2"}


def test_a_hall_is_replaced_only_when_told_to(database: str, shelf: Path) -> None:
    with morning(database) as live:
        take(live, "t1")
        file, _ = backup.write(database, shelf, LATER)
        take(live, "t2")
    with pytest.raises(BadBackup, match=r"holds 5 events up to 2026-03-02 01:00 UTC; with --force"):
        backup.restore(file, database, LATER)
    assert set(hall_in(database)[0].tokens) == {"t1", "t2"}


def test_a_backup_that_was_tampered_with_is_not_restored(database: str, shelf: Path) -> None:
    with morning(database) as live:
        take(live, "t1")
        file, _ = backup.write(database, shelf, LATER)
    with closing(open_store(f"sqlite:///{file}")) as copy, copy.writing() as c:
        c.execute(delete(t.event).where(t.event.c.kind == "TicketIssued"))
    with pytest.raises(BadBackup, match="1 tickets are not in the log"):
        backup.restore(file, database, LATER, is_forced=True)
    assert set(hall_in(database)[0].tokens) == {"t1"}


def test_a_damaged_file_is_named_and_replaced(tmp_path: Path, shelf: Path) -> None:
    database, file = sqlite_url(tmp_path), tmp_path / "hall.db"
    with morning(database) as live:
        take(live, *(f"t{n}" for n in range(300)))
        copy, _ = backup.write(database, shelf, LATER)
        before = live.hall
    with file.open("r+b") as damaged:
        damaged.seek(4096)
        damaged.write(b"\xff" * (file.stat().st_size - 8192))
    with pytest.raises(StoreFailed, match=r"is damaged .*servicehall restore FILE"):
        open_store(database)
    done = backup.restore(copy, database, LATER, is_forced=True)
    assert hall_in(database)[0] == before
    assert done.aside is not None
    with closing(sqlite3.connect(done.aside)) as aside, pytest.raises(sqlite3.DatabaseError):
        aside.execute("SELECT count(*) FROM event").fetchone()


def test_the_newest_backups_are_kept(shelf: Path) -> None:
    for day in range(1, 6):
        (shelf / f"servicehall-2026030{day}-010000.sqlite").touch()
    (shelf / "notes.sqlite").touch()
    backup.prune(shelf, keep=2)
    assert files(shelf) == {
        "servicehall-20260304-010000.sqlite",
        "servicehall-20260305-010000.sqlite",
        "notes.sqlite",
    }


def test_the_commands_say_what_they_copied(
    database: str, shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with morning(database) as live:
        take(live, "t1")
        assert back_up(["--url", database, str(shelf), "--keep", "3"]) == 0
    assert "; 1 hall, 4 events, 1 tickets; replayed, and all of it agrees\n" in capsys.readouterr().out
    (file,) = shelf.iterdir()
    assert restore(["--url", database, str(file)]) == 1
    assert "servicehall restore: " in capsys.readouterr().err
    assert restore(["--url", database, "--force", str(file)]) == 0
    assert "the database holds what the backup did: 1 hall, 4 events, 1 tickets" in capsys.readouterr().out


def test_the_status_page_can_tell_how_old_the_last_backup_is(
    database: str, shelf: Path, tmp_path: Path
) -> None:
    config = tmp_path / "controller.toml"
    config.write_text(f'store_url = "{database}"\ndata_dir = "."\n')
    with morning(database):
        assert back_up(["-c", str(config), str(shelf)]) == 0
    (file,) = shelf.iterdir()
    assert (tmp_path / backup.LAST).stat().st_mtime >= file.stat().st_mtime - 1


def test_results_of_trials_are_beside_the_backup_and_come_back(
    database: str, shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, trials = tmp_path / "controller.toml", tmp_path / "trials"
    config.write_text(f'store_url = "{database}"\ndata_dir = "."\n')
    for number, names in (("7", ("request", "asked", "result")), ("8", ("request", "asked"))):
        (trials / number).mkdir(parents=True)
        for name in names:
            (trials / number / f"{name}.json").write_text(f'"{name} {number}"')
    with morning(database):
        assert back_up(["-c", str(config), str(shelf)]) == 0
    beside, file = sorted(shelf.iterdir(), key=lambda path: path.suffix, reverse=True)
    shutil.rmtree(trials)
    assert restore(["-c", str(config), "--force", str(file)]) == 0
    assert f"{beside}: results of trials put back, 1" in capsys.readouterr().out
    assert (trials / "7" / "result.json").read_text() == '"result 7"'
    assert not (trials / "8").exists()
    beside.write_bytes(b"PK")
    with pytest.raises(HallError, match="holds no results of trials"):
        packed.unpack(beside, trials)


def test_a_backup_that_is_not_there_is_named(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert restore(["--url", database, "/nowhere/copy.sqlite"]) == 1
    assert "there is no backup /nowhere/copy.sqlite" in capsys.readouterr().err


def test_a_folder_one_may_not_write_to_is_named(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    with morning(database):
        assert back_up(["--url", database, "/proc/copy.sqlite"]) == 1
    assert "/proc/copy.sqlite.part: " in capsys.readouterr().err
