"""Messages through a GSM modem on this machine, which a process of its own talks to.

Hides that process (firmware/modem_child.py) and its questions: it is started when it is needed, again after
it died, and killed when it hangs. What comes in is deleted from the card only after it was stored here.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from controller.messaging.carrier import Delivered, NotSent, Outgoing, Received, Take
from controller.settings import Settings

CHILD = "firmware.modem_child"
PATIENCE_S = 60.0  # for one answer: a part takes up to 40 s
LISTEN_S = 5.0  # between two looks at the card


class Modem:
    """One thread at a time."""

    def __init__(self, settings: Settings, take: Take, listen_s: float = LISTEN_S) -> None:
        self._wire, self._take, self._listen_s = settings.sms_address, take, listen_s
        self._child: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._next_s = 0.0

    def send(self, message: Outgoing) -> Sequence[str]:
        question = {"do": "send", "id": message.id, "number": message.address, "text": message.text}
        answer = next(self._ask(question))
        return [f"modem:{one}" for one in answer["references"]]

    def listen(self) -> None:
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + self._listen_s
        for said in list(self._ask({"do": "listen"})):
            if "report" in said:
                self._take(Delivered(f"modem:{said['report']}", said["is_delivered"], said["why"]))
            elif "received" in said:
                self._take(Received(said["number"], said["text"]))
                list(self._ask({"do": "stored", "received": said["received"]}))

    def close(self) -> None:
        child, self._child, self._buffer = self._child, None, b""
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()

    def _ask(self, question: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What is answered, up to its end. Raises NotSent."""
        child = self._running()
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps(question).encode() + b"\n")
            child.stdin.flush()
        except OSError as error:
            self.close()
            raise NotSent("unreachable", "the process of the modem went away") from error
        while True:
            said = self._line(child)
            if "failed" in said:
                raise NotSent(str(said["code"])[:64], str(said["why"]), bool(said["is_final"]))
            if "end" in said:
                return
            yield said
            if "taken" in said:
                return

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            command = (sys.executable, "-m", CHILD, self._wire)
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        return self._child

    def _line(self, child: subprocess.Popen[bytes]) -> dict[str, Any]:
        assert child.stdout is not None
        until_s = time.monotonic() + PATIENCE_S
        while b"\n" not in self._buffer:
            left_s = until_s - time.monotonic()
            is_there = left_s > 0 and select.select([child.stdout], [], [], left_s)[0]
            more = child.stdout.read(4096) if is_there else b""
            if not more:
                self.close()
                raise NotSent("unreachable", "the process of the modem died or hung")
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said
