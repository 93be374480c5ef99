"""Deadlines of tests: compressed, or with DEADLINES=real those a hall has, as `make soak` runs the faults."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

IS_REAL = os.environ.get("DEADLINES", "") == "real"
PATIENCE = 8.0 if IS_REAL else 1.0  # how much longer a test waits for what shall happen


def either(compressed: T, real: T) -> T:
    return real if IS_REAL else compressed
