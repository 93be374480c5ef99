"""The whole hall of the demo, with people at its wires: buttons, slips, keypads, LED bars.

Its hardware is at the end of ptys and sockets and at the pace of 9600 baud; what people see is what the
emulators made of the bytes that came. Nothing here asks a unit or the controller.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.demo import benches
from firmware.drivers.keypad_frames import ratings_of
from firmware.protocol.messages import Key
from tests.system.chaos.promises import Called, Ledger, Paper, Promise, Voted
from tests.system.chaos.site import Conditions, Site
from tests.waiting import until

CALLS = re.compile(r"请(\S+)号到(\d+)号窗口")
SERVES = re.compile(r"(\S+) 正在办理")
NUMBER = re.compile(r"[A-F]\d{3,}|[A-F]-\S+")
QUEUES = "ABCDEF"
RATINGS = ratings_of(4)  # the keypads of the demo have four faces
KEYPADS = (1, 2, 3, 5, 6)  # windows whose clerks push keys
LOOK_S = 0.4
THANKS_S = 4.0  # a citizen waits so long for the stars
AGAIN_S = 3.0  # a clerk pushes a key again when nothing came of it


class WiredHall(Site):
    """node-1 is the dispenser, node-2 and node-3 the windows, node-4 voice and displays."""

    def __init__(self, folder: Path, run_dir: Path, conditions: Conditions) -> None:
        super().__init__(folder, run_dir, conditions)
        self._seen = Ledger()
        self._calm, self._home = threading.Event(), threading.Event()
        people = [threading.Thread(target=self._take_slips), threading.Thread(target=self._press)]
        people += [threading.Thread(target=self._clerk, args=(window,)) for window in KEYPADS]
        self._people = people

    def start(self) -> None:
        super().start()
        for person in self._people:
            person.start()

    def stop(self) -> None:
        self._calm.set()
        self._home.set()
        for person in self._people:
            if person.ident is not None:
                person.join()
        super().stop()

    def calm(self) -> None:
        self._calm.set()

    def facts(self) -> list[Promise]:
        return self._seen.all()

    def faces(self) -> dict[tuple[str, str], str]:
        shown = {}
        for window in range(1, 9):
            shown[_bar(window)] = self.bar(window)
            shown[_digits(window)] = str(self.keypad(window).get("right", "")).strip()
        return shown

    def faces_of(self, board: Mapping[str, Any]) -> dict[tuple[str, str], str]:
        window = board.get("window")
        if not window:
            return {}
        number = window["number"]
        digits = "".join(one for one in window["ticket"] if one.isdecimal())[-3:]
        return {_bar(number): window["line"], _digits(number): digits}

    # --- people

    def _press(self) -> None:
        """Citizens at the dispenser, one after another."""
        chance, pace_s = random.Random(self.folder.name), self.conditions.pace_s
        while not self._calm.wait(chance.uniform(0.2 * pace_s, 1.8 * pace_s)):
            self.press(chance.choice(QUEUES))

    def _take_slips(self) -> None:
        """Every slip that came out, taken away before the printer's bench forgets it."""
        taken: set[int] = set()
        while True:
            is_last = self._home.wait(LOOK_S)
            for slip in self.slips():
                if slip["id"] not in taken:
                    taken.add(slip["id"])
                    self._take(slip)
            if is_last:
                return

    def _take(self, slip: Mapping[str, Any]) -> None:
        texts = (str(line.get("text", "")).strip() for line in slip["lines"])
        number = next((text for text in texts if NUMBER.fullmatch(text)), None)
        if number is not None:  # else it says why there is none
            self._seen.add(Paper("node-1", number, slip["qr"].rpartition("/")[2]))

    def _clerk(self, window: int) -> None:
        """Looks at the bar and pushes the key that fits; now and then the citizen rates."""
        chance, pushed, waited_s = random.Random(window), "", 0.0
        while not self._home.wait(LOOK_S):
            line, waited_s = self.bar(window), waited_s + LOOK_S
            key = self._key_for(window, line)
            if key is None or (line == pushed and waited_s < AGAIN_S):
                continue
            pushed, waited_s = line, 0.0
            was_asking = bool(self.keypad(window).get("is_asking"))
            self._push(window, key)
            served = SERVES.match(line)
            if key is Key.FINISH and served:
                self._rate(window, "" if was_asking else served[1], chance.choice(sorted(RATINGS)))

    def _key_for(self, window: int, line: str) -> Key | None:
        if called := CALLS.match(line):
            self._seen.add(Called("bar", int(called[2]), called[1]))
            return Key.START
        if SERVES.match(line):
            return Key.FINISH
        waiting = str(self.keypad(window).get("left", "")).strip()
        is_free = line not in ("", "窗口未开", "暂停服务") and waiting not in ("", "0")
        return Key.CALL_NEXT if is_free and not self._calm.is_set() else None

    def _push(self, window: int, key: Key) -> None:
        what = {"device": f"keypad-{window}", "key": key.value}
        benches.ask(f"{self.works.bench_url(_node(window))}/key", what)

    def _rate(self, window: int, number: str, value: str) -> None:
        """Push a face once asked; the stars that come are the thanks. number: "" when the keypad still asked
        about somebody before, whose vote it may become."""
        if not _comes(lambda: bool(self.keypad(window).get("is_asking"))):
            return
        before = self.keypad(window)
        self.rate(window, int(value))
        level = RATINGS[value]
        is_thanked = before.get("stars") != level and _comes(
            lambda: self.keypad(window).get("stars") == level
        )
        if is_thanked and number:
            self._seen.add(Voted("keypad", number, level))


def _comes(condition: Any) -> bool:
    try:
        return bool(until(condition, THANKS_S, every=0.1))
    except AssertionError:
        return False


def _bar(window: int) -> tuple[str, str]:
    return _node(window), f"bar {window}"


def _digits(window: int) -> tuple[str, str]:
    return _node(window), f"digits {window}"


def _node(window: int) -> str:
    return "node-2" if window <= 4 else "node-3"
