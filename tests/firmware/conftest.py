"""A unit in service, the hardware around it and the far end it speaks to, for tests of whole units."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.settings import Settings
from firmware.node import Node
from tests.faults.proxy import Proxy, proxy_to
from tests.firmware.far_end import broker_for
from tests.firmware.hall_unit import (
    SLOW,
    Controller,
    Hardware,
    NodeProcess,
    controller_at,
    is_in_service,
    node_running,
    node_settings,
)
from tests.waiting import until


@pytest.fixture
def settings(request: pytest.FixtureRequest, folder: Path) -> Iterator[Settings]:
    with broker_for(getattr(request, "param", "nats"), folder) as found:
        yield found


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: sockets have at most 107 characters."""
    with tempfile.TemporaryDirectory(prefix="sh-") as found:
        yield Path(found)


@pytest.fixture
def hardware(folder: Path) -> Iterator[Hardware]:
    (folder / "bench").mkdir()
    found = Hardware(folder / "bench")
    yield found
    found.close()


@pytest.fixture
def relay(settings: Settings) -> Iterator[Proxy]:
    with proxy_to(settings.mqtt_port) as found:
        yield found


@pytest.fixture
def controller(settings: Settings) -> Iterator[Controller]:
    with controller_at(settings) as found:
        yield found


@pytest.fixture
def node(folder: Path, hardware: Hardware, relay: Proxy, controller: Controller) -> Iterator[Node]:
    """A unit in service: connected, configured, its printer known to be good."""
    with node_running(node_settings(folder / "unit", relay.port)) as found:
        controller.configure(hardware.config())
        until(lambda: is_in_service(found, controller), SLOW, what="the unit is in service")
        yield found


@pytest.fixture
def process(folder: Path, hardware: Hardware, settings: Settings) -> Iterator[NodeProcess]:
    found = NodeProcess(folder, node_settings(folder / "unit", settings.mqtt_port))
    yield found
    found.close()
