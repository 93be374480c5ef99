"""What needs the manager, most urgent first: each as one sentence with the way to do something about it.

Joins what the hall itself shows (reports.alarms) and what devices report.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import g, url_for

from controller import i18n
from controller.boards import window_of
from controller.hall import reports
from controller.hall.model import Hall
from controller.hall.reports import Alarm, Urgency
from controller.store import devices
from controller.store.devices import Fault
from web.home import UNIT_ROLES
from web.visit import me, place_of, say, the_site

MOST_FAULTS = 5  # shown one by one
URGENCY_OF_SEVERITY = {"citizen": Urgency.RED, "degraded": Urgency.AMBER, "maintenance": Urgency.BLUE}


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Need:
    """advice: what to do about it."""

    urgency: Urgency
    text: str
    advice: str = ""
    links: tuple[Link, ...] = ()

    @property
    def look(self) -> str:
        return self.urgency.name.lower()


def needs(hall: Hall, now: datetime) -> list[Need]:
    found = [_alarm(hall, alarm) for alarm in reports.alarms(hall, now)]
    return sorted([*found, *device_needs(hall.id)], key=lambda need: need.urgency)


def device_needs(hall: str) -> list[Need]:
    """What devices report: broken, short of paper, not to be understood."""
    return [*_faults(hall), *_set_aside(hall)]


def _alarm(hall: Hall, alarm: Alarm) -> Need:
    text = say(
        f"alarm.{alarm.code}",
        window=alarm.window,
        queue=_queue(hall, alarm.queue),
        minutes=alarm.minutes or 0,
        n=alarm.count,
        reason=i18n.label(g.lang, "pause", alarm.reason) if alarm.reason else "",
    )
    links = [_who_waits(hall, alarm.queue)] if alarm.queue else []
    if alarm.window is not None:
        links.append(_window(hall, alarm.window))
    return Need(alarm.urgency, text, links=tuple(links))


def _queue(hall: Hall, code: str | None) -> str:
    return i18n.in_language(g.lang, hall.queues[code].name) if code else ""


def _window(hall: Hall, number: int) -> Link:
    return Link(say("Window {n}", n=number), url_for("manager.window", hall=hall.id, number=number))


def _who_waits(hall: Hall, queue: str) -> Link:
    address = url_for("manager.tickets", hall=hall.id, queue=queue, state="waiting", sort="issued", dir="up")
    return Link(say("Who waits"), address)


def _faults(hall: str) -> list[Need]:
    faults = the_site().devices.faults(hall)
    faults.sort(key=lambda fault: (_urgency(fault), fault.since))
    found = [_fault(fault) for fault in faults[:MOST_FAULTS]]
    if len(faults) > MOST_FAULTS:
        text = say("{n} more faults of devices.", n=len(faults) - MOST_FAULTS)
        found.append(Need(Urgency.AMBER, text, links=_devices()))
    return found


def _fault(fault: Fault) -> Need:
    remedy = f"remedy.{fault.code}"
    text = say(
        "{where}: {what}, since {time}.",
        where=_where(fault),
        what=_what(fault),
        time=fault.since.astimezone(the_site().settings.zone).strftime("%H:%M"),
    )
    advice = say(remedy) if i18n.is_translated(g.lang, remedy) else ""
    return Need(_urgency(fault), text, advice, _devices())


def fault_words(fault: Fault) -> tuple[str, str]:
    """Where it is and what it is."""
    return _where(fault), _what(fault)


def _where(fault: Fault) -> str:
    """The window the device serves, else the place its unit stands at."""
    device = the_site().devices.book.device(fault.unit, fault.device)
    window = window_of(device.board) if device else None
    return say("Window {n}", n=window) if window is not None else place_of(fault.unit)


def _what(fault: Fault) -> str:
    key = f"fault.{fault.code}"
    return say(key) if i18n.is_translated(g.lang, key) else fault.detail or f"{fault.device} {fault.code}"


def _urgency(fault: Fault) -> Urgency:
    return URGENCY_OF_SEVERITY.get(fault.severity, Urgency.AMBER)


def _devices() -> tuple[Link, ...]:
    """Where a fault can be looked into, for those who may."""
    if the_site().settings.demo:
        return (Link(say("The wires"), url_for("technician.wires")),)
    may_look = bool(me().roles & UNIT_ROLES)
    return (Link(say("Units"), url_for("technician.devices")),) if may_look else ()


def _set_aside(hall: str) -> list[Need]:
    with the_site().store.reading() as connection:
        count = devices.set_aside_count(connection, hall)
    if not count:
        return []
    text = say("{n} messages of devices could not be used and were set aside.", n=count)
    return [Need(Urgency.BLUE, text, links=_devices())]
