"""Waiting for something real to happen: until a condition holds, or a deadline says it never did."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from tests.deadlines import PATIENCE

T = TypeVar("T")


def until(condition: Callable[[], T], timeout: float = 20.0, every: float = 0.02, what: str = "") -> T:
    """The first true value of `condition`; AssertionError after `timeout` seconds without one."""
    pause = threading.Event()
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"never happened within {timeout} s: {what or condition}"
        pause.wait(every)
