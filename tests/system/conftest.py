from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hall_process import HallProcess, running_hall


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HallProcess]:
    """One running hall for a file of tests."""
    cables = Path(tempfile.mkdtemp(prefix="sh-"))  # a socket's path must stay short
    try:
        with running_hall(tmp_path_factory.mktemp("hall"), cables) as running:
            yield running
    finally:
        shutil.rmtree(cables, ignore_errors=True)
