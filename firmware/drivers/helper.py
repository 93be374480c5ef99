"""A helper process that answers questions: what is large, foreign or may crash stays out of the agent.

One JSON object a line in, four bytes of length (big-endian) and the answer out. Hides starting it when
it is needed, starting it again when it died, and a deadline for each answer. It ends with its standard
input, so it never outlives the agent.
"""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

FIRST_S = 60.0  # for the first answer of a process: a Zero under load reads its libraries for 20 s and more


class HelperFault(Exception):
    """The helper died, or did not answer in time."""


class Helper:
    """One helper. For one thread at a time, but for close(). head: bytes it says of itself when it starts."""

    def __init__(self, module: str, what: str, answer_s: float, head_size: int = 0) -> None:
        """module: run with -m. what: its name in messages. answer_s: for an answer on a board under load, but
        the first."""
        self.starts = 0
        self.has_answered = False
        self.head = b""
        self._command = (sys.executable, "-m", module)
        self._what, self._answer_s, self._head_size = what, answer_s, head_size
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, question: Mapping[str, Any]) -> bytes:
        """The answer. Raises HelperFault; the next call starts a new helper."""
        helper = self.start()
        try:
            assert helper.stdin is not None
            helper.stdin.write(json.dumps(question).encode() + b"\n")
            helper.stdin.flush()
            size = struct.unpack(">I", self._read(helper, 4))[0]
            said = self._read(helper, size)
        except OSError as error:
            self.close()
            raise HelperFault(f"{self._what} went away ({error})") from error
        self.has_answered = True
        return said

    def start(self) -> subprocess.Popen[bytes]:
        """The running process, started now if need be, so that the first question need not wait for it."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self.starts += 1
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
            self.head = self._read(self._process, self._head_size)
        return self._process

    def close(self) -> None:
        helper, self._process = self._process, None
        if helper is None:
            return
        self.has_answered = False
        helper.kill()
        helper.wait()
        for pipe in (helper.stdin, helper.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _read(self, helper: subprocess.Popen[bytes], size: int) -> bytes:
        assert helper.stdout is not None
        answer_s = self._answer_s if self.has_answered else max(FIRST_S, self._answer_s)
        data, until_s = bytearray(), time.monotonic() + answer_s
        while len(data) < size:
            left_s = until_s - time.monotonic()
            is_there = left_s > 0 and select.select([helper.stdout], [], [], left_s)[0]
            more = os.read(helper.stdout.fileno(), size - len(data)) if is_there else b""
            if not more:
                self.close()
                raise HelperFault(f"{self._what} died" if is_there else f"{self._what} hung")
            data += more
        return bytes(data)


def serve(answer: Callable[[dict[str, Any]], bytes], head: bytes = b"") -> int:
    """The helper's side: answer questions until standard input ends."""
    out = sys.stdout.buffer
    out.write(head)
    out.flush()
    for line in sys.stdin.buffer:
        said = answer(json.loads(line))
        out.write(struct.pack(">I", len(said)) + said)
        out.flush()
    return 0
