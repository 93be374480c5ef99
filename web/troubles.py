"""What the manager hears of devices: each fault as one sentence, and messages that nobody could use."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g

from controller import i18n
from controller.store import devices
from web.visit import say, the_site

_LOOKS = {"citizen": 0, "degraded": 1, "maintenance": 2}  # severity of the fault catalogue
MOST_FAULTS = 5  # shown one by one


@dataclass(frozen=True, slots=True)
class Trouble:
    """A device or message that needs a technician. look: red, amber or blue."""

    look: str
    text: str


def troubles(hall: str) -> list[Trouble]:
    """What is broken in the hall now, worst first, and how many messages nobody could use."""
    faults = sorted(
        the_site().devices.faults(hall), key=lambda fault: (_LOOKS.get(fault.severity, 1), fault.since)
    )
    found = [_fault(fault) for fault in faults[:MOST_FAULTS]]
    if len(faults) > MOST_FAULTS:
        found.append(Trouble("amber", say("{n} more faults of devices", n=len(faults) - MOST_FAULTS)))
    with the_site().store.reading() as connection:
        count = devices.set_aside_count(connection, hall)
    if count:
        found.append(
            Trouble("blue", say("{n} messages of devices could not be used and were set aside", n=count))
        )
    return found


def _fault(fault: devices.Fault) -> Trouble:
    key = f"fault.{fault.code}"
    what = say(key) if i18n.is_translated(g.lang, key) else fault.detail or fault.code
    text = say(
        "{device} of {unit}: {what}, since {time}",
        device=fault.device,
        unit=fault.unit,
        what=what,
        time=fault.since.astimezone(the_site().settings.zone).strftime("%H:%M"),
    )
    return Trouble(("red", "amber", "blue")[_LOOKS.get(fault.severity, 1)], text)
