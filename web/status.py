"""How the site is and was, for who keeps it running (S2.39): fast enough, all parts well, what was out.

Hides where each figure comes from and what it is measured by. Every part that is not well says in one
sentence why, and what to do next.
"""

from __future__ import annotations

import platform
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

from flask import g

from controller import broker, i18n
from controller.bus import Bus, UnitStatus
from controller.clock import real_now
from controller.live import Live
from controller.presence import Status
from controller.site import Site
from controller.store import backup
from controller.timings import Percentiles
from firmware.protocol.logs import Outage
from web.health import lookout
from web.visit import place_of, say

GREEN, AMBER, RED = "green", "amber", "red"
LOOKS = (RED, AMBER, GREEN)  # in this order one looks at them
DAY = timedelta(days=1)
BACKUP_LATE = timedelta(hours=26)  # a backup a night, with two hours for one that takes long
LOW_FREE = ((0.02, 200 * 2**20, RED), (0.10, 2 * 2**30, AMBER))  # share and bytes left, whichever is more
OUTAGES_SHOWN = 50
PARTS = ("store", "halls", "broker", "units", "devices", "disk", "backup")
OWN_PARTS = ("broker", "store")  # whose outages only this process knows; those of units are stored
GOALS_S: Mapping[str, float | None] = {  # S2.39: at the 95th percentile
    "action": 0.5,
    "board_sent": 1.0,
    "voice_taken": 1.5,
    "slip_ordered": None,
    "commit": None,
    "report_committed": None,
    "order_sent": None,
    "order_answered": None,
}


@dataclass(frozen=True, slots=True)
class Pace:
    """One step in the last hour. goal_s: what 95 of 100 shall stay below; None: nothing is promised."""

    name: str
    seen: Percentiles
    goal_s: float | None

    @property
    def look(self) -> str:
        """Green within the goal, red beyond it, "" where there is no goal or nothing happened."""
        if self.goal_s is None or self.seen.p95 is None:
            return ""
        return GREEN if self.seen.p95 <= self.goal_s else RED


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the site. remedy: what to do next, "" while all is well."""

    name: str
    look: str
    sentence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Lapse:
    """One time that something did not work, in the hall's time. ended: None while it lasts."""

    where: str
    what: str
    began: datetime
    ended: datetime | None
    lasted: timedelta


@dataclass(frozen=True, slots=True)
class HallStatus:
    """One hall of the site."""

    live: Live
    paces: tuple[Pace, ...]
    lapses: tuple[Lapse, ...]


@dataclass(frozen=True, slots=True)
class SiteFace:
    """Everything on the status page. versions: what runs, and in which version."""

    halls: tuple[HallStatus, ...]
    parts: tuple[Part, ...]
    versions: tuple[tuple[str, str], ...]

    @property
    def look(self) -> str:
        """The worst of the parts."""
        return min((part.look for part in self.parts), key=LOOKS.index)


def face(site: Site, halls: Collection[str] | None = None) -> SiteFace:
    """The page of the site; halls: of these alone."""
    lives = [live for live in site.halls.values() if halls is None or live.id in halls]
    return SiteFace(
        halls=tuple(HallStatus(live, _paces(live), _lapses(site, live)) for live in lives),
        parts=tuple(sorted(_parts(site), key=lambda part: LOOKS.index(part.look))),
        versions=tuple(_versions(site)),
    )


def _paces(live: Live) -> tuple[Pace, ...]:
    return tuple(
        Pace(name, getattr(live.timings, name).last_hour(), goal_s) for name, goal_s in GOALS_S.items()
    )


# --- the parts


def _parts(site: Site) -> Iterator[Part]:
    checks = {check.part: check for check in lookout().look().checks}
    yield _well_or(checks["store"].ok, "store")
    is_alive = all(check.ok for part, check in checks.items() if part.startswith("hall "))
    yield _well_or(is_alive, "halls")
    yield _broker(site)
    yield from _units(site)
    yield _disk(site)
    yield _backup(site)


def _well_or(is_well: bool, name: str) -> Part:
    if is_well:
        return Part(name, GREEN, say(f"part_well.{name}"))
    return Part(name, RED, say(f"part_out.{name}"), say(f"part_remedy.{name}"))


def _broker(site: Site) -> Part:
    restarts = broker.restarts(site.settings)
    part = _well_or(all(bus.is_up for bus in site.bus.values()), "broker")
    if part.look == GREEN and restarts:
        text = i18n.tn(
            g.lang,
            "It is connected. It ended once since the service runs, and was started again.",
            "It is connected. It ended {n} times since the service runs, and was started again.",
            restarts,
        )
        return Part("broker", AMBER, text, say("part_remedy.broker_restarts"))
    return part


def _units(site: Site) -> Iterator[Part]:
    states = [unit.status for bus in site.bus.values() for unit in bus.units()]
    online = states.count(Status.ONLINE)
    text = say("{n} of {all} units are online.", n=online, all=len(states))
    is_well = online == len(states)
    yield Part("units", GREEN if is_well else RED, text, "" if is_well else say("part_remedy.units"))
    faults = [fault for bus in site.bus.values() for fault in site.devices.faults(bus.hall)]
    if not faults:
        yield Part("devices", GREEN, say("part_well.devices"))
        return
    look = RED if any(fault.severity == "citizen" for fault in faults) else AMBER
    text = i18n.tn(g.lang, "{n} fault is open.", "{n} faults are open.", len(faults))
    yield Part("devices", look, text, say("part_remedy.units"))


def _disk(site: Site) -> Part:
    usage = shutil.disk_usage(site.settings.data_dir)
    text = say("{free} of {all} are free where the data is.", free=_size(usage.free), all=_size(usage.total))
    for share, least, look in LOW_FREE:
        if usage.free < min(max(share * usage.total, least), usage.total / 2):
            return Part("disk", look, text, say("part_remedy.disk"))
    return Part("disk", GREEN, text)


def _backup(site: Site) -> Part:
    try:
        stored = (site.settings.data_dir / backup.LAST).stat().st_mtime
    except OSError:
        return Part("backup", AMBER, say("No backup was made yet."), say("part_remedy.backup"))
    age = timedelta(seconds=max(0.0, real_now().timestamp() - stored))
    text = say("The last one was made {time} ago.", time=lasting(age))
    if age > BACKUP_LATE:
        return Part("backup", AMBER, text, say("part_remedy.backup"))
    return Part("backup", GREEN, text)


# --- what was out


def _lapses(site: Site, live: Live) -> tuple[Lapse, ...]:
    """What did not work within the last day, the newest first."""
    now = live.clock.now()
    own = [_own(live, one, now) for one in live.outages.known() if one.part in OWN_PARTS]
    found = [*own, *_stored(site, live, now)]
    recent = [one for one in found if one.ended is None or now - one.ended <= DAY]
    recent.sort(key=lambda one: (one.ended is not None, now - one.began))
    return tuple(recent[:OUTAGES_SHOWN])


def _own(live: Live, one: Outage, now: datetime) -> Lapse:
    def moment(at_s: float) -> datetime:
        return now - timedelta(seconds=(time.monotonic() - at_s) * live.clock.speed)

    began = moment(one.began_s)
    ended = None if one.ended_s is None else moment(one.ended_s)
    where, what = (i18n.label(g.lang, kind, one.part) for kind in ("part", "lapse"))
    return Lapse(where, what, began, ended, _between(began, ended or now))


def _stored(site: Site, live: Live, now: datetime) -> Iterator[Lapse]:
    for fault in site.devices.last_faults(live.id):
        key = f"fault.{fault.code}"
        what = say(key) if i18n.is_translated(g.lang, key) else fault.detail or fault.code
        device = "" if fault.device == "unit" else f" · {fault.device}"
        where = f"{place_of(fault.unit)}{device}"
        yield Lapse(where, what, fault.since, fault.until, _between(fault.since, fault.until or now))


def _between(began: datetime, ended: datetime) -> timedelta:
    """Nothing where the hall's clock was set back between them."""
    return max(timedelta(), ended - began)


# --- what runs


def _versions(site: Site) -> Iterator[tuple[str, str]]:
    engine = site.store.writer.dialect.name
    yield say("Controller"), f"servicehall {version('servicehall')}"
    yield say("Runs since"), lookout().opened_at.astimezone(site.settings.zone).strftime("%Y-%m-%d %H:%M")
    yield say("Units"), _unit_versions(site.bus) or "–"
    yield say("Database"), f"SQLite {sqlite3.sqlite_version}" if engine == "sqlite" else engine
    yield say("Message broker"), site.settings.broker if site.settings.is_broker_embedded else say("external")
    yield "Python", platform.python_version()


def _unit_versions(buses: Mapping[str, Bus]) -> str:
    """ "0.1.0 × 4": how many units run which version."""
    units: list[UnitStatus] = [unit for bus in buses.values() for unit in bus.units()]
    found = Counter(unit.seen.birth.app for unit in units if unit.seen.birth is not None)
    return ", ".join(f"{name} × {count}" for name, count in sorted(found.items()))


# --- how it is said


def lasting(length: timedelta) -> str:
    """A length of time in the two units that tell: "3 h 20 min", "45 s"."""
    seconds = int(length.total_seconds())
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if days:
        return say("{d} d {h} h", d=days, h=hours)
    if hours:
        return say("{h} h {m} min", h=hours, m=minutes)
    if minutes:
        return say("{m} min {s} s", m=minutes, s=seconds % 60)
    return say("{s} s", s=seconds)


def brief(seconds: float | None) -> str:
    """How long a step took, with two figures that mean something: "0.8 ms", "45 ms", "1.2 s"."""
    if seconds is None:
        return "–"
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / 2**20:.0f} MB"
