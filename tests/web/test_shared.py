"""What several ask for at the same moment: begun after each of them asked, and no oftener than needed."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.waiting import until
from web.shared import Shared


class Work:
    """Takes until it is let go; answers how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.gates = [threading.Event() for _ in range(3)]

    def __call__(self) -> int:
        self.begun += 1
        self.gates[self.begun - 1].wait()
        return self.begun


def test_who_comes_meanwhile_shares_the_next_and_gets_nothing_old() -> None:
    shared, work = Shared[int](), Work()
    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(shared.of, "hall", work)
        until(lambda: work.begun == 1)
        others: list[Future[int]] = [threads.submit(shared.of, "hall", work) for _ in range(4)]
        until(lambda: all(one.running() for one in others))
        work.gates[0].set()
        until(lambda: work.begun == 2)
        work.gates[1].set()
        work.gates[2].set()
        assert first.result() == 1
        assert all(one.result() > 1 for one in others)


def test_nobody_waits_for_another_key() -> None:
    shared, work = Shared[int](), Work()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(shared.of, "hall", work)
        until(lambda: work.begun == 1)
        assert shared.of("another", lambda: 7) == 7
        work.gates[0].set()
        assert slow.result() == 1


def test_what_failed_is_told_and_tried_anew() -> None:
    shared = Shared[int]()

    def fail() -> int:
        raise ValueError("no figures")

    with pytest.raises(ValueError, match="no figures"):
        shared.of("hall", fail)
    assert shared.of("hall", lambda: 1) == 1
