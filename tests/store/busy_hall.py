"""A hall that gives out tickets as fast as it can, to be killed: run by test_kill.py as a process.

Reads one line "round" from standard input, forks a child that opens the store at the address argv[1],
announces its process id and takes tickets from four threads, one line "ack KEY NUMBER" per acknowledged
ticket.
The imports are paid once, and the child is killed as a child of its own.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading

from controller.hall.commands import TakeTicket
from controller.hall.events import TicketIssued
from controller.hall.model import Press
from controller.live import Heard, Live
from controller.people import unit_actor
from tests.store.halls import open_store, running


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # one write: a kill leaves whole lines


def take_tickets(live: Live, unit: str) -> None:
    """Press after press, each sent twice as a node would whose ack was lost."""
    by = unit_actor(unit)
    for seq in itertools.count(live.heard_up_to(unit, "e1") + 1):
        key = f"{unit}/{seq}"
        command = TakeTicket("A", key, press=Press(unit, "e1", seq))
        posts = [live.post(command, by, key=key, heard=Heard(unit, "e1", seq)) for _ in range(2)]
        issued = posts[0].result(30).events[0]
        assert isinstance(issued, TicketIssued)
        say(f"ack {key} {issued.number}")


def run(url: str) -> None:
    say(f"pid {os.getpid()}")
    store = open_store(url)
    store.claim(30)
    with running(store, snapshot_every=50) as live:
        threads = [threading.Thread(target=take_tickets, args=(live, f"node-{n}")) for n in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def main() -> None:
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            run(sys.argv[1])
        os.waitpid(child, 0)
        say("killed")


if __name__ == "__main__":
    main()
