"""What might be done about long waits, worked out now and then and kept for whoever looks.

Playing the next hour through takes seconds in a large hall, so `look` is called beside everything else, at
most every EVERY_S real seconds, has it done by another process (counsellor.py), and only while somebody waits
long. Hides that, and which advice was put aside.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from controller.counsellor import Counsellor, question
from controller.hall.advice import is_needed
from controller.hall.model import Hall, Measure

EVERY_S = 30.0  # real seconds between two workings-out
SHARE = 0.2  # of a processor, of a process that gives way to all others
AWAY = timedelta(minutes=30)  # that advice put aside stays away, of hall time

Coming = Callable[[Hall, datetime], Mapping[str, float]]
Key = tuple[str, int, tuple[str, ...]]


def key_of(measure: Measure) -> Key:
    """What makes two pieces of advice the same, whatever they bring."""
    return measure.kind.value, measure.window, measure.queues


class Counsel:
    """The advice for one hall. Any thread may read it."""

    def __init__(self, read: Callable[[], Hall], now: Callable[[], datetime]) -> None:
        self._read, self._now = read, now
        self._counsellor = Counsellor()
        self._lock = threading.Lock()
        self._away: dict[Key, datetime] = {}
        self._found: list[Measure] = []
        self._at: datetime | None = None

    def look(self, coming: Coming = lambda _hall, _now: {}) -> None:
        """Work the advice out anew; there is none while nobody waits long. The same hall, the same advice.

        coming: people of each queue to be expected in the next hour, of those whose past tells.
        """
        hall, now, found = self._read(), self._now(), list[Measure]()
        if is_needed(hall, now):
            found = self._counsellor.ask(question(hall, now, coming(hall, now)))
        with self._lock:
            self._found, self._at = found, now

    def close(self) -> None:
        """End a look under way; there are no more."""
        self._counsellor.close()

    def latest(self) -> list[Measure]:
        """What was advised last and not put aside since, the greatest gain first."""
        now = self._now()
        with self._lock:
            self._away = {key: until for key, until in self._away.items() if until > now}
            return [one for one in self._found if key_of(one) not in self._away]

    def find(self, key: Key) -> Measure | None:
        """The advice somebody saw; None when it does not stand any more."""
        return next((one for one in self.latest() if key_of(one) == key), None)

    def put_aside(self, key: Key, until: datetime) -> None:
        """Keep it from whoever looks until then, by the hall's clock."""
        with self._lock:
            self._away[key] = until
