"""A hall killed at any moment: every ticket it acknowledged is there afterwards, none twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import IO

from controller.hall.events import TicketIssued
from controller.store import log, projections
from tests.store.halls import DAY, morning, open_store, running

ROUNDS = 12


def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(database: str) -> None:
    with morning(database):
        pass
    chance = random.Random(20260302)
    acknowledged: dict[str, str] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.busy_hall", database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(ROUNDS):
            print("round", file=process.stdin, flush=True)
            acknowledged |= _acks_until_killed(process.stdout, chance.randint(1, 40))
        process.stdin.close()
    _check(database, acknowledged)


def _acks_until_killed(lines: IO[str], after: int) -> dict[str, str]:
    """What one life of the hall acknowledged; it is killed in the middle of its work after so many."""
    found: dict[str, str] = {}
    pid = 0
    for line in lines:
        words = line.split()
        if words == ["killed"]:
            return found
        if words[0] == "pid":
            pid = int(words[1])
            continue
        found[words[1]] = words[2]
        if len(found) == after:
            os.kill(pid, signal.SIGKILL)
    raise AssertionError("the hall ended by itself")


def _check(database: str, acknowledged: dict[str, str]) -> None:
    store = open_store(database)
    with store.reading() as c:
        events = [logged.event for logged in log.events(c, "hall")]
        replayed = log.replay(c, "hall")
        rows = projections.tickets(c, "hall", DAY, limit=100_000)
        marks = log.marks(c, "hall")
    issued = {event.token: event.number for event in events if isinstance(event, TicketIssued)}
    tokens = Counter(event.token for event in events if isinstance(event, TicketIssued))
    assert len(acknowledged) >= ROUNDS
    assert acknowledged.items() <= issued.items()
    assert max(tokens.values()) == 1
    assert len(set(issued.values())) == len(issued)
    assert {row.token: row.number for row in rows} == issued
    assert sum(marks.values()) == len(issued)  # each unit's marks end at its last ticket
    with running(store) as live:
        assert (live.hall, live.seq) == replayed
    store.close()
