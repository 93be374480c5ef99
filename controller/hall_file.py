"""One file describes a hall: its plan and what hangs where. `servicehall hall` writes and reads it.

JSON, in the words of the model, so that a hall can be kept under version control, copied to another
site, and changed with any editor. Nobody signs in through it: people are added with `servicehall person`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from controller import commandline
from controller.clock import HallClock, real_now
from controller.conduct import Kind, check_kinds
from controller.devices import Devices, check_config
from controller.hall import engine
from controller.hall.commands import ChangePlan
from controller.hall.model import Hall, HallError, Plan, Text
from controller.live import Live
from controller.lock import lock
from controller.people import SYSTEM
from controller.settings import Settings, load
from controller.store import Store, log
from controller.store.audit import audit
from controller.store.conduct import own_kinds, take_over_kinds
from controller.store.records import add_hall, all_halls, load_clock
from firmware.protocol import topics
from firmware.protocol.messages import UnitConfig


class BadHallFile(HallError):
    """The file does not describe a hall; the message names the place in it."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where a unit stands and what hangs at it, whichever board serves there."""

    id: str
    name: Text
    config: UnitConfig


class HallFile(msgspec.Struct, frozen=True, kw_only=True):
    """conduct_kinds: the hall's own kinds of conduct; empty: it goes by the centre's, None: the file says
    nothing of them, as those of older versions, and they stay."""

    id: str
    plan: Plan
    positions: list[Position] = []
    conduct_kinds: list[Kind] | None = None


def encode(hall: HallFile) -> bytes:
    """The file's bytes: JSON, indented, Chinese as it is written."""
    return msgspec.json.format(msgspec.json.encode(hall), indent=2) + b"\n"


def decode(text: bytes) -> HallFile:
    """The hall in a file. Raises BadHallFile naming what is wrong and where."""
    try:
        hall = msgspec.json.decode(text, type=HallFile)
    except msgspec.DecodeError as error:
        raise BadHallFile(f"this is no hall file: {error}") from error
    unknown = next(_unknown(msgspec.json.decode(text), msgspec.to_builtins(hall), "$"), None)
    if unknown is not None:
        raise BadHallFile(f"a hall has no {unknown}; see docs/reference/hall.md for what it has")
    _check(hall)
    return hall


def _unknown(given: Any, known: Any, path: str) -> Iterator[str]:
    """Keys of the file that nothing reads: a misspelt one would silently do nothing."""
    if isinstance(given, dict) and isinstance(known, dict):
        for key, value in given.items():
            if key not in known:
                yield f"{path}.{key}"
            else:
                yield from _unknown(value, known[key], f"{path}.{key}")
    elif isinstance(given, list) and isinstance(known, list):
        for place, (one, other) in enumerate(zip(given, known, strict=False)):
            yield from _unknown(one, other, f"{path}[{place}]")


def _check(hall: HallFile) -> None:
    """Everything that would be refused later, before anything is changed."""
    if not topics.is_id(hall.id):
        raise BadHallFile(f"{hall.id!r} cannot name a hall: use 1 to 32 of a-z, 0-9 and -")
    for position in hall.positions:
        check_config(position.id, position.config)
    if hall.conduct_kinds:
        check_kinds(hall.conduct_kinds)
    engine.decide(Hall(hall.id), ChangePlan(hall.plan), real_now())


def read(store: Store, settings: Settings, id: str) -> HallFile:
    """The hall as it is set up now. Raises BadHallFile when there is none of that name."""
    with store.reading() as c:
        if id not in all_halls(c):
            known = ", ".join(all_halls(c)) or "none yet"
            raise BadHallFile(f"there is no hall {id!r} here; there are: {known}")
        hall, _ = log.load(c, id)
    return described(store, id, hall.plan, Devices(store, settings))


def described(store: Store, id: str, plan: Plan, devices: Devices) -> HallFile:
    """A hall of this plan, with what hangs where in it and its own kinds of conduct now."""
    positions = [
        Position(id=name, name=one.name, config=one.config)
        for (owner, name), one in devices.book.positions.items()
        if owner == id
    ]
    with store.reading() as c:
        kinds = list(own_kinds(c, id))
    return HallFile(id=id, plan=plan, positions=positions, conduct_kinds=kinds)


def put(store: Store, settings: Settings, hall: HallFile) -> bool:
    """Make the hall, or change it to what the file says; True when it is new.

    The service day goes on: who waits keeps waiting. Raises Refused when a queue, window or clerk in use
    is missing from the file.
    """
    with store.reading() as c:
        is_new = hall.id not in all_halls(c)
    with store.writing() as c:
        add_hall(c, hall.id, hall.plan.name, real_now())
    _change_plan(store, hall)
    devices = Devices(store, settings)
    for position in hall.positions:
        devices.put_position(hall.id, position.id, position.name, position.config, real_now())
    if hall.conduct_kinds is not None:
        with store.writing() as c:
            take_over_kinds(c, hall.id, hall.conduct_kinds, SYSTEM.id, real_now())
    return is_new


def _change_plan(store: Store, hall: HallFile) -> None:
    with store.reading() as c:
        clock = HallClock(load_clock(c))
    live = Live(hall.id, store, clock, lambda _hall, _told, _now: [], tick_every=None)
    live.start()
    try:
        row = audit("system", "hall.import", hall.id, real_now(), rev=hall.plan.rev)
        live.submit(ChangePlan(hall.plan), SYSTEM, records=[row])
    finally:
        live.stop()


# --- the command


def main(argv: list[str]) -> int:
    """Write a hall's set-up to a file, or make and change a hall from one."""
    words = _parser().parse_args(argv)
    return commandline.finish("hall", lambda: words.run(words))


def _parser() -> argparse.ArgumentParser:
    parser = commandline.parser("hall", main.__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    out = verbs.add_parser("export", help="print a hall's set-up as JSON")
    out.add_argument("hall", help="its id")
    out.set_defaults(run=_export)
    into = verbs.add_parser("import", help="make or change a hall; the controller must be stopped")
    into.add_argument("file", type=Path)
    into.set_defaults(run=_import)
    verbs.add_parser("sample", help="print the sample hall, to start from").set_defaults(run=_sample)
    return parser


def _settings(words: argparse.Namespace) -> Settings:
    """Those of a site, with the folder they name."""
    settings = load(words.config)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return settings


def _export(words: argparse.Namespace) -> None:
    settings = _settings(words)
    with closing(Store.open(settings.database_url, real_now())) as store:
        print(encode(read(store, settings, words.hall)).decode(), end="")


def _import(words: argparse.Namespace) -> None:
    settings, hall = _settings(words), decode(words.file.read_bytes())
    with lock(settings.data_dir), closing(Store.open(settings.database_url, real_now())) as store:
        is_new = put(store, settings, hall)
    done = "is here now" if is_new else "is changed"
    print(f"hall {hall.id} {done}: {len(hall.plan.queues)} queues, {len(hall.plan.windows)} windows")


def _sample(words: argparse.Namespace) -> None:
    from controller.demo.hall import HALL, sample_plan

    print(encode(HallFile(id=HALL, plan=sample_plan())).decode(), end="")
