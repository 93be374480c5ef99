"""Numbers each dispenser keeps for when the controller is away (号段; design: edge).

Decides when a unit needs a lease: for every queue it prints tickets of, when a day opens or the unit
comes, and again when a lease is nearly used up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date

from controller.devices import Book
from controller.hall.commands import LeaseNumbers, PassOverNumbers
from controller.hall.model import Hall

FORGOTTEN_MOST = 1000  # messages; a dispenser has fewer in a day

AboutNumbers = LeaseNumbers | PassOverNumbers


class Leases:
    """Asks for each lease once, and again when it was not given.

    read, book: what is now; ask: gives a unit's command to the hall.

    known: lives of stores (unit, epoch) that were heard of before. A unit with a new store has lost the
    leases of its former one.
    """

    def __init__(
        self,
        read: Callable[[], Hall],
        book: Callable[[], Book],
        ask: Callable[[str, AboutNumbers], None],
        size: int,
        known: set[tuple[str, str]],
    ) -> None:
        self._read, self._book, self._ask, self._size, self.known = read, book, ask, size, known
        self._lock = threading.Lock()
        self._asked: set[tuple[object, ...]] = set()
        self._failed: list[tuple[date | None, str, AboutNumbers]] = []
        self._by_unit: tuple[object, Mapping[str, dict[int, int]]] | None = None

    def keep(self, unit: str, epoch: str) -> None:
        """The unit is here, with the store of that epoch: let it have a lease of each of its queues."""
        hall = self._read()
        if hall.day is None:
            return
        has_lost = (unit, epoch) not in self.known and any(unit == one for one, _ in self.known)
        held = {lease.queue for lease in hall.leases.values() if lease.unit == unit and not has_lost}
        for queue in offered(self._book(), hall, unit):
            if queue not in held:
                self._ask_once(hall, unit, (queue, epoch), LeaseNumbers(unit, queue, self._size))

    def recall(self, unit: str, epoch: str, missing: int) -> None:
        """This database has forgotten so many messages of the unit, each of which may be a slip, and leases
        it gave out (F81): nobody is given those numbers; the unit gives its leases up, and gets new ones.
        """
        hall, size = self._read(), self._size + min(missing, FORGOTTEN_MOST)
        if hall.day is None:
            return
        for queue in offered(self._book(), hall, unit):
            self._ask_once(hall, unit, ("forgotten", epoch, queue), PassOverNumbers(queue, size))
            self._ask_once(hall, unit, ("renewed", epoch, queue), LeaseNumbers(unit, queue, self._size))

    def held(self, unit: str) -> dict[int, int]:
        """The last number of each lease of the unit, by its id."""
        return self._of_units().get(unit, {})

    def _of_units(self) -> Mapping[str, dict[int, int]]:
        """What every unit holds, worked out when a lease was given: all units ask every few seconds."""
        leases = self._read().leases
        known = self._by_unit
        if known is None or known[0] is not leases:
            found: dict[str, dict[int, int]] = {}
            for id, lease in leases.items():
                found.setdefault(lease.unit, {})[id] = lease.last
            known = self._by_unit = leases, found
        return known[1]

    def used(self, unit: str, lease_id: int, number: str) -> None:
        """The unit gave out a number of a lease; in its last quarter it gets the next."""
        hall = self._read()
        lease = hall.leases.get(lease_id)
        queue = hall.queues.get(lease.queue) if lease else None
        if lease is None or queue is None or lease.unit != unit:
            return
        digits = number.removeprefix(queue.prefix)
        if digits.isdecimal() and lease.last - int(digits) <= (lease.last - lease.first) // 4:
            why = lease.queue, lease.id
            self._ask_once(hall, unit, why, LeaseNumbers(unit, lease.queue, self._size))

    def failed(self, unit: str, command: AboutNumbers) -> None:
        """A lease was refused or could not be stored: keep the question for ask_again."""
        with self._lock:
            self._failed.append((_day(self._read()), unit, command))

    def ask_again(self) -> None:
        """Ask once more for the leases of this day that were not given."""
        today = _day(self._read())
        with self._lock:
            failed, self._failed = self._failed, []
        for day, unit, command in failed:
            if day is not None and day == today:
                self._ask(unit, command)

    def _ask_once(self, hall: Hall, unit: str, why: object, command: AboutNumbers) -> None:
        asked = (_day(hall), unit, why)
        with self._lock:
            if asked in self._asked:
                return
            self._asked.add(asked)
        self._ask(unit, command)


def _day(hall: Hall) -> date | None:
    return hall.day.date if hall.day else None


def offered(book: Book, hall: Hall, unit: str) -> list[str]:
    """The queues a unit can print tickets for: those it keeps a lease of."""
    devices = book.devices_of(unit)
    if not any(one.kind == "printer" for one in devices):
        return []
    wanted = {one.queue for one in devices if one.queue}
    domains = {one.board[2:] for one in devices if one.kind == "screen" and one.board.startswith("k-")}
    wanted |= {queue.code for queue in hall.plan.queues if queue.domain in domains}
    return sorted(code for code in wanted if hall.servers.get(code))
