"""What is done again and again goes on after a mistake, which is told once when it begins and ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from controller.paced import Paced
from firmware.protocol.logs import Outages
from tests.waiting import until


class Step:
    """Fails at its first three calls, and then no more."""

    def __init__(self) -> None:
        self.failing, self.done = 3, 0

    def __call__(self) -> None:
        if self.failing:
            self.failing -= 1
            raise ZeroDivisionError("no window is open")
        self.done += 1


@contextmanager
def running(step: Step) -> Iterator[Outages]:
    outages = Outages(logging.getLogger("test"))
    paced = Paced("forecast", step, 0.001, outages)
    paced.start()
    try:
        yield outages
    finally:
        paced.stop()


def test_a_step_that_fails_is_done_again() -> None:
    step = Step()
    with running(step):
        until(lambda: step.done > 1)


def test_a_row_of_mistakes_is_one_outage() -> None:
    step = Step()
    with running(step) as outages:
        until(lambda: step.done > 1)
        (known,) = outages.known()
    assert (known.part, known.why, known.ended_s is not None) == (
        "forecast",
        "ZeroDivisionError: no window is open",
        True,
    )
