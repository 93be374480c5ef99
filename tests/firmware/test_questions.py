"""When a unit asks the controller for the time."""

from __future__ import annotations

import logging
import math
import time
from datetime import UTC, datetime, timedelta

from firmware.protocol.clock import UnitClock
from firmware.protocol.logs import Outages
from firmware.protocol.messages import Reply, Request
from firmware.protocol.news import News
from firmware.protocol.questions import TIME_QUESTIONS, Questions

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HEARTBEAT_S, TIME_EVERY_S = 10.0, 600.0


class Asking:
    """Questions whose answers the test gives."""

    def __init__(self) -> None:
        self.sent: list[Request] = []
        self.clock = UnitClock()
        outages = Outages(logging.getLogger(__name__))
        held = News(boards={}, config=0, session=1, leases={})
        self.questions = Questions(
            self.sent.append,
            self.clock,
            lambda: held,
            lambda why: None,
            lambda: None,
            lambda leases: None,
            outages,
        )
        self.questions.begin(time.monotonic(), math.inf)

    def round(self, theirs: datetime) -> int:
        """Let it ask if it is time, and answer until nothing more is asked; how many questions came."""
        self.questions.ask(time.monotonic(), HEARTBEAT_S, TIME_EVERY_S)
        answered = 0
        while answered < len(self.sent):
            self.questions.answered(Reply(rid=self.sent[answered].rid, t="time", ts=theirs), TIME_EVERY_S)
            answered += 1
        self.sent.clear()
        return answered


def test_r16_the_time_is_asked_four_times_and_then_not_for_a_while():
    asking = Asking()
    assert asking.round(NOON) == TIME_QUESTIONS
    assert asking.round(NOON) == 0


def test_f50_a_controller_whose_clock_was_set_is_asked_at_once():
    asking = Asking()
    asking.round(NOON)
    asking.questions.ask_time_again()
    assert asking.questions.due() <= time.monotonic()
    assert asking.round(NOON - timedelta(hours=1)) == TIME_QUESTIONS
    assert abs(asking.clock.now() - (NOON - timedelta(hours=1))) < timedelta(minutes=1)


def test_f50_one_round_of_questions_is_enough_for_many_late_orders():
    asking = Asking()
    asking.questions.ask(time.monotonic(), HEARTBEAT_S, TIME_EVERY_S)
    asking.questions.ask_time_again()  # while the first answer is under way
    assert asking.questions.due() > time.monotonic()
