"""A process that keeps its memory small, looked at from within: what it does holds for the whole process."""

from __future__ import annotations

import subprocess
import sys

PROCESS = """
import gc, threading, weakref
from firmware import heap

class Knot:
    def __init__(self): self.me = self

gc.disable()  # from here on only the thread of the heap looks for garbage
stays, gone = [Knot()], threading.Event()
heap.keep_small(settled_s=0.0, tidy_s=0.01)
while not gc.get_freeze_count():
    gone.wait(0.01)
assert stays[0] not in gc.get_objects(), "what stays is walked"
weakref.finalize(Knot(), gone.set)
assert gone.wait(20), "a knot that nobody holds is still there"
assert stays[0].me is stays[0]
"""


def test_knots_are_found_and_what_stays_is_not_walked() -> None:
    child = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, check=False)
    assert child.stderr == ""
