"""A broker whose name leads nowhere any more, or to where it is not: F72."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from controller.settings import Settings
from firmware.protocol.whereabouts import Whereabouts, resolve
from tests.contract.unit import Unit
from tests.faults.proxy import Proxy
from tests.firmware.far_end import FarEnd, unit_login
from tests.waiting import until

NAME, NOBODY_THERE = "hall.example", "127.0.0.9"
Names = dict[str, list[str]]


@pytest.fixture
def start(settings: Settings, proxy: Proxy, tmp_path: Path) -> Callable[[Names], object]:
    login = replace(unit_login(replace(settings, mqtt_port=proxy.port)), host=NAME)

    @contextmanager
    def started(names: Names) -> Iterator[Unit]:
        """The same unit again, in a network that knows these names."""
        unit = Unit(login, tmp_path / "unit", find=lambda host: names.get(host, []))
        unit.link.start()
        yield unit
        unit.close()

    return started


def test_f72_a_unit_whose_resolver_is_gone_comes_back_to_the_last_address(
    start, proxy: Proxy, controller: FarEnd
) -> None:
    """Also after a restart, and when the name leads to an address the broker has left."""
    names: Names = {NAME: ["127.0.0.1"]}
    with start(names) as unit:
        until(lambda: unit.ups == 1)
        names.clear()
        proxy.cut()
        until(lambda: unit.ups == 2, what="it is back without a name")
    with start({NAME: [NOBODY_THERE]}) as unit:
        unit.press()
        until(lambda: unit.is_quiet, what="it is back although its name leads astray")


def test_f72_a_name_that_leads_elsewhere_is_followed_and_only_where_the_broker_was_met_is_kept() -> None:
    kept: list[str] = []
    where = Whereabouts(NAME, keep=kept.append, find=lambda host: [NOBODY_THERE])
    with pytest.raises(OSError):
        where.reach(9, 1.0)
    where.arrived("127.0.0.1")
    where.arrived("127.0.0.1")
    assert kept == ["127.0.0.1"]


def test_f72_another_name_of_the_broker_is_tried_last(proxy: Proxy) -> None:
    where = Whereabouts(NAME, ["127.0.0.1"], recall=lambda: NOBODY_THERE, find=_numbers_only)
    with where.reach(proxy.port, 1.0) as connection:
        assert connection.getpeername() == ("127.0.0.1", proxy.port)


def _numbers_only(host: str) -> list[str]:
    return [] if host == NAME else resolve(host)
