"""One running site: its store, halls, people, devices and buses, opened together and closed in reverse.

Hides the order of it, the lock that keeps a second controller out of the same data, and the generation
that fences a controller that was replaced (R11). A site without halls works: the first is added later.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from controller import first, i18n
from controller.anchors import LOOK_S as LOOK_AT_DAY_S
from controller.anchors import NAME, Anchors
from controller.booking import Booking
from controller.bus import Bus
from controller.changes import Changes
from controller.clock import HallClock, real_now
from controller.coming import COMING_S, Coming
from controller.counsel import EVERY_S, SHARE
from controller.devices import Devices
from controller.ended import EVERY_S as ENDED_S
from controller.ended import Ended
from controller.from_home import FromHome
from controller.hall.commands import ChangePlan
from controller.hall.events import DayOpened
from controller.hall.model import HallError, Plan, Text
from controller.hall.plans import check_plan
from controller.hall.ratings import by_calendar
from controller.holidays import Holidays
from controller.keeping import STEP_S, Keeping
from controller.live import Committed, Live
from controller.lock import SiteTaken, lock
from controller.lookout import LOOK_S
from controller.messaging.booking_words import BookingWords
from controller.messaging.office import Office
from controller.orders import Renderer
from controller.paced import Paced
from controller.pasts import Pasts
from controller.people import SYSTEM, Actor
from controller.presence import Status
from controller.selftests import Weekly
from controller.settings import Settings
from controller.shows import Shows
from controller.store import Store, guides, item_standings, items, log, records
from controller.store.audit import audit
from controller.store.devices import catalogue_changed
from controller.store.people import People
from controller.store.seal import Seal
from controller.store.second_factor import SecondFactors
from firmware.protocol import topics
from firmware.protocol.logs import Outages

SETTLE_S = 1.0
RESUME_AFTER = timedelta(minutes=15)  # of hall time; then a hall with a clock of its own was evidently off

__all__ = ["Site", "SiteStatus", "SiteTaken"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """How the site is, in figures. set_aside: messages nobody could use, ever."""

    generation: int
    is_broker_up: bool
    units_online: int
    units: int
    set_aside: int
    pending_orders: int


class Site:
    """Everything that runs in one controller process. Open it with Site.open."""

    def __init__(self, settings: Settings, store: Store, generation: int, closing: ExitStack) -> None:
        """closing: what to do at the end, in reverse; what is opened here is added to it."""
        self.settings, self.store, self.generation = settings, store, generation
        self.clock = _clock(store)
        self.devices = Devices(store, settings)
        self.people = People(store, settings.policy)
        self.matters = MatterNames(store)
        self.pasts = Pasts(store)
        self.holidays = Holidays(store)
        self.seal = seal = Seal(settings.data_dir)
        self.second_factors = SecondFactors(store, seal, settings.policy)
        self.anchors = Anchors(store, settings.audit_anchors or settings.data_dir / NAME, settings.zone)
        self.halls: dict[str, Live] = {}
        self.bus: dict[str, Bus] = {}
        self.keeping = Keeping(store, settings, lambda: self.clock.now(), self.halls)
        self.messages = Office(store, settings, seal, self.halls, self.work_days)
        words = BookingWords(self.halls, self.booking, lambda text: seal.digest(text, "booking"))
        self.messages.listener.also(words.understands)
        self.from_home = FromHome(seal)
        self._closing = closing

    @classmethod
    def open(cls, settings: Settings) -> Site:
        """The site of these settings, running. Raises HallError with one sentence when it cannot."""
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        closing = ExitStack()
        try:
            closing.callback(lock(settings.data_dir).close)
            store = Store.open(settings.database_url, real_now())
            closing.callback(store.close)
            site = cls(settings, store, store.claim(at_least=_milliseconds(real_now())), closing)
            site._run()
        except BaseException:
            closing.close()
            raise
        names = ", ".join(site.halls) or "none"
        _logger.info("the site is open, generation %d, halls: %s", site.generation, names)
        return site

    def close(self) -> None:
        """Stop the buses, then the halls, then close the store. Safe to call twice."""
        self._closing.close()

    def add_hall(self, id: str, plan: Plan, by: Actor = SYSTEM, note: str = "") -> Live:
        """A new hall with this plan, running. Raises HallError when the name is taken or no id, Refused for a
        plan that contradicts itself."""
        if not topics.is_id(id):
            raise HallError(f"{id!r} cannot name a hall: use 1 to 32 of a-z, 0-9 and -")
        if id in self.halls:
            raise HallError(f"hall {id} is there already")
        check_plan(plan)
        now = real_now()
        with self.store.writing() as c:
            records.add_hall(c, id, plan.name, now)
            audit(by.id, "hall.add", id, now)(c)
        live = self._run_hall(id)
        live.submit(ChangePlan(plan, note), by)
        return live

    def work_days(self, moment: datetime, days: int) -> datetime:
        """The last instant of the so-many-th working day after the one of a moment."""
        return by_calendar(self.holidays.calendar, self.settings.zone)(moment, days)

    def booking(self, live: Live) -> Booking:
        """How appointments of this hall are booked."""
        return Booking(live, self.holidays, self.seal, self.settings.zone)

    def keep_clock(self) -> None:
        """Remember how the hall's clock is set, for the next start."""
        with self.store.writing() as c:
            records.save_clock(c, self.clock.setting)

    def status(self) -> SiteStatus:
        states = [unit.status for bus in self.bus.values() for unit in bus.units()]
        return SiteStatus(
            generation=self.generation,
            is_broker_up=all(bus.is_up for bus in self.bus.values()),
            units_online=states.count(Status.ONLINE),
            units=len(states),
            set_aside=sum(bus.set_aside_total() for bus in self.bus.values()),
            pending_orders=sum(bus.pending_orders() for bus in self.bus.values()),
        )

    def _run(self) -> None:
        i18n.load()
        first.invite(self.store, self.settings)
        self.devices.sync_accounts()
        settling = Paced("settling", self.store.settle_down, SETTLE_S, Outages(_logger))
        anchoring = Paced("anchors", self.anchors.take_daily, LOOK_AT_DAY_S, Outages(_logger))
        keeping = Paced("keeping", self.keeping.step, STEP_S, Outages(_logger))
        for paced in (settling, anchoring, keeping):
            paced.start()
            self._closing.callback(paced.stop)
        with self.store.reading() as c:
            known = records.all_halls(c)
        for hall in known:
            self._run_hall(hall)
        self.messages.start()
        self._closing.callback(self.messages.close)

    def _run_hall(self, id: str) -> Live:
        shows = Shows(self.store, id, self.settings.zone)
        book, item_name = (lambda: self.devices.book), self.matters.name_of
        renderer = Renderer(id, self.settings, self.generation, book, item_name, shows.is_quiet)
        lost_after_s = self.settings.heartbeat_lost_s
        live = Live(id, self.store, self.clock, renderer.render, lost_after_s=lost_after_s, shows=shows)
        bus = Bus(live, self.devices, self.settings, self.generation, renderer, self.work_days)
        live.start()
        self._closing.callback(live.stop)
        bus.start()
        self._closing.callback(bus.stop)
        live.subscribe(Weekly(bus).committed)
        live.subscribe(self._begin_guides)
        expects = partial(self.pasts.coming, zone=self.settings.zone)
        looks = partial(live.lookout.look_and_tell, bus.screens.touch_waits)
        coming = Coming(live, Changes(live, self.devices), self.people, self.holidays, self.settings.zone)
        for paced in (
            Paced("forecast", looks, LOOK_S, live.outages),
            Paced("advice", partial(live.counsel.look, expects), EVERY_S, live.outages, SHARE),
            Paced("coming", coming.step, COMING_S, live.outages),
            Paced("ended", Ended(live).step, ENDED_S, live.outages),
        ):
            paced.start()
            self._closing.callback(paced.stop)
        self._closing.callback(live.counsel.close)
        self.halls[id], self.bus[id] = live, bus
        return live

    def _begin_guides(self, committed: Committed) -> None:
        """Kiosks are told anew what to bring on the first day a guide holds, and which matters are taken."""
        for event in committed.events:
            if isinstance(event, DayOpened):
                with self.store.writing() as c:
                    if not item_standings.apply(c, event.date) and guides.begins(c, event.date):
                        catalogue_changed(c)
                self.matters.forget()


def _milliseconds(now: datetime) -> int:
    """Since 1970. No generation is below: a database from a backup forgets those that units remember, and
    its controller would be fenced by them (R11, F81)."""
    return int(now.timestamp() * 1000)


class MatterNames:
    """Names of matters for slips and pages, read from the catalogue when one is not known yet.

    One that is no longer taken keeps its name: tickets of days that are over were for it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: dict[str, str] = {}

    def name_of(self, code: str) -> Text | None:
        if code not in self._names:
            self._names = items.names(self._store)
        name = self._names.get(code)
        return None if name is None else Text(name, "")

    def forget(self) -> None:
        """Read them anew: some were renamed."""
        self._names = {}


def _clock(store: Store) -> HallClock:
    """The hall's clock as last set. One of its own goes on where the hall stopped, if it was off for long."""
    with store.reading() as c:
        setting, last_at = records.load_clock(c), log.last_event_at(c)
    clock = HallClock(setting)
    if last_at is not None and clock.now() - last_at > RESUME_AFTER:
        clock.resume(last_at)
        if not clock.is_real:
            with store.writing() as c:
                records.save_clock(c, clock.setting)
    return clock
