from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hall_process import HallProcess, running_hall


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HallProcess]:
    """One running hall for a file of tests."""
    with running_hall(tmp_path_factory.mktemp("hall")) as running:
        yield running
