"""What several pages ask for at the same moment, worked out once for all of them.

Boards of one hall are told together that something changed, so they ask together. Whoever asks gets what was
begun after that, never what was old already; while one is under way, all who come meanwhile share the next.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

V = TypeVar("V")


class Shared(Generic[V]):
    """Any thread may ask. Keys are few, they are kept."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._next: dict[Hashable, Future[V]] = {}  # not begun yet
        self._turns: defaultdict[Hashable, threading.Lock] = defaultdict(threading.Lock)

    def of(self, key: Hashable, make: Callable[[], V]) -> V:
        """What `make` returns, called here or by another that asked for the same. Raises what it raises."""
        with self._gate:
            shared = self._next.get(key)
            mine = None if shared else self._next.setdefault(key, Future())
            turn = self._turns[key]
        if shared is not None:
            return shared.result()
        assert mine is not None
        with turn:
            with self._gate:
                del self._next[key]
            try:
                mine.set_result(make())
            except BaseException as error:
                mine.set_exception(error)
            return mine.result()
