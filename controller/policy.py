"""How long a sign-in lasts and how many wrong passwords are taken: the site's settings, as one value."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from controller.roles import Role

# Minutes without use after which a session ends (P.37): few where much can be changed, as long as a lull at a
# window, and for who only looks on the whole of SESSION_HOURS.
IDLE_MINUTES: Mapping[str, float] = {
    "admin": 15,
    "hall_manager": 30,
    "supervisor": 30,
    "technician": 30,
    "director": 60,
    "department_admin": 30,
    "guide": 120,
    "clerk": 120,
    "window_lead": 120,
    "leader_view": 840,
}
SESSION_HOURS = 14.0  # one working day with its overtime
TRIES = 5
LOCK_MINUTES = 10.0


@dataclass(frozen=True, slots=True)
class Policy:
    """idle: of each role; who has several has the shortest. tries: wrong passwords or codes within `lock`,
    which then lasts as long."""

    idle: Mapping[str, timedelta] = field(
        default_factory=lambda: {role: timedelta(minutes=one) for role, one in IDLE_MINUTES.items()}
    )
    longest: timedelta = timedelta(hours=SESSION_HOURS)
    tries: int = TRIES
    lock: timedelta = timedelta(minutes=LOCK_MINUTES)

    def idle_of(self, roles: Collection[Role]) -> timedelta:
        return min((self.idle.get(role, self.longest) for role in roles), default=self.longest)

    @property
    def lock_minutes(self) -> int:
        return max(1, round(self.lock.total_seconds() / 60))


DEFAULT = Policy()
