"""Who must be told. Nouns; worked out from one event and the hall after it.

Bus turns them into orders and boards, notify into messages. An effect names things by their ids; what
to say about them is read from the hall when it is said.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.hall.model import Press


@dataclass(frozen=True, slots=True)
class PaperTicket:
    """The slip of a ticket taken at a device."""

    ticket: int
    press: Press


@dataclass(frozen=True, slots=True)
class SpokenCall:
    """ "请 A023 号到 3 号窗口办理业务" in the window's zone."""

    ticket: int
    window: int
    zone: str


@dataclass(frozen=True, slots=True)
class WindowFace:
    """What stands on the window's screen, LED bar and keypad has changed."""

    window: int


@dataclass(frozen=True, slots=True)
class ZoneFace:
    """What stands on the summary screens of a zone has changed."""

    zone: str


@dataclass(frozen=True, slots=True)
class QueueFace:
    """How many wait in a queue has changed: kiosks and keypads show it."""

    queue: str


@dataclass(frozen=True, slots=True)
class RatingRequest:
    """Ask the citizen at the window to rate the service just finished (T11)."""

    window: int
    ticket: int


@dataclass(frozen=True, slots=True)
class RatingThanks:
    window: int
    ticket: int


@dataclass(frozen=True, slots=True)
class NearTurn:
    """A message to the phone: your turn is near (P.28)."""

    ticket: int


@dataclass(frozen=True, slots=True)
class AppointmentNews:
    """A message to who booked: it is booked, agreed to, refused, moved, or taken back by the hall."""

    appointment: int


@dataclass(frozen=True, slots=True)
class LeaseGrant:
    """The unit may use these numbers while the controller is away."""

    lease: int
    unit: str


@dataclass(frozen=True, slots=True)
class ManagerAlarm:
    """Something a manager should see now. code: translated by i18n."""

    code: str
    window: int | None = None


Effect = (
    PaperTicket
    | SpokenCall
    | WindowFace
    | ZoneFace
    | QueueFace
    | RatingRequest
    | RatingThanks
    | NearTurn
    | AppointmentNews
    | LeaseGrant
    | ManagerAlarm
)
