"""What systemd is told about a unit's agent and its board."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

from firmware.house import STUCK_S
from firmware.node import HOUSEKEEPING_S

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"


def read(name: str) -> ConfigParser:
    found = ConfigParser(strict=True)
    found.optionxform = str  # type: ignore[assignment]
    found.read_string((FOLDER / name).read_text(encoding="utf-8"))
    return found


def test_f46_the_watchdog_waits_longer_than_the_agent_needs_to_see_that_it_hangs() -> None:
    service = read("servicehall-node.service")["Service"]
    assert service["Type"] == "notify"
    assert float(service["WatchdogSec"]) > STUCK_S + 2 * HOUSEKEEPING_S
    assert service["Restart"] == "always"


def test_f48_systemd_never_gives_a_unit_up() -> None:
    assert read("servicehall-node.service")["Unit"]["StartLimitIntervalSec"] == "0"


def test_f45_a_helper_ended_for_its_memory_does_not_end_the_agent() -> None:
    assert read("servicehall-node.service")["Service"]["OOMPolicy"] == "continue"


def test_f47_the_boards_watchdog_is_set_within_what_a_raspberry_pi_can_count() -> None:
    """That it restarts a board whose kernel hangs can only be seen on one."""
    assert 10 <= int(read("servicehall-watchdog.conf")["Manager"]["RuntimeWatchdogSec"]) <= 15


def test_f39_logs_take_no_room_on_the_disk() -> None:
    assert read("servicehall-journal.conf")["Journal"]["Storage"] == "volatile"
