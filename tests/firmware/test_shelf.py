"""The boards a unit knows: the newest of each, kept over a restart."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from firmware.devices import shows
from firmware.protocol.messages import DeviceConfig, QueueLine, ShutTime, UnitConfig
from firmware.protocol.outbox import Outbox, SavedBoard
from firmware.shelf import MOST_BOARDS, Shelf, cursor_of, wanted_boards, why_shut
from tests.firmware.hall_unit import kiosk_board, window_board


@pytest.fixture
def outbox(tmp_path) -> Iterator[Outbox]:
    found = Outbox.open(tmp_path / "outbox.sqlite")
    yield found
    found.close()


@dataclass(frozen=True)
class Sent:
    gen: int
    ver: int
    is_taken: bool


@pytest.mark.parametrize(
    "sent", [Sent(2, 6, True), Sent(3, 1, True), Sent(2, 5, False), Sent(2, 4, False), Sent(1, 9, False)]
)
def test_f23_f24_only_a_newer_board_is_taken(outbox, sent):
    shelf = Shelf(outbox)
    shelf.take(window_board(5, "now", gen=2))
    assert shelf.take(window_board(sent.ver, "sent", gen=sent.gen)) is sent.is_taken
    assert shelf.get("w3").window.line == ("sent" if sent.is_taken else "now")


def test_f25_boards_are_there_after_a_restart(outbox):
    shelf = Shelf(outbox)
    shelf.take(window_board(5, "请A007号到3号窗口"))
    shelf.save()
    assert Shelf(outbox).get("w3").window.line == "请A007号到3号窗口"


def test_every_board_that_is_known_can_be_shown_again(outbox):
    """A lamp without a board of its own is lit again from any that tells of its queue."""
    shelf = Shelf(outbox)
    shelf.take(window_board(1, "x"))
    shelf.take(kiosk_board(2))
    lamp = DeviceConfig(device="lamp-1", kind="lamp", wire="gpio:20", queue="A")
    assert [board.board for board in shelf.all() if shows(lamp, board)] == [kiosk_board(2).board]


def test_a_board_that_cannot_be_read_any_more_is_passed_over(outbox):
    outbox.save_boards([SavedBoard("w3", 1, 1, b"{}")])
    assert Shelf(outbox).get("w3") is None


def test_nothing_new_costs_no_commit(outbox):
    shelf = Shelf(outbox)
    shelf.take(window_board(1, "x"))
    shelf.save()
    before = outbox._db.total_changes
    shelf.save()
    assert outbox._db.total_changes == before


def test_whoever_waits_gets_the_next_board(outbox):
    shelf = Shelf(outbox)
    shelf.take(window_board(1, "first"))
    got: list[str] = []

    def wait() -> None:
        board = shelf.wait("w3", "1.1", 20.0)
        got.append(cursor_of(board) if board else "")

    waiter = threading.Thread(target=wait)
    waiter.start()
    shelf.take(window_board(2, "second"))
    waiter.join()
    assert got == ["1.2"]


def test_waiting_ends_without_news(outbox):
    shelf = Shelf(outbox)
    shelf.take(window_board(1, "first"))
    assert shelf.wait("w3", "1.1", 0.01) is None
    assert shelf.wait("w3", "", 0.01) is not None


def test_a_queue_is_found_on_the_boards(outbox):
    shelf = Shelf(outbox)
    assert not shelf.knows_queues()
    shelf.take(kiosk_board(1))
    assert shelf.queue("A").zh == "社保"
    assert shelf.queue("Z") is None
    assert shelf.knows_queues()


def test_f73_a_flood_of_boards_has_an_end(outbox):
    shelf = Shelf(outbox)
    board = window_board(1, "x")
    taken = [shelf.take(replace(board, board=f"w{number}")) for number in range(MOST_BOARDS + 1)]
    assert taken.count(False) == 1


BUTTON = DeviceConfig(device="button-1", kind="button", wire="gpio:17", queue="A")


def showing(board: str) -> DeviceConfig:
    return DeviceConfig(device="screen-1", kind="screen", wire="screen:", board=board)


@pytest.mark.parametrize(
    ("devices", "boards"),
    [
        ([showing("w3")], {"w3"}),
        ([BUTTON, showing("k-main")], {"k-main"}),
        ([BUTTON, showing("w3")], {"#"}),  # only a kiosk's or zone's says how its queue stands
        ([], set()),
    ],
)
def test_a_unit_hears_the_boards_it_needs(devices, boards):
    assert wanted_boards(UnitConfig(rev=1, position="desk", devices=devices)) == boards


NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
SHUT = ShutTime(start=NOON, end=NOON + timedelta(minutes=90), zh="现在不办理", en="Not now")


@pytest.mark.parametrize(
    ("minutes", "is_linked", "drawn_shut", "is_kept_from_it"),
    [
        (-1, False, False, False),
        (1, False, False, True),  # noon began while the controller was away
        (91, False, True, False),  # and ended
        (None, False, True, True),  # without a clock it is as the board was drawn
        (1, True, True, True),
        (1, True, False, True),  # though the controller may be about to fall silent
        (None, True, True, False),  # a controller that can be asked decides
        (91, True, True, False),
    ],
)
def test_a_unit_alone_keeps_the_sessions_of_the_day_by_the_halls_clock(
    minutes: int | None, is_linked: bool, drawn_shut: bool, is_kept_from_it: bool
) -> None:
    why = SHUT.zh if drawn_shut else ""
    line = QueueLine(
        code="A",
        zh="",
        en="",
        waiting=0,
        windows=1,
        is_open=not why,
        why_zh=why,
        why_en=why and SHUT.en,
        shut=[SHUT],
    )
    now = None if minutes is None else NOON + timedelta(minutes=minutes)
    assert (why_shut(line, now, is_linked=is_linked) is not None) == is_kept_from_it
