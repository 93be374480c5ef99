"""Collects what is known of a hall when a run is over: from its store, its units' stores, and its screens."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import msgspec
from sqlalchemy import Connection, func, select

from controller.boards import NO_TIME, names
from controller.clock import real_now
from controller.demo import benches
from controller.demo.hall import HALL, sample_plan
from controller.hall.engine import new_hall
from controller.hall.model import Press
from controller.store import Store, log
from controller.store.devices import last_set_aside
from controller.store.tables import event, snapshot
from firmware.protocol.messages import Board, Rated, decode, encode
from tests.system.chaos import promises
from tests.system.chaos.auditor import Evidence
from tests.system.chaos.light import LightHall
from tests.system.chaos.promises import Pressed, Promise

KEPT = 1_000_000  # rows of what was set aside; all of them
Shown = dict[tuple[str, str], str]


def boards_of_hall(hall: LightHall) -> dict[str, str]:
    """Every board as the controller's web face shows it now."""
    wanted = names(new_hall(HALL, sample_plan()))
    return {name: _plain(json.dumps(_board(hall, name)).encode()) for name in wanted}


def _board(hall: LightHall, name: str) -> Any:
    return benches.ask(f"{hall.url}/h/{HALL}/api/board/{name}")


def boards_of_units(hall: LightHall) -> Shown:
    """(unit, board) -> what the unit would show there."""
    shown: Shown = {}
    for unit in hall.works.units:
        for name, body in _rows(hall.outbox(unit), "select name, body from board"):
            shown[unit, name] = _plain(body)
    return shown


def _plain(body: bytes) -> str:
    """What people see of a board, without its version and time."""
    board = decode(body, Board)
    return encode(msgspec.structs.replace(board, ver=0, gen=0, ts=NO_TIME)).decode()


def wanted_boards(hall: LightHall, boards: Mapping[str, str]) -> Shown:
    """What every unit should show."""
    return {(unit, name): board for unit in hall.works.units for name, board in boards.items()}


def differing(hall: LightHall) -> list[tuple[str, str]]:
    """The boards of units that differ from the hall's now."""
    try:
        wanted = wanted_boards(hall, boards_of_hall(hall))
    except (OSError, HTTPError) as error:
        return [("controller", str(error))]
    shown = boards_of_units(hall)
    return [place for place, board in wanted.items() if shown.get(place) != board]


def untold(hall: LightHall) -> dict[str, int]:
    """Unit -> how many of its events the hall has not heard."""
    found = {}
    for unit in hall.works.units:
        outbox = hall.outbox(unit)
        last = _rows(outbox, "select max(seq) from event")[0][0] or 0
        heard = hall.heard(unit, _epoch(outbox))
        found[unit] = last - heard
    return found


def evidence(hall: LightHall, told: Sequence[Promise], shown: Shown, wanted: Shown) -> Evidence:
    """Everything, once the hall has been stopped. told: by HTTP; shown, wanted: boards, before the stop."""
    store = Store.open(hall.works.settings.database_url, real_now())
    try:
        with store.reading() as c:
            known = Evidence(
                events=[logged.event for logged in log.events(c, HALL)],
                promises=[*told, *_facts(hall), *_presses(hall)],
                kept_votes=frozenset(_kept_votes(c)),
                replay=list(_replay(c)),
            )
    finally:
        store.close()
    refused = frozenset(press for unit in hall.works.units for press in _refused(hall, unit))
    return replace(known, refused_presses=refused, untold=untold(hall), shown=shown, hall=wanted)


def _facts(hall: LightHall) -> Iterator[Promise]:
    for file in hall.facts():
        for line in file.read_text("utf-8").splitlines():
            fact = json.loads(line)
            yield getattr(promises, fact.pop("kind"))(**fact)


def _presses(hall: LightHall) -> Iterator[Promise]:
    for unit in hall.works.units:
        outbox = hall.outbox(unit)
        for (seq,) in _rows(outbox, "select seq from event where t = 'Pressed'"):
            yield Pressed(unit, _epoch(outbox), seq)


def _refused(hall: LightHall, unit: str) -> Iterator[Press]:
    outbox = hall.outbox(unit)
    for (seq,) in _rows(outbox, "select seq from press where outcome = 'refused'"):
        yield Press(unit, _epoch(outbox), seq)


def _kept_votes(c: Connection) -> Iterator[tuple[str, int]]:
    for row in last_set_aside(c, HALL, KEPT):
        envelope = json.loads(row.payload)
        if envelope.get("t") == "Rated":
            rated = msgspec.convert(envelope["d"], Rated)
            yield rated.ticket, rated.level


def _replay(c: Connection) -> Iterator[str]:
    """How the hall as it stopped and its replayed log differ."""
    last = c.execute(select(func.max(event.c.seq)).where(event.c.hall == HALL)).scalar()
    kept = c.execute(select(func.max(snapshot.c.seq)).where(snapshot.c.hall == HALL)).scalar()
    if last != kept:
        yield f"the snapshot of the stop is of event {kept}, the last event is {last}"
    live, replayed = log.load(c, HALL)[0], log.replay(c, HALL)[0]
    if live != replayed:
        yield from _differences(live, replayed)
    for ticket in log.differing_tickets(c, HALL):
        yield f"the row of ticket {ticket} is not what the log says"


def _differences(live: Any, replayed: Any) -> Iterator[str]:
    for name in type(live).__slots__:
        if getattr(live, name) != getattr(replayed, name):
            yield f"{name}: {getattr(live, name)!r:.300} is not {getattr(replayed, name)!r:.300}"


def _epoch(outbox: Path) -> str:
    return str(_rows(outbox, "select value from kv where name = 'epoch'")[0][0])


def _rows(file: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as base:
        return base.execute(query).fetchall()
