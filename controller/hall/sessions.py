"""When a hall is open: sittings of a usual day, and extended sessions (延时服务) beside them (S0.15, S3.17).

At noon, in the evening, at weekends and on holidays some windows serve some queues: on duty for whoever comes
(窗口值班), or only for those who have booked (预约办理).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Sitting:
    """A span of the day in which the hall is open, in its own time; between two of them is noon."""

    start: time
    end: time


class DayKind(StrEnum):
    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"  # free though it might not be: 放假
    MAKE_UP = "make_up"  # worked though it is a weekend: 调休上班


class SessionKind(StrEnum):
    """On which days: noon and evening on those with usual hours."""

    NOON = "noon"
    EVENING = "evening"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


class SessionMode(StrEnum):
    DUTY = "duty"  # whoever comes takes a ticket
    APPOINTMENT = "appointment"  # only those who have booked


@dataclass(frozen=True, slots=True)
class Extended:
    """A session beside the usual hours, at these windows and for these queues; (): all of them."""

    kind: SessionKind
    mode: SessionMode
    start: time
    end: time
    windows: tuple[int, ...] = ()
    queues: tuple[str, ...] = ()
