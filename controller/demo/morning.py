"""Makes a data folder ready for a day of the sample hall, before its controller starts.

Through the controller's own code: store, people, devices and the live hall, as a technician would with the
commands. Everything is done only when it is not so already, so that a second start changes nothing but the
clock, and what people changed in between stays.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from controller.clock import HallClock, real_now
from controller.demo.hall import HALL, PEOPLE, Staff, sample_plan
from controller.demo.matters import put_sample_centre, put_sample_matters
from controller.demo.nodes import Node
from controller.devices import Devices, write_unit_file
from controller.hall.commands import ChangePlan, CloseDay
from controller.hall.duty import opening
from controller.hall.model import DayState, Hall, HallError
from controller.holidays import Holidays
from controller.live import Live
from controller.people import SYSTEM, Role
from controller.settings import Settings
from controller.store import Store, log
from controller.store.people import People, Person
from controller.store.records import add_hall, all_halls, load_clock, save_clock
from firmware.protocol.messages import UnitConfig

OPENS = time(8, 55)
CLOSES = time(17, 0)


@dataclass(frozen=True, slots=True)
class Morning:
    """A hall ready to be served. midnight: of its day, UTC. links: person id -> token of a one-time link."""

    date: date
    midnight: datetime
    is_new_day: bool
    links: Mapping[str, str]

    @property
    def closes(self) -> timedelta:
        return timedelta(hours=CLOSES.hour, minutes=CLOSES.minute)


def prepare(
    settings: Settings, nodes: Sequence[Node], unit_dir: Path, speed: float, *, is_day_over: bool
) -> Morning:
    """The hall with its people, devices and an open day, its clock set to run `speed` times as fast.

    unit_dir: gets a file per unit, NAME.toml. is_day_over: the crowd has gone home, so that the next
    working day begins. Raises HallError.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = Store.open(settings.database_url, real_now())
    try:
        _furnish(store, settings, nodes, unit_dir)
        with _awake(store, settings) as live:
            day, is_new = _open(live, settings, speed, is_day_over)
        with store.writing() as c:
            save_clock(c, live.clock.setting)
        people = People(store)
        links = {one.id: people.link(one.id, real_now()) for one in PEOPLE}
    finally:
        store.close()
    return Morning(day, midnight(day, settings), is_new, links)


def hall_clock(settings: Settings) -> HallClock:
    """The hall's clock as it is stored now. Raises HallError when none is."""
    store = Store.open(settings.database_url, real_now())
    try:
        with store.reading() as c:
            setting = load_clock(c)
    finally:
        store.close()
    if setting is None:
        raise HallError("the hall has no clock of its own")
    return HallClock(setting)


def midnight(day: date, settings: Settings) -> datetime:
    """When this day began in the hall, UTC."""
    return at(day, time(), settings)


def at(day: date, clock: time, settings: Settings) -> datetime:
    return datetime.combine(day, clock, settings.zone).astimezone(UTC)


# --- what is there once


def _furnish(store: Store, settings: Settings, nodes: Sequence[Node], unit_dir: Path) -> None:
    now, plan = real_now(), sample_plan()
    with store.reading() as c:
        is_known = HALL in all_halls(c)
    if not is_known:
        with store.writing() as c:
            add_hall(c, HALL, plan.name, now)
            put_sample_matters(c, now)
    with store.writing() as c:
        centre = put_sample_centre(c, HALL, now)
    people = People(store)
    for one in PEOPLE:
        if people.get(one.id) is None:
            people.add(_person(one, centre), now)
    _hang_devices(Devices(store, settings), settings, nodes, unit_dir)


def _person(one: Staff, centre: str) -> Person:
    roles = frozenset(Role(role) for role in one.roles)
    hall = None if one.is_of_centre or one.is_everywhere else HALL
    of = centre if one.is_of_centre else None
    return Person(
        one.id, one.name, one.staff_number, hall, roles, is_active=True, centre=of, home_unit=one.home_unit
    )


def _hang_devices(devices: Devices, settings: Settings, nodes: Sequence[Node], unit_dir: Path) -> None:
    """Positions, units and the file of each unit; the broker's address in a file may have changed."""
    unit_dir.mkdir(parents=True, exist_ok=True)
    for node in nodes:
        known = devices.book.positions.get((HALL, node.name))
        if known is None or tuple(known.config.devices) != node.devices:
            config = UnitConfig(rev=0, position=node.name, name=node.title.zh, devices=list(node.devices))
            devices.put_position(HALL, node.name, node.title, config, real_now())
        file = unit_dir / f"{node.name}.toml"
        if node.name not in devices.book.units:
            token = devices.add_unit(HALL, node.name, real_now(), node.name)
        else:
            token = _token_in(file) or devices.renew_secret(node.name, real_now())
        file.unlink(missing_ok=True)
        write_unit_file(file, settings, HALL, node.name, token)


def _token_in(file: Path) -> str | None:
    """The secret an earlier start left; None when the file is lost."""
    try:
        token = tomllib.loads(file.read_text("utf-8")).get("token")
    except (OSError, tomllib.TOMLDecodeError):
        return None
    return token if isinstance(token, str) else None


# --- the day


@contextmanager
def _awake(store: Store, settings: Settings) -> Iterator[Live]:
    """The hall with its writer, but without devices: nothing is printed or said."""
    with store.reading() as c:
        setting, last_at = load_clock(c), log.last_event_at(c, HALL)
    clock = HallClock(setting)
    clock.resume(last_at)
    live = Live(HALL, store, clock, lambda hall, told, now: [], tick_every=None)
    live.start()
    try:
        yield live
    finally:
        live.stop()


def _open(live: Live, settings: Settings, speed: float, is_day_over: bool) -> tuple[date, bool]:
    """The day to go on with, its clock set; whether it is a new one."""
    if not live.hall.plan.queues:
        live.clock.set(at(_next_day(live, settings), time(8), settings), speed)
        live.submit(ChangePlan(sample_plan()), SYSTEM)
    going_on = _day_under_way(live.hall)
    if going_on is not None and not is_day_over:
        live.clock.set(live.clock.now(), speed)
        return going_on, False
    if going_on is not None:
        live.submit(CloseDay(), SYSTEM)
    day = _next_day(live, settings)
    live.clock.set(at(day, OPENS, settings), speed)
    calendar = Holidays(live.store).calendar
    live.submit(opening(calendar, day, at(day, CLOSES, settings), settings.zone), SYSTEM)
    return day, True


def _next_day(live: Live, settings: Settings) -> date:
    """The working day after the last one, by the calendar of the site."""
    return Holidays(live.store).calendar.after(_last_day(live.hall, settings), 1).day


def _day_under_way(hall: Hall) -> date | None:
    return hall.day.date if hall.day is not None and hall.day.state is not DayState.CLOSED else None


def _last_day(hall: Hall, settings: Settings) -> date:
    return hall.day.date if hall.day is not None else real_now().astimezone(settings.zone).date()
