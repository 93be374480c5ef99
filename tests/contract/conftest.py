"""Every rule is shown on both brokers. Rigs: both ends real, only the unit's, only the controller's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.settings import Settings
from tests.contract.unit import Unit
from tests.contract.whole import Whole, whole
from tests.controller.brokers import KINDS
from tests.controller.sites import Running, running
from tests.faults.proxy import Proxy, proxy_to
from tests.firmware.far_end import FarEnd, broker_for, far_end, unit_login


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def both(kind: str, tmp_path: Path) -> Iterator[Whole]:
    """Both ends, and a network between them."""
    with whole(kind, tmp_path) as found:
        yield found


@pytest.fixture
def hall(kind: str, tmp_path: Path) -> Iterator[Running]:
    """The controller's end; its units are raw clients that say what a test makes them say."""
    with running(kind, tmp_path) as found:
        yield found


@pytest.fixture
def settings(kind: str, tmp_path: Path) -> Iterator[Settings]:
    """A broker that knows node-1, for the unit's end."""
    with broker_for(kind, tmp_path) as found:
        yield found


@pytest.fixture
def controller(settings: Settings) -> Iterator[FarEnd]:
    """What the unit's end speaks to: it says what a test makes it say."""
    with far_end(settings) as found:
        yield found


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    with proxy_to(settings.mqtt_port) as found:
        yield found


@pytest.fixture
def unit(settings: Settings, proxy: Proxy, tmp_path: Path) -> Iterator[Unit]:
    """The unit's end, not started yet."""
    found = Unit(unit_login(replace(settings, mqtt_port=proxy.port)), tmp_path / "unit")
    yield found
    found.close()
