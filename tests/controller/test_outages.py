"""An outage is one line when it begins and one when it ends, with its length, however often it is met."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from granian.log import configure_logging

from controller.hall.commands import TakeTicket
from controller.people import SYSTEM
from controller.presence import Status
from controller.settings import Settings
from controller.store.errors import StoreFailed
from controller.web_process import options
from firmware.protocol import messages
from tests.controller.sites import Running, Unit, dispenser, running
from tests.waiting import until


@pytest.fixture
def hall(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Running]:
    caplog.set_level(logging.INFO)
    with running("nats", tmp_path, heartbeat_lost_s=1.0) as found:
        yield found


def lines(caplog: pytest.LogCaptureFixture, part: str) -> list[tuple[str, str]]:
    """(who says it, begin or end) of a part's outages, in order."""
    told: list[Any] = [record for record in caplog.records if getattr(record, "outage", "") == part]
    assert all(record.lasted_s >= 0 for record in told if record.phase == "end")
    return [(record.name, record.phase) for record in told]


def test_a_broker_that_ends_is_told_once_by_who_keeps_it_and_once_by_who_uses_it(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    assert hall.broker.pid is not None
    os.kill(hall.broker.pid, signal.SIGKILL)
    until(lambda: not hall.bus.is_up)
    until(lambda: hall.bus.is_up, 30)
    until(lambda: len(lines(caplog, "broker")) == 4)
    told = lines(caplog, "broker")
    for name in ("controller.broker", "controller.live"):
        assert [phase for who, phase in told if who == name] == ["begin", "end"]


def test_a_unit_that_goes_and_comes_is_told_twice(hall: Running, caplog: pytest.LogCaptureFixture) -> None:
    unit = hall.unit("front", dispenser("A"))
    part = "front/unit unit.offline"
    unit.birth()
    until(lambda: _is_heard(hall, unit), every=0.2)
    until(lambda: lines(caplog, part), 20)
    until(lambda: _is_heard(hall, unit) and len(lines(caplog, part)) == 2, every=0.2)
    assert [phase for _, phase in lines(caplog, part)] == ["begin", "end"]


def _is_heard(hall: Running, unit: Unit) -> bool:
    unit.beat()
    return hall.bus.presence.status(unit.name, time.monotonic()) is Status.ONLINE


def test_a_printer_that_says_it_thrice_is_told_once(hall: Running, caplog: pytest.LogCaptureFixture) -> None:
    unit = hall.unit("front", dispenser("A"))
    part = "front/printer-1 printer.paper_out"
    for _ in range(3):
        last = unit.say(messages.Faulted(device="printer-1", code="printer.paper_out"))
    until(lambda: unit.acked() == last)
    assert [phase for _, phase in lines(caplog, part)] == ["begin"]
    last = unit.say(messages.Recovered(device="printer-1", code="printer.paper_out"))
    until(lambda: unit.acked() == last)
    assert [phase for _, phase in lines(caplog, part)] == ["begin", "end"]


def test_a_printer_mended_after_a_restart_is_told_with_its_whole_length(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    unit = hall.unit("front", dispenser("A"))
    first = unit.say(messages.Faulted(device="printer-1", code="printer.paper_out"))
    until(lambda: unit.acked() == first)
    hall.restart()
    mended = messages.Recovered(device="printer-1", code="printer.paper_out")
    until(lambda: unit.say(mended, first + 1) == unit.acked(), every=0.2)
    assert [phase for _, phase in lines(caplog, "front/printer-1 printer.paper_out")] == ["begin", "end"]


def test_a_store_that_fails_a_hundred_times_is_told_once(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    _let_it_write(hall, "OFF")
    for n in range(20):
        with pytest.raises(StoreFailed):
            hall.live.submit(TakeTicket("A", f"t-{n}"), SYSTEM)
    _let_it_write(hall, "ON")
    hall.live.submit(TakeTicket("A", "t"), SYSTEM)
    until(lambda: len(lines(caplog, "store")) == 2)
    assert [phase for _, phase in lines(caplog, "store")] == ["begin", "end"]


def _let_it_write(hall: Running, switch: str) -> None:
    """Whether the controller's own connection may write, as on a disk that turns read-only."""
    connection = hall.site.store.writer.raw_connection()
    connection.cursor().execute(f"PRAGMA query_only={'OFF' if switch == 'ON' else 'ON'}")
    connection.close()


def test_what_the_server_says_of_a_request_goes_our_way_and_is_masked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = options(Settings())
    configure_logging(asked["log_level"], asked["log_dictconfig"])
    log = logging.getLogger("_granian")
    log.error("Error handling request %s", "/t/secret-of-a-slip?lang=en")
    assert [record.name for record in caplog.records] == ["_granian"]
    assert log.handlers == []
