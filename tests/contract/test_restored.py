"""A database that was restored, and two controllers on one: R3, R6, R11, R15 after an accident (F56, F81)."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable

import pytest

from controller.clock import real_now
from controller.hall.commands import CloseDay
from controller.hall.model import DayState, Slip, Text
from controller.lock import SiteTaken
from controller.people import SYSTEM
from controller.site import Site
from firmware.protocol.messages import Lease, Result, ResultState
from tests.contract.unit import Unit
from tests.contract.whole import Whole
from tests.controller.sites import HALL, Running, dispenser
from tests.waiting import until


class Backup:
    """The database as it is now, to be put back later."""

    def __init__(self, both: Whole) -> None:
        self._both, self._at = both, both.settings.data_dir / "hall.sqlite"
        self._kept = both.folder / "backup.sqlite"
        both.stop()
        shutil.copy(self._at, self._kept)
        both.begin()

    def put_back(self, before: Callable[[], None] = lambda: None) -> None:
        """Restore it, as somebody would whose disk was lost. before: what happens while all is off."""
        self._both.stop()
        before()
        for suffix in ("-wal", "-shm"):
            self._at.with_name(self._at.name + suffix).unlink(missing_ok=True)
        shutil.copy(self._kept, self._at)
        self._both.begin()


def cut_off(both: Whole, unit: Unit) -> None:
    both.near.is_refusing = True
    both.near.cut()
    until(lambda: not unit.link.is_up)


def settled(both: Whole, *units: Unit) -> bool:
    """Everything is acked, every order answered, and every ticket knows its paper."""
    return (
        all(unit.link.is_up and unit.is_quiet for unit in units)
        and both.bus.pending_orders() == 0
        and all(ticket.slip is Slip.PRINTED for ticket in both.hall.tickets.values())
    )


def log_is_paper(both: Whole, *units: Unit) -> None:
    """The numbers on paper are those of the log, each once, and of the unit whose press it was."""
    printed = sorted((unit.name, number) for unit in units for number in unit.slips)
    logged = sorted(
        (ticket.press.unit, ticket.number) for ticket in both.hall.tickets.values() if ticket.press
    )
    assert printed == logged
    numbers = [number for _, number in printed]
    assert len(set(numbers)) == len(numbers)


def press_in_turn(units: tuple[Unit, ...], times: int) -> None:
    for _ in range(times):
        for unit in units:
            before = len(unit.slips)
            unit.press()
            until(lambda unit=unit, before=before: len(unit.slips) > before)  # type: ignore[misc]


def test_r06_a_restored_database_is_refilled_by_the_units(
    both: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    """A restored controller gets acked events again, without a doubled ticket; slips and log agree (F81)."""
    caplog.set_level(logging.CRITICAL)
    units = both.met("node-1"), both.met("node-2")
    press_in_turn(units, 3)
    until(lambda: settled(both, *units))
    backup = Backup(both)
    until(lambda: all(unit.link.is_up for unit in units))
    press_in_turn(units, 4)  # forgotten, online
    cut_off(both, units[0])
    issued = [units[0].press_alone().number for _ in range(3)]  # forgotten, offline
    both.near.is_refusing = False
    until(lambda: settled(both, *units))
    assert set(issued) <= set(both.numbers())
    slips = [list(unit.slips) for unit in units]
    backup.put_back(before=lambda: units[1].press_alone() and None)  # and one more while it is off
    until(lambda: settled(both, *units) and len(both.numbers()) == 18, timeout=20)
    press_in_turn(units, 3)
    until(lambda: settled(both, *units))
    assert [unit.slips[: len(before)] for unit, before in zip(units, slips, strict=True)] == slips
    assert len(both.numbers()) == 24
    log_is_paper(both, *units)


def test_r06_whoever_was_sent_away_gets_no_ticket_after_a_restore(
    both: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    """A press that was refused is said again as such: nobody stands behind it any more (F81)."""
    caplog.set_level(logging.CRITICAL)
    unit = both.met("node-1")
    press_in_turn((unit,), 1)
    until(lambda: settled(both, unit))
    backup = Backup(both)
    until(lambda: unit.link.is_up)
    both.live.submit(CloseDay(), SYSTEM)
    unit.press()
    until(lambda: len(unit.refusals) == 1 and settled(both, unit))
    backup.put_back()
    until(lambda: settled(both, unit))
    assert both.hall.day is not None
    assert both.hall.day.state is DayState.OPEN  # it would have been given one
    assert len(both.numbers()) == len(unit.slips) == 1


def test_r06_a_unit_that_was_away_at_the_restore_finds_its_numbers_free(
    both: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    """Numbers on forgotten papers are given to nobody, though the unit that printed them is away (F81)."""
    caplog.set_level(logging.CRITICAL)
    units = away, here = both.met("node-1"), both.met("node-2")
    press_in_turn(units, 2)
    until(lambda: settled(both, *units))
    backup = Backup(both)
    until(lambda: away.link.is_up)
    press_in_turn((away,), 6)  # A005 to A010, forgotten
    until(lambda: settled(both, *units))
    until(lambda: (seen := both.bus.presence.of("node-1").health) and seen.outbox.acked == away.outbox.last)
    backup.put_back(before=away.link.stop)
    until(lambda: both.hall.leases and here.link.is_up)
    press_in_turn((here,), 6)
    back = Unit(both.login("node-1"), away.folder)
    back.slips = away.slips
    back.link.start()
    until(lambda: settled(both, back, here) and len(both.numbers()) == 16, timeout=20)
    log_is_paper(both, back, here)
    back.close()


def test_r06_a_unit_gives_its_leases_up_when_the_controller_forgot(
    both: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    """Leases the restored database does not know are given up, and new ones given: no number twice (F81)."""
    caplog.set_level(logging.CRITICAL)
    first = both.met("node-1")
    until(lambda: settled(both, first) and len(both.hall.leases) == 1)
    backup = Backup(both)
    until(lambda: first.link.is_up)
    second = both.met("node-2")  # forgotten with its lease: 541 to 580
    until(lambda: len(both.hall.leases) == 2 and settled(both, first, second))
    secret = both.login("node-2").secret
    press_in_turn((first, second), 1)
    until(lambda: settled(both, first, second))
    backup.put_back(before=lambda: cut_off(both, second))  # the restored broker would not let it in
    both.readmit("node-2", secret)
    both.near.is_refusing = False
    until(lambda: settled(both, first, second) and len(both.numbers()) == 2, timeout=20)
    until(lambda: both.bus.pending_orders() == 0)
    for unit in (first, second):
        cut_off(both, unit)
    numbers = [unit.press_alone().number for unit in (first, second) for _ in range(2)]
    both.near.is_refusing = False
    until(lambda: settled(both, first, second))
    assert len(set(numbers)) == 4
    log_is_paper(both, first, second)


def test_r06_a_lease_the_controller_does_not_know_is_given_up(both: Whole) -> None:
    """A unit that said nothing since the backup keeps no lease of that time: it asks, and is told (F81)."""
    unit = both.met()
    until(lambda: unit.outbox.leases() == {1: 540})
    unit.outbox.take_lease(lease(7, 541, 580), Result(cid="forgotten", state=ResultState.DONE))
    until(lambda: unit.outbox.leases() == {1: 540})


def lease(id: int, first: int, last: int) -> Lease:
    return Lease(lease=id, queue="A", day="2026-11-23", prefix="A", first=first, last=last)


def test_r11_a_restored_database_is_no_older_generation(both: Whole) -> None:
    """A database from a backup forgets its generations; its controller is obeyed all the same (F81)."""
    unit = both.met()
    backup = Backup(both)
    for _ in range(3):
        both.stop()
        both.begin()
    until(lambda: unit.outbox.get("gen") == both.site.generation)
    before = both.site.generation
    backup.put_back()
    assert both.site.generation > before
    until(lambda: unit.outbox.get("gen") == both.site.generation)
    unit.press()
    until(lambda: unit.slips == ["A001"])


def test_r15_a_restored_configuration_outranks_a_forgotten_one(both: Whole) -> None:
    """A configuration of before the restore counts again, though the unit was told later ones (F81)."""
    unit = both.met()
    devices = [one.device for one in unit.configs[-1].devices]
    backup = Backup(both)
    for queues in (("A", "B"), ("B", "A", "B")):
        both.site.devices.put_position(HALL, "node-1", Text("1", "1"), dispenser(*queues), real_now())
    until(lambda: len(unit.configs[-1].devices) == 4)
    unit.applied()
    backup.put_back()
    until(lambda: [one.device for one in unit.configs[-1].devices] == devices)


def test_r11_a_second_controller_on_one_store_refuses_with_one_sentence(both: Whole) -> None:
    """Two controllers on one store: the second says in one sentence who has it, and changes nothing (F56)."""
    generation = both.site.generation
    with pytest.raises(SiteTaken, match=r"in use by process [0-9]+; stop that one, or set another data_dir"):
        Site.open(both.settings)
    unit = both.met()
    unit.press()
    until(lambda: unit.slips == ["A001"])
    assert both.site.generation == generation


def test_r06_a_unit_ahead_of_a_restored_database_is_asked_for_the_rest(hall: Running) -> None:
    """The first message of a unit says whether anything is missing: its birth tells what was acked (F81)."""
    unit = hall.unit("node-1", dispenser("A"))
    unit.birth(hi=7, acked=5)
    until(lambda: unit.missed() == [(1, 5)])
