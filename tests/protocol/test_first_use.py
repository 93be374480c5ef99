"""Many threads may decode a kind of message for the first time at once.

msgspec looks a class over when it is first decoded; without care a second thread that meets it half looked
over ends the process with a segmentation fault, so the threads here live in a process of their own.
"""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading
from firmware.protocol.messages import Struct, decode

def new(name, annotations, **defaults):
    body = {"__module__": __name__, "__annotations__": annotations, **defaults}
    return type(Struct)(name, (Struct,), body, frozen=True, kw_only=True)

FIELDS = [f"f{k}" for k in range(20)]
PAYLOAD = b"{" + b",".join(b'"%s":{"a":1}' % name.encode() for name in FIELDS) + b"}"
sys.setswitchinterval(1e-6)
for n in range(60):
    parts = {name: new(f"Part{n}{name}", {"a": "int", "b": "str | None"}, b=None) for name in FIELDS}
    kind = new(f"Kind{n}", parts)
    gate = threading.Barrier(8)
    threads = [threading.Thread(target=lambda: (gate.wait(), decode(PAYLOAD, kind))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_a_kind_is_decoded_for_the_first_time_by_many_threads_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
