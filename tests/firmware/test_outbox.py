"""The node's durable memory: numbers never given twice, presses never lost, slips never printed twice."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from firmware.protocol import store_setup
from firmware.protocol.codec import BadMessage, decode
from firmware.protocol.messages import (
    Faulted,
    IssuedOffline,
    Lease,
    Pressed,
    Print,
    Printed,
    Rated,
    Recovered,
    Report,
    Result,
    ResultState,
    TimeQuality,
)
from firmware.protocol.outbox import (
    RESULTS_KEPT,
    SETTLE_AFTER,
    Outbox,
    Outcome,
    SavedBoard,
    Settled,
    SlipMark,
    StoreFault,
    UnitClock,
    offline_cid,
)

PRESS = Pressed(input="button-1")
_opened: list[Outbox] = []


def reopen(path: Path) -> Outbox:
    """As after a restart of the agent; closed when the test ends."""
    _opened.append(Outbox.open(path))
    return _opened[-1]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    store_setup.main([str(path)])
    found = Outbox.open(path)
    yield found
    found.close()


def done(cid: str) -> Result:
    return Result(cid=cid, state=ResultState.DONE)


def lease(number: int, first: int, last: int, day: str = "2026-11-23", queue: str = "A") -> Lease:
    return Lease(lease=number, queue=queue, day=day, prefix=queue, first=first, last=last)


def commits(outbox: Outbox, counted: list[str]) -> list[str]:
    """Statements that make SQLite write to the disk, since this was called."""
    outbox._db.set_trace_callback(lambda sql: counted.append(sql) if sql == "COMMIT" else None)
    return counted


def order(press: int | None, epoch: str = "", number: str = "A007") -> Print:
    return Print(device="printer-1", lines=[], press=press, press_epoch=epoch, number=number, qr="https://x")


# --- numbers


def test_r03_a_number_is_never_given_again_even_after_its_row_is_gone(outbox, path):
    assert [outbox.append(PRESS) for _ in range(3)] == [1, 2, 3]
    outbox.heard(3)
    outbox.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM event")
        db.commit()
    assert reopen(path).append(PRESS) == 4


def test_r03_epoch_stays_and_boot_and_session_go_up_over_restarts(outbox, path):
    sessions = [outbox.next_session(), outbox.next_session()]
    outbox.close()
    again = reopen(path)
    assert sessions == [1, 2]
    assert again.next_session() == 3
    assert (again.epoch, again.boot) == (outbox.epoch, outbox.boot + 1)


def test_an_event_keeps_when_it_happened_and_how_far_to_believe_it(outbox):
    outbox.append(PRESS)
    (entry,) = outbox.after(0, 10)
    assert (entry.t, entry.boot, entry.tq) == ("Pressed", 1, TimeQuality.UNTRUSTED)
    assert decode(entry.body, Pressed) == PRESS


def test_r07_an_event_too_large_to_be_sent_is_never_stored(outbox):
    with pytest.raises(BadMessage, match="Faulted of"):
        outbox.append(Faulted(device="printer-1", code="x", detail="y" * 16_000))
    assert outbox.append(PRESS) == 1


# --- what a commit costs


def test_a_press_costs_one_commit_and_a_slip_two(outbox):
    found = commits(outbox, [])
    seq, _ = outbox.press(PRESS)
    assert len(found) == 1
    outbox.begin_slip("c1", order(seq, outbox.epoch))
    outbox.finish(done("c1"), Printed(order="c1", press=seq), slip="c1")
    assert len(found) == 3


def test_a_press_costs_the_same_with_days_of_acked_events_behind_it(outbox):
    counted = [0]

    def steps_of_a_press() -> int:
        counted[0] = 0
        outbox.press(PRESS)
        outbox.heard(outbox.last)
        outbox.press(PRESS)
        return counted[0]

    def count() -> None:
        counted[0] += 1

    outbox._db.set_progress_handler(count, 10)  # instructions of SQLite
    few = steps_of_a_press()
    for _ in range(2000):
        outbox.append(PRESS)
    outbox.heard(outbox.last)
    outbox.append(PRESS)
    assert steps_of_a_press() < 1.5 * few


def test_what_was_committed_is_carried_into_the_file_beside_whoever_commits(outbox, path):
    assert not outbox.settle_down()
    for _ in range(SETTLE_AFTER):
        outbox.append(PRESS)
    with closing(sqlite3.connect(path, isolation_level=None)) as committing:
        committing.execute("BEGIN IMMEDIATE")
        assert outbox.settle_down()
        committing.execute("ROLLBACK")
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as without_log:
        assert without_log.execute("SELECT count(*) FROM event").fetchone() == (SETTLE_AFTER,)
    assert not outbox.settle_down()


def test_an_offline_number_with_its_slips_mark_costs_one_commit(outbox):
    seq, _ = outbox.press(PRESS)
    found = commits(outbox, [])
    outbox.number_offline(seq, "A", "2")
    assert len(found) == 1


def test_an_ack_costs_no_commit_of_its_own_and_is_durable_with_the_next(outbox, path):
    outbox.append(PRESS)
    found = commits(outbox, [])
    assert outbox.heard(1)
    assert found == []
    outbox.append(PRESS)
    outbox._db.close()  # No close() of ours: as if the power went.
    assert reopen(path).acked == 1


def test_power_safe_settings_are_in_force(outbox):
    assert outbox._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert outbox._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


# --- acks


def test_r06_acks_are_cumulative_and_never_go_back_or_beyond(outbox):
    for _ in range(5):
        outbox.append(PRESS)
    assert [outbox.heard(hi) for hi in (3, 3, 2, 6, 5)] == [True, False, False, False, True]
    assert outbox.acked == 5


def test_state_tells_how_much_waits_and_how_long(outbox):
    for _ in range(3):
        outbox.append(PRESS)
    outbox.heard(1)
    state = outbox.state()
    assert (state.hi, state.acked, state.depth) == (3, 1, 2)
    assert 0 <= state.oldest_s < 60


class LaterClock(UnitClock):
    """A unit clock some days ahead."""

    days = 0

    def now(self):
        return super().now() + timedelta(days=self.days)


def test_f81_acked_events_are_kept_for_seven_days(path):
    store_setup.main([str(path)])
    clock = LaterClock()
    outbox = Outbox.open(path, clock)
    for _ in range(3):
        outbox.press(PRESS)
    outbox.heard(2)
    outbox.put("anything", 1)
    clock.days = 6
    outbox.sweep()
    assert len(outbox.after(0, 9)) == 3
    clock.days = 8
    outbox.sweep()
    assert [entry.seq for entry in outbox.after(0, 9)] == [3]
    outbox.close()


def test_f81_rewind_makes_events_unacked_again(outbox):
    for _ in range(4):
        outbox.append(PRESS)
    outbox.heard(4)
    outbox.append(PRESS)
    outbox.rewind(2)
    assert (outbox.acked, outbox.state().depth) == (2, 3)


# --- presses, numbers and slips


def test_the_same_key_is_the_same_press(outbox, path):
    first = outbox.press(PRESS, "key-1")
    outbox.close()
    again = reopen(path)
    assert first == (1, True)
    assert again.press(PRESS, "key-1") == (1, False)
    assert again.press(PRESS, "key-2") == (2, True)


def test_numbers_come_from_the_lease_of_the_day_then_from_the_own_series(outbox):
    outbox.put("day", "2026-11-23")
    outbox.take_lease(lease(7, 101, 102), done("lease-7"))
    outbox.take_lease(lease(8, 201, 240, day="2026-11-22"), done("lease-8"))
    issued = [outbox.number_offline(outbox.press(PRESS)[0], "A", "2") for _ in range(4)]
    assert [one.number for one in issued] == ["A101", "A102", "A-2-001", "A-2-002"]
    assert [one.lease for one in issued] == [7, 7, None, None]
    assert {one.day for one in issued} == {"2026-11-23"}


def test_a_lease_sent_twice_does_not_begin_again(outbox):
    outbox.put("day", "2026-11-23")
    outbox.take_lease(lease(7, 101, 140), done("c1"))
    outbox.number_offline(outbox.press(PRESS)[0], "A", "2")
    outbox.take_lease(lease(7, 101, 140), done("c2"))
    assert outbox.number_offline(outbox.press(PRESS)[0], "A", "2").number == "A102"


def test_f18_the_own_series_begins_again_only_with_a_new_business_day(outbox):
    outbox.put("day", "2026-11-23")
    first = outbox.number_offline(outbox.press(PRESS)[0], "B", "2").number
    outbox.put("day", "2026-11-24")
    second = outbox.number_offline(outbox.press(PRESS)[0], "B", "2").number
    outbox.put("day", "2026-11-23")
    third = outbox.number_offline(outbox.press(PRESS)[0], "B", "2").number
    assert (first, second, third) == ("B-2-001", "B-2-001", "B-2-002")


def test_f17_a_press_is_settled_once_by_whatever_came_first(outbox):
    early, late, refused = (outbox.press(PRESS)[0] for _ in range(3))
    assert outbox.begin_slip("c1", order(early, outbox.epoch))
    assert outbox.number_offline(early, "A", "2") is None
    assert outbox.number_offline(late, "A", "2") is not None
    assert not outbox.begin_slip("c2", order(late, outbox.epoch))
    assert outbox.refuse(refused, "今日号已发完", "No numbers left today")
    assert not outbox.begin_slip("c3", order(refused, outbox.epoch))
    assert outbox.outcome(early) == Outcome(Settled.PRINT, "A007", "https://x")
    assert outbox.outcome(late) == Outcome(Settled.OFFLINE, "A-2-001")
    assert outbox.outcome(refused) == Outcome(Settled.REFUSED, zh="今日号已发完", en="No numbers left today")


def test_a_copy_and_a_press_of_another_epoch_are_printed(outbox):
    assert outbox.begin_slip("copy", order(None))
    assert outbox.begin_slip("old", order(1, "another"))


def test_f14_a_slip_begun_and_not_ended_is_known_after_the_power_cut(outbox, path):
    seq, _ = outbox.press(PRESS)
    outbox.begin_slip("c1", order(seq, outbox.epoch))
    outbox.begin_slip("c2", order(None, number="A008"))
    outbox.finish(done("c2"), Printed(order="c2"), slip="c2")
    outbox._db.close()
    assert reopen(path).open_slips() == [SlipMark("c1", seq, "A007")]


def test_an_offline_slip_is_marked_with_its_number(outbox):
    seq, _ = outbox.press(PRESS)
    outbox.number_offline(seq, "A", "2")
    assert outbox.open_slips() == [SlipMark(offline_cid(seq), seq, "A-2-001")]


def test_a_unit_without_a_printer_marks_no_slip(outbox):
    seq, _ = outbox.press(PRESS)
    outbox.number_offline(seq, "A", "2", has_slip=False)
    assert outbox.open_slips() == []


# --- orders, faults, boards


def test_r08_the_last_thousand_results_are_remembered(outbox):
    for number in range(RESULTS_KEPT + 1):
        outbox.finish(done(f"c{number}"))
    assert outbox.result("c0") is None
    assert outbox.result("c1") == done("c1")
    assert outbox.result(f"c{RESULTS_KEPT}") == done(f"c{RESULTS_KEPT}")


def test_faults_are_open_until_they_recover(outbox, path):
    outbox.append(Faulted(device="printer-1", code="printer.paper_out", severity="citizen"))
    outbox.append(Faulted(device="led-1", code="led.gone"))
    outbox.append(Recovered(device="led-1", code="led.gone"))
    outbox.close()
    assert [fault.device for fault in reopen(path).faults()] == ["printer-1"]


def test_boards_are_kept(outbox, path):
    board = SavedBoard("w3", 2, 17, b"{}")
    outbox.save_boards([board])
    outbox.close()
    assert reopen(path).boards() == [board]


# --- the file


def test_f41_a_corrupted_store_is_set_aside_and_a_new_epoch_begins(outbox, path):
    outbox.append(PRESS)
    outbox.close()
    path.write_bytes(b"this is not a database " * 1000)
    again = reopen(path)
    assert again.epoch != outbox.epoch
    assert again.set_aside == path.with_name("outbox.sqlite.corrupt-1")
    assert again.set_aside.read_bytes().startswith(b"this is not")
    assert again.append(PRESS) == 1
    assert reopen(path).set_aside is None


def test_f41_after_a_corrupted_store_the_own_series_cannot_repeat_a_number_of_today(outbox, path):
    first = outbox.number_offline(outbox.press(PRESS)[0], "A", "2").number
    outbox.close()
    path.write_bytes(b"this is not a database " * 1000)
    again = reopen(path)
    second = again.number_offline(again.press(PRESS)[0], "A", "2").number
    assert (first, second) == ("A-2-001", "A-2A-001")


def test_the_store_is_readable_by_its_owner_only(path):
    Outbox.open(path).close()
    assert path.stat().st_mode & 0o077 == 0


def test_creating_a_store_does_not_bring_sqlite_utils_into_the_agent(path):
    program = (
        "import sys; from pathlib import Path; from firmware.protocol.outbox import Outbox;"
        f"Outbox.open(Path({str(path)!r})).close();"
        "sys.exit('sqlite_utils' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_f40_a_disk_that_takes_nothing_is_a_store_fault(outbox):
    outbox._db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreFault, match=r"outbox\.sqlite: attempt to write a readonly database"):
        outbox.append(PRESS)
    outbox._db.execute("PRAGMA query_only = OFF")
    assert outbox.append(PRESS) == 1


def test_many_threads_get_different_numbers(outbox):
    given: list[int] = []
    threads = [
        threading.Thread(target=lambda: given.extend(outbox.append(PRESS) for _ in range(25)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == list(range(1, 101))


WRITER = """
import sys
from pathlib import Path
from firmware.protocol.messages import Rated
from firmware.protocol.outbox import Outbox
outbox = Outbox.open(Path(sys.argv[1]))
for number in range(10_000):
    print(outbox.append(Rated(device="keypad-1", level=5)), flush=True)
"""


def test_f42_what_was_told_after_its_commit_survives_kill_9(outbox, path):
    outbox.close()
    told = 0
    for kills in range(4):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        numbers = [int(writer.stdout.readline()) for _ in range(10 + kills)]
        os.kill(writer.pid, 9)
        numbers += [int(line) for line in writer.stdout.read().splitlines()]
        writer.wait()
        writer.stdout.close()
        assert numbers[0] > told  # One may have been committed and not told; none is given twice.
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        told = numbers[-1]
    again = reopen(path)
    assert [entry.seq for entry in again.after(0, 10_000)] == list(range(1, again.last + 1))
    assert told <= again.last <= told + 1


def reports() -> list[Report]:
    return [PRESS, IssuedOffline(press=1, queue="A", number="A1", day=""), Rated(device="k", level=1)]


def test_every_report_comes_back_as_it_went_in(outbox):
    for one in reports():
        outbox.append(one)
    assert [
        decode(entry.body, type(one)) for entry, one in zip(outbox.after(0, 9), reports(), strict=True)
    ] == (reports())
