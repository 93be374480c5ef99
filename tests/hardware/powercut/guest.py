"""What runs in the machine: says what the disk kept, then makes new promises until the power is gone.

python -m tests.hardware.powercut.guest FOLDER

Every promise is a line on the second serial line, written after the commit it rests on: `ticket TOKEN
NUMBER` of a controller's store; `press SEQ`, `vote SEQ` and `printed PRESS` of a node's outbox; `control N`
of a database with synchronous=NORMAL, which is meant to lose some: it shows that the rig does cut. Before
it, between `outbox EPOCH` and `working`, the same words say what was found, and `uncertain N` of how many
slips nobody knows whether they came out.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

from controller.hall.commands import TakeTicket
from controller.hall.events import TicketIssued
from controller.live import Live
from controller.people import CITIZEN
from controller.store import Store, integrity, log
from firmware.protocol.codec import decode
from firmware.protocol.messages import Pressed, Print, Printed, PrintUncertain, Rated, Result, ResultState
from firmware.protocol.outbox import Outbox
from tests.store.halls import morning, open_store, running, sqlite_url

SPEECH = Path("/dev/ttyS1")
CITIZENS = 4  # threads that take tickets, so that they share commits as in a hall


class Speaker:
    """The way out of the machine."""

    def __init__(self) -> None:
        self._handle = os.open(SPEECH, os.O_WRONLY | os.O_NOCTTY)
        self._lock = threading.Lock()

    def say(self, *words: object) -> None:
        line = (" ".join(map(str, words)) + "\n").encode()
        with self._lock:
            while line:
                line = line[os.write(self._handle, line) :]


class Promises:
    """The three that promise, on the disk they promise by."""

    def __init__(self, folder: Path, speaker: Speaker) -> None:
        self._speaker = speaker
        url = sqlite_url(folder)
        if not (folder / "hall.db").exists():
            with morning(url):
                pass
        self.store = open_store(url)
        self.outbox = Outbox.open(folder / "outbox.sqlite")
        self._control = folder / "control.db"

    def tell_found(self) -> None:
        self._speaker.say("outbox", self.outbox.state().ep)
        self._tell_tickets(self.store)
        self._tell_events()
        with closing(self._open_control()) as control:
            self._speaker.say("control", control.execute("SELECT count(*) FROM promise").fetchone()[0])
        self._speaker.say("working")

    def _tell_events(self) -> None:
        for entry in self.outbox.after(0, 1_000_000):
            if entry.t == "Pressed":
                self._speaker.say("press", entry.seq)
            elif entry.t == "Rated":
                self._speaker.say("vote", entry.seq)
            elif entry.t == "Printed":
                self._speaker.say("printed", decode(entry.body, Printed).press)
        slips = self.outbox.open_slips()
        self._speaker.say("uncertain", len(slips))
        for slip in slips:
            self.outbox.finish(None, PrintUncertain(order=slip.cid, press=slip.press), slip=slip.cid)

    def _tell_tickets(self, store: Store) -> None:
        with store.reading() as c:
            for logged in log.events(c, "hall"):
                if isinstance(logged.event, TicketIssued):
                    self._speaker.say("ticket", logged.event.token, logged.event.number)
            for problem in integrity.examine(c).problems:
                self._speaker.say("problem", problem)

    def keep_making(self) -> None:
        with running(self.store, snapshot_every=50) as live:
            works = [threading.Thread(target=self._press), threading.Thread(target=self._promise_lightly)]
            for citizen in range(CITIZENS):
                works.append(threading.Thread(target=self._take, args=(live, f"{live.seq}-{citizen}")))
            for work in works:
                work.start()
            for work in works:
                work.join()

    def _take(self, live: Live, name: str) -> None:
        for n in itertools.count():
            token = f"{name}-{n}"
            issued = live.submit(TakeTicket("A", token), CITIZEN, key=token, timeout_s=60).events[0]
            assert isinstance(issued, TicketIssued)
            self._speaker.say("ticket", token, issued.number)

    def _press(self) -> None:
        """Presses and their slips, and a vote after each, as on a unit."""
        while True:
            press, _ = self.outbox.press(Pressed(input="button-1"))
            self._speaker.say("press", press)
            number, epoch = f"A{press}", self.outbox.epoch
            slip = Print(device="printer-1", lines=[], press=press, press_epoch=epoch, number=number)
            self.outbox.begin_slip(number, slip)
            done = Result(cid=number, state=ResultState.DONE)
            self.outbox.finish(done, Printed(order=number, press=press), slip=number)
            self._speaker.say("printed", press)
            self._speaker.say("vote", self.outbox.append(Rated(device="keypad-1", level=5)))

    def _promise_lightly(self) -> None:
        with closing(self._open_control()) as control:
            for n in itertools.count(control.execute("SELECT count(*) FROM promise").fetchone()[0] + 1):
                control.execute("INSERT INTO promise VALUES (?, ?)", (n, b"x" * 300))
                self._speaker.say("control", n)

    def _open_control(self) -> sqlite3.Connection:
        control = sqlite3.connect(self._control, isolation_level=None)
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL"):
            control.execute(line)
        control.execute("CREATE TABLE IF NOT EXISTS promise (id INTEGER PRIMARY KEY, body BLOB)")
        return control


def main(folder: Path) -> None:
    promises = Promises(folder, Speaker())
    promises.tell_found()
    promises.keep_making()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
