from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.desk import Browser, Desk, open_desk


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked both_engines has its desk on SQLite and on PostgreSQL."""
    if metafunc.definition.get_closest_marker("both_engines") is not None:
        metafunc.parametrize("desk", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A running site with one small hall; see desk.py."""
    if getattr(request, "param", "sqlite") == "sqlite":
        with open_desk(tmp_path) as opened:
            yield opened
    else:
        server = request.getfixturevalue("postgres")
        with server.database() as address, open_desk(tmp_path, store_url=address) as opened:
            yield opened


@pytest.fixture
def boss(desk: Desk) -> Browser:
    """The manager of all halls, signed in."""
    return desk.browser("boss")
