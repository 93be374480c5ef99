"""What comes and goes again and again: told at once when it begins, told as over only when it stays over.

Pure; times are seconds of a monotonic clock, given by the caller. A beginning is always told at once, because
somebody waits for it, and so is the first end. What began several times within a while is over only after it
has been over for a time, so that a loose plug makes two rows and not two hundred (F62).
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class _Trouble:
    begun: deque[float] = field(default_factory=deque)
    is_told: bool = False
    over_since_s: float | None = None  # when it ended, of one that is still told as there


class Flaps(Generic[K]):
    """Safe from any thread. times: beginnings within within_s that make it flap; calm_s: how long it must
    then have been over."""

    def __init__(self, times: int = 3, within_s: float = 60.0, calm_s: float = 30.0) -> None:
        self._times, self._within_s, self._calm_s = times, within_s, calm_s
        self._troubles: dict[K, _Trouble] = {}
        self._counts: Counter[K] = Counter()
        self._lock = threading.Lock()

    def began(self, key: K, now_s: float) -> bool:
        """Whether that is to be told; false when it is told as there already."""
        with self._lock:
            trouble = self._troubles.setdefault(key, _Trouble())
            if trouble.is_told and trouble.over_since_s is None:
                return False
            self._counts[key] += 1
            trouble.begun.append(now_s)
            trouble.over_since_s = None
            was_told, trouble.is_told = trouble.is_told, True
            return not was_told

    def ended(self, key: K, now_s: float) -> bool:
        """Whether that is to be told now; of what flaps `calm` tells it later."""
        with self._lock:
            trouble = self._troubles.get(key)
            if trouble is None or not trouble.is_told:
                return True  # of a run before: nothing here speaks against it
            while trouble.begun and now_s - trouble.begun[0] > self._within_s:
                trouble.begun.popleft()
            if len(trouble.begun) >= self._times:
                trouble.over_since_s = trouble.over_since_s or now_s
                return False
            trouble.is_told = False
            return True

    def calm(self, now_s: float) -> list[K]:
        """What has been over for long enough: its end is to be told now."""
        with self._lock:
            found = [
                key
                for key, trouble in self._troubles.items()
                if trouble.over_since_s is not None and now_s - trouble.over_since_s >= self._calm_s
            ]
            for key in found:
                del self._troubles[key]
            return found

    def forget(self, key: K) -> None:
        """Whatever it was, it is over: its device is not there any more."""
        with self._lock:
            self._troubles.pop(key, None)

    def is_flapping(self, key: K) -> bool:
        """Whether it is over by itself, and told as there until it is calm."""
        with self._lock:
            trouble = self._troubles.get(key)
            return trouble is not None and trouble.over_since_s is not None

    def count(self, key: K) -> int:
        """How often it has begun."""
        with self._lock:
            return self._counts[key]
