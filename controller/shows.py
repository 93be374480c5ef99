"""What the staff of a running hall chose to be shown: layouts of displays, quiet times, the leader on duty.

A display is a board of its own (`d-lobby`): what another board tells, laid out as somebody chose. Hides that
choices are rows; they are read once, and again when one was made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, tzinfo

import msgspec
from msgspec.structs import replace

from controller import boards
from controller.hall.model import Hall
from controller.loudness import is_within
from controller.store import Store
from controller.store import showing as rows
from firmware.protocol.codec import look_over
from firmware.protocol.messages import Board, Layout, Struct

DISPLAY = "d-"  # what the boards of displays begin with
QUIET, LEADER = "quiet", "leader"
SHOWS = ("hall", "zone", "window", "notices", "leader", "staff")
ORDERS = ("", "waiting")  # as set up; the longest line first
LANGUAGES = ("zh", "en")
TURNS = (0, 90, 180, 270)
MOST_COLUMNS, MOST_ROWS = 4, 8


class Display(Struct, frozen=True, kw_only=True):
    """A display with a name. board: whose content it shows; layout: how."""

    zh: str
    en: str
    board: str
    layout: Layout


class QuietTime(Struct, frozen=True, kw_only=True):
    """From when to when nothing is spoken, by the hall's clock; end before start: over midnight."""

    start: time
    end: time
    zones: tuple[str, ...] = ()  # none: the whole hall

    def holds(self, zone: str, at: time) -> bool:
        return (not self.zones or zone in self.zones) and is_within(at, self.start, self.end)


class Quiet(Struct, frozen=True, kw_only=True):
    """When calls are not spoken. until: by hand, for the areas of `zones` (none: all)."""

    times: tuple[QuietTime, ...] = ()
    until: datetime | None = None
    zones: tuple[str, ...] = ()


class Leader(Struct, frozen=True, kw_only=True):
    """Who leads the hall today (值班领导). through: the last day on which that is so."""

    zh: str
    en: str = ""
    phone: str = ""
    through: date


NOTHING_QUIET = Quiet()
KINDS: Mapping[str, type[Struct]] = {QUIET: Quiet, LEADER: Leader}
look_over([Display, *KINDS.values()])


class Shows:
    """Any thread may ask."""

    def __init__(self, store: Store, hall: str, zone: tzinfo) -> None:
        self._store, self._hall, self._zone = store, hall, zone
        self.displays: Mapping[str, Display] = {}
        self.quiet = NOTHING_QUIET
        self.leader: Leader | None = None
        self.version = 0
        self.read()

    def read(self) -> None:
        """Read them anew: somebody has chosen."""
        with self._store.reading() as c:
            known = {row.name: chosen(row.name, row.chosen) for row in rows.all_of(c, self._hall)}
        self.displays = {name: one for name, one in known.items() if isinstance(one, Display)}
        quiet, leader = known.get(QUIET), known.get(LEADER)
        self.quiet = quiet if isinstance(quiet, Quiet) else NOTHING_QUIET
        self.leader = leader if isinstance(leader, Leader) else None
        self.version += 1

    def source(self, name: str) -> str:
        """The board that tells what this one shows: itself, but for a display's."""
        display = self.displays.get(name)
        return name if display is None else display.board

    def touched(self, names: Collection[str]) -> set[str]:
        """The displays that may look different when these boards do."""
        return {
            name
            for name, display in self.displays.items()
            if display.board in names or (names and display.board in boards.WHOLE)
        }

    def is_quiet(self, zones: Collection[str], now: datetime) -> bool:
        """Whether nothing is spoken in any of these areas. Asked for every board that is drawn."""
        return (
            self.quiet is not NOTHING_QUIET
            and bool(zones)
            and all(self._is_quiet(zone, now) for zone in zones)
        )

    def _is_quiet(self, zone: str, now: datetime) -> bool:
        quiet, at = self.quiet, now.astimezone(self._zone).time()
        by_hand = quiet.until is not None and now < quiet.until and (not quiet.zones or zone in quiet.zones)
        return by_hand or any(one.holds(zone, at) for one in quiet.times)

    def leading(self, now: datetime) -> Leader | None:
        """Who leads today, if anybody said so."""
        leader = self.leader
        return leader if leader and now.astimezone(self._zone).date() <= leader.through else None

    def state(self, hall: Hall, name: str, now: datetime) -> tuple[int, bool, Leader | None]:
        """Equal for as long as what is chosen makes no difference to a board."""
        zones = boards.area_of(hall, self.source(name))
        return self.version, self.is_quiet(zones, now), self.leading(now)

    def dress(self, looks: Board, hall: Hall, name: str, now: datetime) -> Board:
        """The board with what was chosen for it."""
        _, is_quiet, leader = self.state(hall, name, now)
        if is_quiet:
            looks = replace(looks, is_quiet=True)
        if leader is not None and looks.window is None:
            looks = replace(looks, leader_zh=leader.zh, leader_en=leader.en, leader_phone=leader.phone)
        display = self.displays.get(name)
        return looks if display is None else replace(looks, board=name, layout=display.layout)


def chosen(name: str, value: object) -> Struct:
    """What a row says. Raises ValidationError for one this program cannot read."""
    return msgspec.convert(value, KINDS.get(name, Display))


def kept(value: Struct) -> object:
    """The same as it is stored."""
    return msgspec.to_builtins(value)
