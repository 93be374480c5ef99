"""The board: its supply, its temperature, its disk. A tree of files stands for a board in another state."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.machine import MIB, TEMPERATURE, THROTTLED, Machine, Reserve, Room, room_at

SIZE = 2**34
PLENTY = Room(SIZE, 2**30, 1000)


class Board:
    """A board whose state a test sets. time: what its clock is ahead of the real one."""

    def __init__(self, folder: Path) -> None:
        self.root, self.room = folder / "board", PLENTY
        self.machine = Machine(folder, self.root, lambda path: self.room)

    def says(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def test_a_board_that_tells_nothing_has_no_faults(board: Board) -> None:
    assert board.machine.faults() == {}
    assert not board.machine.has_watchdog()


def test_f43_a_low_supply_voltage_is_a_fault_while_it_lasts(board: Board) -> None:
    board.says(THROTTLED, "50005\n")
    assert board.machine.faults() == {"node.low_power": "get_throttled says 0x50005"}
    board.says(THROTTLED, "50000\n")
    assert board.machine.faults() == {}


def test_f44_heat_is_a_fault_until_the_board_has_cooled_down(board: Board) -> None:
    told = []
    for degrees in (70, 81, 78, 76, 74, 79):
        board.says(TEMPERATURE, f"{degrees}000\n")
        told.append("node.hot" in board.machine.faults())
    assert told == [False, True, True, True, False, False]


def test_f39_a_nearly_full_disk_is_a_fault_until_there_is_room_again(board: Board) -> None:
    told = []
    for free_mib in (65, 63, 100, 127, 128, 100):
        board.room = Room(SIZE, free_mib * MIB, 1000)
        told.append("node.disk_full" in board.machine.faults())
    assert told == [False, True, True, True, False, False]


def test_f39_a_disk_without_room_for_one_more_file_is_full(board: Board) -> None:
    board.room = Room(SIZE, 2**30, 0)
    assert "node.disk_full" in board.machine.faults()


def test_a_small_disk_is_full_later(board: Board) -> None:
    board.room = Room(100 * MIB, 6 * MIB, 1000)
    assert board.machine.faults() == {}
    board.room = Room(100 * MIB, 4 * MIB, 1000)
    assert "node.disk_full" in board.machine.faults()


def test_the_real_disk_answers(tmp_path: Path) -> None:
    assert room_at(tmp_path).free_bytes > 0


def test_the_reserve_takes_its_room_and_gives_it_back(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", MIB)
    reserve.keep()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= MIB
    assert reserve.release()
    assert not (tmp_path / "reserve").exists()
    assert not reserve.release()
