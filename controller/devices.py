"""The devices of the site: which positions there are, which unit stands where, who may connect.

Hides the tables and the broker's list of accounts. Readers take `book`, a value that does not change
under them and needs no SQL. Position (a place with its peripherals) is not unit (a board): swapping a
board changes one row, and the position's configuration goes to the new one.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import ssl
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, tzinfo
from functools import cache, cached_property
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from controller import cards, commandline
from controller.boards import of_window, window_of
from controller.broker import CONTROLLER, hash_secret, new_secret, set_accounts
from controller.broker_config import Account
from controller.clock import real_now
from controller.hall.model import HallError, Text
from controller.loudness import BadVolume, volume_at
from controller.settings import Settings, load
from controller.store import Store, guides, log
from controller.store import devices as rows
from controller.store.audit import audit
from controller.store.devices import Position, Unit
from controller.store.records import all_halls
from controller.store.seal import Seal
from firmware.protocol import catalogue, topics
from firmware.protocol.codec import MAX_PAYLOAD_BYTES
from firmware.protocol.messages import DeviceConfig, UnitConfig

KIOSK = "k-"  # what the boards of kiosks begin with
LARGEST_CATALOGUE = MAX_PAYLOAD_BYTES // 2  # bytes; a third more on the wire, beside the devices
LARGEST_REV = 2**53  # what every program that reads JSON can count to
KINDS = frozenset(
    {"button", "printer", "keypad", "led", "speaker", "screen", "reader", "camera", "keys", "lamp", "matrix"}
)


_logger = logging.getLogger(__name__)


class BadDevices(HallError):
    """The configuration of a position, or what was asked of a unit, does not hold together."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A peripheral of a unit that serves a position now."""

    unit: str
    device: DeviceConfig


@dataclass(frozen=True)
class Book:
    """All positions and units at one instant."""

    rev: int = 0
    units: Mapping[str, Unit] = field(default_factory=dict)
    positions: Mapping[tuple[str, str], Position] = field(default_factory=dict)
    catalogue: bytes = b""  # what can be found at a kiosk, packed
    reader_key: Callable[[], str] = field(default=lambda: "", compare=False)  # with which units hash cards

    def position_of(self, unit: str) -> Position | None:
        """Where the unit stands; None for a spare, revoked or unknown one."""
        found = self.units.get(unit)
        if found is None or found.revoked_at is not None or found.position is None:
            return None
        return self.positions.get((found.hall, found.position))

    def config_of(self, unit: str) -> UnitConfig | None:
        """What the unit shall be; a spare gets no devices, an unknown unit nothing."""
        found = self.units.get(unit)
        if found is None or found.revoked_at is not None:
            return None
        position = self.position_of(unit)
        if position is None:
            return UnitConfig(rev=self.rev, position="", devices=[])
        devices = [self._with_key(device) for device in position.config.devices]
        is_kiosk = any(device.board.startswith(KIOSK) for device in devices)
        catalogue = self.catalogue if is_kiosk else b""
        return msgspec.structs.replace(position.config, devices=devices, catalogue=catalogue)

    def _with_key(self, device: DeviceConfig) -> DeviceConfig:
        """A reader of cards with the key of the site's digests, unless it was given one of its own."""
        if device.kind != "reader" or device.options.get("reads") != "id_card" or "key" in device.options:
            return device
        return msgspec.structs.replace(device, options={**device.options, "key": self.reader_key()})

    def devices_of(self, unit: str) -> Sequence[DeviceConfig]:
        position = self.position_of(unit)
        return () if position is None else position.config.devices

    def device(self, unit: str, name: str) -> DeviceConfig | None:
        return next((one for one in self.devices_of(unit) if one.device == name), None)

    def of_kind(self, hall: str, kind: str) -> Sequence[Placed]:
        return self._placed.get((hall, kind, ""), ())

    def at_window(self, hall: str, kind: str, number: int) -> Sequence[Placed]:
        return self._placed.get((hall, kind, of_window(number)), ())

    @cached_property
    def _placed(self) -> Mapping[tuple[str, str, str], Sequence[Placed]]:
        """By hall, kind and board; under "" those of all boards. Orders ask at every call."""
        found: defaultdict[tuple[str, str, str], list[Placed]] = defaultdict(list)
        for unit in self.units.values():
            for device in self.devices_of(unit.id):
                for board in {device.board, ""}:
                    found[unit.hall, device.kind, board].append(Placed(unit.id, device))
        return found

    def units_of(self, hall: str) -> list[Unit]:
        """The units that may connect."""
        return [unit for unit in self.units.values() if unit.hall == hall and unit.revoked_at is None]


class Devices:
    """The registry. Any thread may read `book` and call the methods."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._seal = Seal(settings.data_dir)
        self._reader_key = cache(lambda: cards.reader_key(self._seal))
        self.book = self._read()

    def refresh(self) -> bool:
        """Take over what another process changed; True when something was."""
        with self._store.reading() as c:
            if rows.changes(c) == self.book.rev:
                return False
        self.book = self._read()
        return True

    def sync_accounts(self) -> bool:
        """Let the embedded broker know exactly the units that may connect."""
        return set_accounts(self._settings, lambda: accounts(self._store))

    def put_position(
        self, hall: str, id: str, name: Text, config: UnitConfig, now: datetime, by: str = "system"
    ) -> Position:
        """Add or change a position; its unit hears of it at once. rev and position are filled in.

        Raises BadDevices, naming what contradicts what.
        """
        self._check_hall(hall)
        check_config(id, config)
        with self._store.writing() as c:
            rows.put_position(c, hall, id, name, config)
            audit(by, "position.put", f"{hall}/{id}", now, devices=len(config.devices))(c)
        self.book = self._read()
        return self.book.positions[hall, id]

    def add_unit(
        self, hall: str, id: str, now: datetime, position: str | None = None, by: str = "system"
    ) -> str:
        """Let a new board connect: its token, which is kept nowhere. Raises BadDevices."""
        self._check_hall(hall)
        taken = (CONTROLLER, *topics.NOT_UNITS)
        if not topics.is_id(id) or id in taken:
            raise BadDevices(
                f"{id!r} cannot name a unit: use 1 to 32 of a-z, 0-9 and -, but not {', '.join(taken)}"
            )
        if id in self.book.units:
            raise BadDevices(f"unit {id} is there already; names of units are never used again")
        self._check_position(hall, position)
        secret = new_secret()
        with self._store.writing() as c:
            rows.put_unit(c, Unit(id, hall, None, hash_secret(secret), now))
            if position is not None:
                rows.place_unit(c, id, position)
            audit(by, "unit.add", id, now, hall=hall, position=position)(c)
        self._changed()
        return secret

    def renew_secret(self, id: str, now: datetime, by: str = "system") -> str:
        """A new token for a unit whose file was lost or seen; the old one stops working."""
        self._known(id)
        secret = new_secret()
        with self._store.writing() as c:
            rows.set_secret(c, id, hash_secret(secret))
            audit(by, "unit.renew", id, now)(c)
        self._changed()
        return secret

    def place(self, id: str, position: str | None, now: datetime, by: str = "system") -> None:
        """Let the unit serve another position; whoever stood there becomes a spare."""
        self._check_position(self._known(id).hall, position)
        with self._store.writing() as c:
            rows.place_unit(c, id, position)
            audit(by, "unit.place", id, now, position=position)(c)
        self._changed()

    def revoke(self, id: str, now: datetime, by: str = "system") -> None:
        """Shut a unit out at once and for ever; the others stay connected."""
        self._known(id)
        with self._store.writing() as c:
            rows.revoke_unit(c, id, now)
            audit(by, "unit.revoke", id, now)(c)
        self._changed()

    def outrank(self, unit: str, rev: int) -> None:
        """The unit was told a later configuration than this database remembers (F81): ours counts."""
        position = self.book.position_of(unit)
        if position is None or not position.config.rev < rev < LARGEST_REV:
            return
        with self._store.writing() as c:
            rows.outrank(c, position.hall, position.id, rev)
        self.book = self._read()

    def faults(self, hall: str) -> list[rows.Fault]:
        """What is broken in the hall now."""
        with self._store.reading() as c:
            return rows.open_faults(c, hall)

    def last_faults(self, hall: str, limit: int = 100) -> list[rows.Fault]:
        with self._store.reading() as c:
            return rows.last_faults(c, hall, limit)

    def set_aside(self, hall: str, limit: int = 100) -> Sequence[rows.SetAside]:
        """The newest messages nobody could use."""
        with self._store.reading() as c:
            return rows.last_set_aside(c, hall, limit)

    def person_of(self, told: str) -> str:
        """Who it is by what a unit told of an identity card, as bookings know persons."""
        return cards.person_of(self._seal, told)

    def _read(self) -> Book:
        return replace(_read(self._store, self._settings), reader_key=self._reader_key)

    def _changed(self) -> None:
        self.book = self._read()
        self.sync_accounts()

    def _known(self, id: str) -> Unit:
        unit = self.book.units.get(id)
        if unit is None or unit.revoked_at is not None:
            raise BadDevices(f"there is no unit {id}; see: servicehall unit list")
        return unit

    def _check_hall(self, hall: str) -> None:
        with self._store.reading() as c:
            known = all_halls(c)
        if hall not in known:
            raise BadDevices(f"there is no hall {hall!r}; this site has: {', '.join(known) or 'none'}")

    def _check_position(self, hall: str, position: str | None) -> None:
        if position is not None and (hall, position) not in self.book.positions:
            known = ", ".join(id for at, id in self.book.positions if at == hall)
            raise BadDevices(f"hall {hall} has no position {position!r}; it has: {known or 'none'}")


def accounts(store: Store) -> list[Account]:
    """Who may connect to the broker, from the database."""
    with store.reading() as c:
        units = rows.all_units(c)
    return [
        Account(unit.id, unit.secret_hash, topics.unit_rights(unit.hall, unit.id))
        for unit in units
        if unit.revoked_at is None
    ]


def check_config(position: str, config: UnitConfig) -> None:
    """Raises BadDevices with the first contradiction (F31: two keypads at one window)."""
    if not topics.is_id(position):
        raise BadDevices(f"{position!r} cannot name a position: use 1 to 32 of a-z, 0-9 and -")
    for what in _contradictions(config.devices):
        raise BadDevices(f"position {position}: {what}")


def _contradictions(devices: Sequence[DeviceConfig]) -> Iterator[str]:
    for one in devices:
        if one.kind not in KINDS:
            yield f"{one.device} is of the unknown kind {one.kind!r}; there are {', '.join(sorted(KINDS))}"
        if one.kind in ("keypad", "led") and window_of(one.board) is None:
            yield f"{one.device} must name the board of its window, like w3, not {one.board!r}"
        if one.kind == "keypad" and one.address is None:
            yield f"{one.device} needs its address on the bus"
        if one.kind == "speaker" and (wrong := _wrong_volume(one)):
            yield f"{one.device}: {wrong}"
    yield from _twice("device", (one.device for one in devices))
    keypads = [one for one in devices if one.kind == "keypad"]
    yield from _twice("keypad at board", (one.board for one in keypads))
    wires = (f"{one.wire} address {one.address}" for one in devices if one.kind != "speaker")
    yield from _twice("device on wire", wires)


def _wrong_volume(speaker: DeviceConfig) -> str:
    try:
        volume_at(speaker.options, time())
    except BadVolume as error:
        return str(error)
    return ""


def _twice(what: str, names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"there are two: {what} {name}"
        seen.add(name)


def _read(store: Store, settings: Settings) -> Book:
    with store.reading() as c:
        rev, units, positions = rows.changes(c), rows.all_units(c), rows.all_positions(c)
    return Book(
        rev,
        {unit.id: unit for unit in units},
        {(one.hall, one.id): one for one in positions},
        catalogue=_catalogue(store, settings.zone),
    )


def _catalogue(store: Store, zone: tzinfo) -> bytes:
    """Every matter of a queue, packed; without their guides when these would fill a message, and b"" when the
    names alone do: kiosks then search queues."""
    with store.reading() as c:
        known = guides.searched(c, _today(c, zone))
    bare = [catalogue.Matter(code=one.code, name=one.name, queue=one.queue, until=one.until) for one in known]
    for matters in (known, bare):
        if len(packed := catalogue.pack(matters)) <= LARGEST_CATALOGUE:
            return packed
    _logger.warning("%d matters are too many for kiosks to search (%d bytes)", len(known), len(packed))
    return b""


def _today(c: Connection, zone: tzinfo) -> date:
    """By the zone's clock. A hall with a clock of its own may be ahead of the real day."""
    now, last = real_now(), log.last_event_at(c)
    return (max(now, last) if last else now).astimezone(zone).date()


# --- the command


def main(argv: list[str]) -> int:
    """Add, list and revoke the units (boards) of a site."""
    words = _parser().parse_args(argv)
    return commandline.finish("unit", lambda: _with_devices(load(words.config), words))


def _with_devices(settings: Settings, words: argparse.Namespace) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with closing(Store.open(settings.database_url, real_now())) as store:
        words.run(Devices(store, settings), settings, words)


def _parser() -> argparse.ArgumentParser:
    parser = commandline.parser("unit", main.__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    add = verbs.add_parser("add", help="let a new board connect and write its unit.toml")
    add.add_argument("unit", help="name of the board, 1 to 32 of a-z 0-9 -")
    add.add_argument("--hall", required=True)
    add.add_argument("--position", help="where it stands; without one it is a spare")
    add.add_argument("-o", "--output", type=Path, default=Path("unit.toml"))
    add.set_defaults(run=_add)
    verbs.add_parser("list", help="every unit, its hall and position").set_defaults(run=_list)
    revoke = verbs.add_parser("revoke", help="shut a board out at once and for ever")
    revoke.add_argument("unit")
    revoke.set_defaults(run=_revoke)
    return parser


def _add(devices: Devices, settings: Settings, words: argparse.Namespace) -> None:
    if words.output.exists():
        raise BadDevices(f"{words.output} is there already; name another file with --output")
    secret = devices.add_unit(words.hall, words.unit, real_now(), words.position)
    write_unit_file(words.output, settings, words.hall, words.unit, secret)
    print(f"{words.output}: the secret of {words.unit}; copy it to the board and delete it here")


def _list(devices: Devices, settings: Settings, words: argparse.Namespace) -> None:
    for unit in devices.book.units.values():
        state = "revoked" if unit.revoked_at else unit.position or "spare"
        print(f"{unit.hall:<16} {unit.id:<32} {state:<32} {unit.added_at:%Y-%m-%d}")


def _revoke(devices: Devices, settings: Settings, words: argparse.Namespace) -> None:
    devices.revoke(words.unit, real_now())
    print(f"{words.unit} is shut out")


def write_unit_file(file: Path, settings: Settings, hall: str, unit: str, secret: str) -> None:
    """What a board needs to connect, readable by its owner only. Raises BadDevices when it cannot."""
    lines = {"hall": hall, "unit": unit, "broker": settings.broker_url, "token": secret, **_trust(settings)}
    text = "".join(f'{key} = "{value}"\n' for key, value in lines.items())
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(text)
    except OSError as error:
        raise BadDevices(f"cannot write {file}: {error.strerror}") from error


def _trust(settings: Settings) -> dict[str, str]:
    """How the board knows that it speaks to this broker: the authority's file and its SHA-256."""
    if settings.mqtt_tls_ca is None:
        return {}
    der = ssl.PEM_cert_to_DER_cert(settings.mqtt_tls_ca.read_text())
    fingerprint = f"sha256:{hashlib.sha256(der).hexdigest()}"
    return {"ca_file": str(settings.mqtt_tls_ca), "ca_fingerprint": fingerprint}
