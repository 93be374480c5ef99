"""Goes through the log of the halls as it grows, and writes down what is to be told of it, each thing once.

The log itself is the list of what is to be looked at: where a hall was looked at up to is kept in the same
transaction as the messages, so that nothing is lost when the program ends, and a message that was written
is not written again. Nothing of it is in the way of who commits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Connection

from controller.hall.model import Hall
from controller.live import Live
from controller.store import Store
from controller.store.records import get_meta, put_meta

KEEP_MARK = 5_000  # events without anything to tell, after which it is written down that they were seen

T = TypeVar("T")
Find = Callable[[Connection, Hall, int, int], Sequence[T]]
Write = Callable[[Connection, Hall, T], None]


class Tail(Generic[T]):
    """One thread calls `step`. name: of its marks; find: what there is to tell of the events after the first
    number up to the second, as of that hall; write: writes one of them down."""

    def __init__(
        self, store: Store, halls: Mapping[str, Live], name: str, find: Find[T], write: Write[T]
    ) -> None:
        """halls: asked anew at each step."""
        self._store, self._halls, self._name = store, halls, name
        self._find, self._write = find, write
        self._seen: dict[str, int] = {}
        self._kept: dict[str, int] = {}

    def step(self) -> None:
        """Raises StoreFailed."""
        for live in list(self._halls.values()):
            self._look(live)

    def _look(self, live: Live) -> None:
        seq, hall = live.seq, live.hall  # the number first: what comes between is looked at again
        if live.id not in self._seen:
            self._seen[live.id] = self._kept[live.id] = self._begin(live.id, seq)
        seen = self._seen[live.id]
        if seq == seen:
            return
        with self._store.reading() as c:
            found = self._find(c, hall, seen, seq)
        if found or seq - self._kept[live.id] >= KEEP_MARK:
            self._keep(hall, seq, found)
        self._seen[live.id] = seq

    def _begin(self, hall: str, seq: int) -> int:
        """Where an earlier program stopped; a hall that was never looked at begins now."""
        with self._store.writing() as c:
            kept = get_meta(c, self._mark(hall))
            if kept is None:
                put_meta(c, self._mark(hall), str(seq))
        return seq if kept is None else int(kept)

    def _keep(self, hall: Hall, seq: int, found: Sequence[T]) -> None:
        with self._store.writing() as c:
            for one in found:
                self._write(c, hall, one)
            put_meta(c, self._mark(hall.id), str(seq))
        self._kept[hall.id] = seq

    def _mark(self, hall: str) -> str:
        return f"{self._name}:{hall}"
