"""How a visit is rated: the channels, the reasons offered, and until when (G1-G3, P.08-P.13).

Free of the hall's own values, so that its plan, commands and events can name what stands here. Levels go from
5 (very satisfied) to 1 (very dissatisfied); no answer is no rating, never a good one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.hall.calendar import Calendar

LEVELS = range(1, 6)
NEGATIVE = frozenset({1, 2})  # P.08: 不满意, 非常不满意
LONGEST_WORDS = 500  # characters of the free text


class Channel(StrEnum):
    """How a rating came."""

    DEVICE = "device"  # keys at the window
    TABLET = "tablet"  # a page on the window's tablet
    PHONE = "phone"  # the page behind the slip's code
    SMS = "sms"  # an answer to a message (S2.23)
    PAPER = "paper"  # 群众满意情况反馈单, entered by the guide desk (S0.23)


# P.12: neutral names, as the list of GB/T 39734 annex A is not free to copy. id, Chinese, English.
USUAL_REASONS = (
    ("wait", "等候时间", "Waiting time"),
    ("manner", "服务态度", "Manner of service"),
    ("skill", "业务熟练程度", "Knowledge of the matter"),
    ("notice", "一次性告知", "What to bring was not all said at once"),
    ("papers", "材料要求", "Papers asked for"),
    ("limit", "办理时限", "Time until it is done"),
    ("visits", "跑动次数", "Number of visits needed"),
    ("place", "环境与设施", "Place and equipment"),
    ("other", "其他", "Something else"),
)

# The last instant of the n-th working day after the one of a moment (D.01: that day does not count).
WorkDays = Callable[[datetime, int], datetime]


def by_calendar(calendar: Calendar, zone: tzinfo) -> WorkDays:
    """Working days by the calendar, in the hall's own time.

    A year without a list counts by its weekdays: these clocks bind the hall alone, and nobody's time to rate
    is refused for a list that is not out (P.39).
    """

    def after(moment: datetime, days: int) -> datetime:
        return end_of(calendar.after(moment.astimezone(zone).date(), days).day, zone)

    return after


def end_of(day: date, zone: tzinfo) -> datetime:
    """The instant a day is over."""
    return datetime.combine(day + timedelta(days=1), time(), zone)
