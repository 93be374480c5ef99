"""How loud a loudspeaker speaks at what time of day."""

from __future__ import annotations

from datetime import time

import pytest

from controller.devices import BadDevices, check_config
from controller.loudness import BadVolume, volume_at
from firmware.protocol.messages import DeviceConfig, UnitConfig

QUIET = {"volume": "80", "quiet": "12:00-14:00=40, 20:00-07:30=0"}


@pytest.mark.parametrize(
    ("at", "percent"),
    [("11:59", 80), ("12:00", 40), ("13:59", 40), ("14:00", 80), ("23:00", 0), ("07:29", 0), ("07:30", 80)],
)
def test_quiet_times_have_a_volume_of_their_own_also_over_midnight(at: str, percent: int) -> None:
    assert volume_at(QUIET, time.fromisoformat(at)) == percent


def test_without_options_it_is_as_loud_as_it_can() -> None:
    assert volume_at({}, time(12)) == 100


@pytest.mark.parametrize(
    "options", [{"volume": "loud"}, {"volume": "101"}, {"quiet": "12-14"}, {"quiet": "12:00-14:00=-1"}]
)
def test_what_is_no_volume_is_refused_with_the_position(options: dict[str, str]) -> None:
    with pytest.raises(BadVolume):
        volume_at(options, time(12))
    speaker = DeviceConfig(device="speaker-1", kind="speaker", wire="sound:default", options=options)
    with pytest.raises(BadDevices, match="speaker-1"):
        check_config("hall", UnitConfig(rev=0, position="", devices=[speaker]))
