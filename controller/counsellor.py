"""One look for advice, in a process of its own that gives way to everything else.

Playing the coming hour through for every measure takes seconds of a processor in a large hall, and in the
hall's own process each of them would make every other thread wait its turn. So the question - the hall with
those who are still in it, what could be done, how many are expected - goes as JSON to a program that answers
and ends (`python -m controller.counsellor`); between two looks nothing of it is left in memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from random import Random

import msgspec

from controller.hall.advice import best, expected, measures, recent
from controller.hall.model import FINAL, Hall, HallError, Measure, TicketClass
from controller.hall.snapshot import HallSnapshot, freeze, thaw

LONGEST_S = 120.0  # a look that takes longer is of a machine too busy for it
NICENESS = 10  # behind the hall, before comparisons


class NoAdvice(HallError):
    """The process that works advice out did not answer."""


class Question(msgspec.Struct, frozen=True):
    """hall: without those who have left. expected: people an hour per queue and class."""

    hall: HallSnapshot
    at: datetime
    measures: list[Measure]
    expected: list[tuple[str, TicketClass, float]]


# made by one thread: see messages.py
_questions, _answers = msgspec.json.Decoder(Question), msgspec.json.Decoder(list[Measure])


def question(hall: Hall, now: datetime, coming: Mapping[str, float]) -> bytes:
    """What the process is asked; 16 ms to put together for 1,000 tickets of the day and 48 windows.

    coming: people of each queue in the next hour by the hall's past (pasts.py), as far as it has one.
    """
    whole = freeze(hall)
    inside = [ticket for ticket in whole.tickets if ticket.state not in FINAL]
    light = replace(whole, tickets=inside, numbers=[], finished=[], errors=[], seen=[])
    demand = expected(recent(hall, now), coming)
    rows = [(queue, klass, rate) for (queue, klass), rate in sorted(demand.items()) if queue in hall.queues]
    return msgspec.json.encode(Question(light, now, list(measures(hall, now)), rows))


def answer(asked: bytes) -> bytes:
    """The best measures; the same question has the same answer."""
    it = _questions.decode(asked)
    chance = Random(int(it.at.timestamp()))  # noqa: S311 - courses of a day, no secret
    demand = {(queue, klass): rate for queue, klass, rate in it.expected}
    return msgspec.json.encode(best(thaw(it.hall), it.at, it.measures, chance, demand))


class Counsellor:
    """Asks the process, one question at a time."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = False

    def ask(self, asked: bytes) -> list[Measure]:
        """The answer; none once closed. Raises NoAdvice."""
        with self._gate:
            if self._is_closed:
                return []
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "controller.counsellor"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        try:
            answered, _ = process.communicate(asked, LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise NoAdvice(f"advice was not worked out within {LONGEST_S:.0f} s") from None
        if self._is_closed:
            return []
        if process.returncode:
            raise NoAdvice(f"the process that works advice out ended with {process.returncode}")
        return _answers.decode(answered)

    def close(self) -> None:
        """End a look under way; there are no more."""
        with self._gate:
            self._is_closed = True
            if self._process is not None:
                self._process.kill()


def main() -> int:
    """Answer the question on standard input."""
    os.nice(NICENESS)
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
