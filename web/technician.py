"""The technician's pages: every unit with its one next action, and in the demo the benches of all nodes.

Hides where a unit's bench is: the unit says so in its birth, and only an address on this machine is framed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, abort, g, render_template

from controller import i18n
from controller.bus import UnitStatus
from controller.demo.hall import VISITOR_WINDOW
from controller.hall.model import Text
from controller.people import Role
from controller.presence import Status
from controller.store.devices import Fault, SetAside
from firmware.protocol.messages import DeviceConfig
from web import status
from web.visit import hall_now, is_fragment, me, role_required, say, the_site

blueprint = Blueprint("technician", __name__)

MOST_SET_ASIDE = 20
PAYLOAD_SHOWN = 160  # characters of a set-aside message
OK = "ok"
LOOKS = {"citizen": "red", "degraded": "amber", "maintenance": "blue"}  # severity of the fault catalogue
LIGHTS = {Status.ONLINE: "green", Status.SUSPECT: "amber", Status.OFFLINE: "red", Status.UNKNOWN: "grey"}
SPARE = Text("备用", "Spare")


@dataclass(frozen=True, slots=True)
class Trouble:
    """An open fault as the technician reads it: what, since when, evidence, what to do."""

    device: str
    look: str
    what: str
    since: datetime
    evidence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DeviceLight:
    """One peripheral. code: its worst fault, "" when it is well or nobody knows."""

    config: DeviceConfig
    code: str

    @property
    def is_well(self) -> bool:
        return not self.code


@dataclass(frozen=True, slots=True)
class UnitCard:
    """A unit: where it stands, how it is, what is wrong. bench: page of its emulated wires."""

    hall: str
    unit: str
    name: Text
    status: Status
    light: str
    sentence: str
    devices: tuple[DeviceLight, ...]
    troubles: tuple[Trouble, ...]
    version: str
    bench: str | None

    @property
    def is_wide(self) -> bool:
        """Its bench has windows, which stand side by side."""
        return any(light.config.kind == "keypad" for light in self.devices)


@blueprint.get("/wires")
def wires() -> str:
    """Every node of the demo hall with its bench; as a list of states when the page's own script asks."""
    if not the_site().settings.demo:
        abort(404)
    cards = sorted(unit_cards(), key=lambda card: card.is_wide)
    g.frames = sorted({_origin(card.bench) for card in cards if card.bench})
    name = "technician/_states.html" if is_fragment() else "technician/wires.html"
    return render_template(name, cards=cards, visitor_window=VISITOR_WINDOW, framed=_framed)


@blueprint.get("/devices")
@role_required(Role.TECHNICIAN, Role.ADMIN, Role.HALL_MANAGER, is_board=True)
def devices() -> str:
    """Units, their faults, and the messages nobody could use."""
    site = the_site()
    halls = [hall for hall in site.halls if me().works_in(hall)]
    aside = [one for hall in halls for one in site.devices.set_aside(hall, MOST_SET_ASIDE)]
    name = "technician/_devices.html" if is_fragment() else "technician/devices.html"
    return render_template(
        name,
        cards=[card for card in unit_cards() if card.hall in halls],
        status=site.status(),
        aside=aside[:MOST_SET_ASIDE],
        readable=_readable,
    )


@blueprint.get("/status")
@role_required(Role.TECHNICIAN, Role.ADMIN, Role.HALL_MANAGER, is_board=True)
def system() -> str:
    """How fast the site was in the last hour, how its parts are, what was out in the last day (S2.39)."""
    name = "technician/_status.html" if is_fragment() else "technician/status.html"
    face = status.face(the_site(), me().halls)
    return render_template(
        name, face=face, now=hall_now(), brief=status.brief, lasting=status.lasting, on_day=_on_day
    )


def _on_day(moment: datetime | None, now: datetime) -> str:
    """The time, with the date when it was another day."""
    if moment is None:
        return ""
    zone = the_site().settings.zone
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%m-%d %H:%M:%S")


def unit_cards() -> list[UnitCard]:
    """Every unit of the site that may connect, hall by hall."""
    site = the_site()
    return [
        _card(hall, unit, site.devices.faults(hall)) for hall, bus in site.bus.items() for unit in bus.units()
    ]


def _card(hall: str, unit: UnitStatus, faults: Sequence[Fault]) -> UnitCard:
    position = the_site().devices.book.position_of(unit.unit)
    own = [fault for fault in faults if fault.unit == unit.unit]
    worst = {fault.device: fault.code for fault in own}
    health = unit.seen.health
    reported = {} if health is None else {name: code for name, code in health.devices.items() if code != OK}
    configs = () if position is None else tuple(position.config.devices)
    lights = tuple(DeviceLight(one, worst.get(one.device, reported.get(one.device, ""))) for one in configs)
    return UnitCard(
        hall=hall,
        unit=unit.unit,
        name=SPARE if position is None else position.name,
        status=unit.status,
        light=LIGHTS[unit.status],
        sentence=_sentence(unit.status, lights),
        devices=lights,
        troubles=tuple(_trouble(fault) for fault in own),
        version="" if unit.seen.birth is None else unit.seen.birth.app,
        bench=bench_of(unit),
    )


def _sentence(status: Status, lights: Sequence[DeviceLight]) -> str:
    broken = sum(not light.is_well for light in lights)
    if status is Status.ONLINE and broken:
        return say("It works, but {n} of {all} devices need somebody.", n=broken, all=len(lights))
    return say(f"unit.{status.value}")


def _trouble(fault: Fault) -> Trouble:
    return Trouble(
        device=fault.device,
        look=LOOKS.get(fault.severity, "amber"),
        what=_text(f"fault.{fault.code}", fault.code),
        since=fault.since,
        evidence=fault.detail,
        remedy=_text(f"remedy.{fault.code}", say("remedy.unknown")),
    )


def _text(key: str, otherwise: str) -> str:
    return say(key) if i18n.is_translated(g.lang, key) else otherwise


# --- benches


def bench_of(unit: UnitStatus) -> str | None:
    """The address of the unit's emulated wires; None when it names none, or one not on this machine."""
    birth = unit.seen.birth
    named = "" if birth is None else birth.hw.get("bench", "") or birth.pages
    parts = urlsplit(named)
    try:
        is_here = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
        port = parts.port
    except ValueError:
        return None
    return f"http://{parts.hostname}:{port}/" if parts.scheme == "http" and is_here and port else None


def _origin(address: str) -> str:
    return address.rstrip("/")


def _framed(address: str) -> str:
    """The bench in this page's language and look."""
    return f"{address}?{urlencode({'lang': g.lang, 'theme': g.theme})}"


def _readable(one: SetAside) -> str:
    """The first bytes of a message as text; what is no text as hex."""
    text = one.payload[:PAYLOAD_SHOWN].decode("utf-8", "replace")
    return text if text.isprintable() else one.payload[: PAYLOAD_SHOWN // 3].hex(" ")
