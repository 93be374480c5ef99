"""A unit that is killed again and again in the middle of a ticket: no number twice, nothing told is lost."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from controller.settings import Settings
from firmware.protocol.messages import NotPrinted, Printed, PrintUncertain
from tests.controller.brokers import KINDS
from tests.firmware.hall_unit import (
    SLOW,
    Controller,
    Hardware,
    NodeProcess,
    healths,
    keep_config,
    node_settings,
)
from tests.waiting import until

pytestmark = pytest.mark.system
ENDED = Printed | PrintUncertain | NotPrinted
OF_A_ROLL = 300  # slips; a roll lasts for some seven hundred
NUMBER = re.compile(r"A\d+")


@pytest.fixture
def process(folder: Path, hardware: Hardware, settings: Settings) -> Iterator[NodeProcess]:
    """A start lasts a moment only: this is no unit that cannot start."""
    keep_config(folder / "unit", hardware.config())
    found = NodeProcess(folder, node_settings(folder / "unit", settings.mqtt_port, steady_s=1e-6))
    yield found
    found.close()


@pytest.mark.parametrize("settings", KINDS, indirect=True)
def test_f14_f15_f42_kills_in_mid_ticket_lose_and_double_nothing(process, hardware, controller):
    """kill -9 at any moment of a press: no number twice, no press lost, at most one doubtful slip a kill.

    Ten on each broker.
    """
    _kill_in_mid_ticket(process, hardware, controller, kills=10)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_f42_a_thousand_kills_in_mid_ticket_lose_and_double_nothing(process, hardware, controller):
    """As above, a thousand times (SOAK_KILLS says another number)."""
    _kill_in_mid_ticket(process, hardware, controller, kills=int(os.environ.get("SOAK_KILLS", "1000")))


def _kill_in_mid_ticket(
    process: NodeProcess, hardware: Hardware, controller: Controller, *, kills: int
) -> None:
    chance = random.Random(kills)
    pushes, slips = 0, Slips(hardware)
    for kill in range(kills):
        process.start()
        is_back = f"the unit is back after {kill} kills"
        until(lambda kill=kill: is_ready(controller, starts=kill + 1), SLOW, what=is_back)
        if kill % OF_A_ROLL == 0:
            hardware.new_roll()
        moment = chance.choice(MOMENTS)
        before = (len(controller.reports("Pressed")), len(controller.granted), paper(hardware))
        pushes += push_until(hardware, lambda m=moment, b=before: m(controller, hardware, b))
        process.kill()
        slips.look()
    process.start()
    until(lambda: is_ready(controller, starts=kills + 1), SLOW, what="the unit is back")
    until(lambda: resent(controller) and settled(controller), SLOW, what="every press has ended")
    assert process.end() == 0
    slips.look()
    _check(slips.numbers(), controller, kills, pushes)


class Slips:
    """Numbers that came out of the printer and were cut off; its emulator keeps the last few only.

    The end of a slip whose beginning was torn off bears none.
    """

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._seen: dict[int, str] = {}

    def look(self) -> None:
        for slip in self._hardware.seen("printer-1")["slips"]:
            number = NUMBER.match("".join(line.get("text", "") for line in slip["lines"]).strip())
            if slip["is_cut"] and number:
                self._seen[slip["id"]] = number[0]

    def numbers(self) -> list[str]:
        return list(self._seen.values())


def _check(numbers: list[str], controller: Controller, kills: int, pushes: int) -> None:
    assert len(numbers) == len(set(numbers)), "a number came out of the printer twice"
    ends = Counter(one.press for one in controller.reports() if isinstance(one, ENDED))
    assert set(ends.values()) == {1}, "a slip ended twice"
    assert len(controller.reports("PrintUncertain")) <= kills
    assert kills / 2 <= len(controller.reports("Pressed")) <= pushes
    printed = {one.press for one in controller.reports("Printed")}
    cut = {int(number[1:]) for number in numbers}
    assert len(printed) <= len(cut) <= len(printed) + len(controller.reports("PrintUncertain"))


def push_until(hardware: Hardware, is_it: Callable[[], bool]) -> int:
    """Push, and again after a while as a person does whose push was too early; how often it took."""
    for pushes in range(1, 6):
        hardware.push()
        with suppress(AssertionError):
            until(is_it, 5.0)
            return pushes
    raise AssertionError("five pushes came to nothing")


# --- moments in the life of a press


def at_once(controller: Controller, hardware: Hardware, before: tuple[int, int, int]) -> bool:
    return True


def when_it_is_told(controller: Controller, hardware: Hardware, before: tuple[int, int, int]) -> bool:
    return len(controller.reports("Pressed")) > before[0]


def when_it_is_answered(controller: Controller, hardware: Hardware, before: tuple[int, int, int]) -> bool:
    return len(controller.granted) > before[1]


def when_paper_moves(controller: Controller, hardware: Hardware, before: tuple[int, int, int]) -> bool:
    return paper(hardware) > before[2]


def when_it_has_ended(controller: Controller, hardware: Hardware, before: tuple[int, int, int]) -> bool:
    return resent(controller) and settled(controller) and len(controller.reports("Pressed")) > before[0]


MOMENTS = (at_once, when_it_is_told, when_it_is_answered, when_paper_moves, when_it_has_ended)


def paper(hardware: Hardware) -> int:
    """Bytes the printer has taken."""
    return int(hardware.seen("printer-1")["bytes"])


def is_ready(controller: Controller, *, starts: int) -> bool:
    """Whether the unit's newest start says that its printer is good."""
    boots = {birth.boot for birth in controller.births()}
    if len(boots) < starts:
        return False
    sessions = {birth.sess for birth in controller.births() if birth.boot == max(boots)}
    health = [one for one in healths(controller) if one.sess in sessions]
    return bool(health) and health[-1].devices.get("printer-1") == "ok"


def resent(controller: Controller) -> bool:
    """Send again what is open, as a controller does."""
    for epoch, seq in set(controller.granted) - ended(controller):
        controller.grant(epoch, seq)
    return True


def settled(controller: Controller) -> bool:
    return ended(controller) >= controller.granted.keys()


def ended(controller: Controller) -> set[tuple[str, int]]:
    """The presses whose slip came to an end."""
    epoch = next(iter(controller.granted), ("", 0))[0]
    return {(epoch, one.press) for one in controller.reports() if isinstance(one, ENDED) and one.press}
