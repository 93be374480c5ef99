"""Collects what is known of a hall when a run is over: from its store, its units' stores, and its screens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

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
from firmware.protocol.codec import decode, encode
from firmware.protocol.messages import Board, Rated, UnitConfig
from firmware.shelf import ALL, wanted_boards
from tests.system.chaos.auditor import Evidence
from tests.system.chaos.promises import Pressed, Promise
from tests.system.chaos.site import UNITS, Site

KEPT = 1_000_000  # rows of what was set aside; all of them
Shown = dict[tuple[str, str], str]


def wanted(hall: Site) -> Shown:
    """What every unit and device should show: what the controller's web face shows now. Raises OSError."""
    found: Shown = {}
    for name in names(new_hall(HALL, sample_plan())):
        board = benches.ask(f"{hall.url}/h/{HALL}/api/board/{name}")
        plain = _plain(json.dumps(board).encode())
        found |= {(unit, name): plain for unit in UNITS if follows(hall, unit, name)}
        found |= hall.faces_of(board)
    return found


def follows(hall: Site, unit: str, board: str) -> bool:
    """Whether the unit shows this board; it hears no others."""
    [(config,)] = hall.of_unit(unit, "select value from kv where name = 'config'")
    wanted = wanted_boards(decode(config, UnitConfig))
    return board in wanted or ALL in wanted


def shown(hall: Site) -> Shown:
    """What units and devices show."""
    found = hall.faces()
    for unit in UNITS:
        rows = hall.of_unit(unit, "select name, body from board")
        found |= {(unit, name): _plain(body) for name, body in rows if follows(hall, unit, name)}
    return found


def _plain(body: bytes) -> str:
    """What people see of a board, without its version and time."""
    board = decode(body, Board)
    return encode(msgspec.structs.replace(board, ver=0, gen=0, ts=NO_TIME)).decode()


def faces(hall: Site) -> tuple[Shown, Shown] | None:
    """What everything shows and what it should, now; None while the controller does not answer."""
    try:
        should = wanted(hall)
    except (OSError, ValueError):
        return None
    return shown(hall), should


def is_right(does: Shown, should: Shown) -> bool:
    return all(does.get(place) == face for place, face in should.items())


def evidence(hall: Site, told: Sequence[Promise], does: Shown, should: Shown) -> Evidence:
    """Everything, once the hall has been stopped. told: by HTTP; does, should: screens before the stop."""
    store = Store.open(hall.works.settings.database_url, real_now())
    try:
        with store.reading() as c:
            known = Evidence(
                events=[logged.event for logged in log.events(c, HALL)],
                promises=[*told, *hall.facts(), *_presses(hall)],
                kept_votes=frozenset(_kept_votes(c)),
                replay=list(_replay(c)),
            )
    finally:
        store.close()
    refused = frozenset(press for unit in UNITS for press in _refused(hall, unit))
    return replace(known, refused_presses=refused, untold=hall.untold(), shown=does, hall=should)


def _presses(hall: Site) -> Iterator[Promise]:
    for unit in UNITS:
        for (seq,) in hall.of_unit(unit, "select seq from event where t = 'Pressed'"):
            yield Pressed(unit, hall.epoch(unit), seq)


def _refused(hall: Site, unit: str) -> Iterator[Press]:
    for (seq,) in hall.of_unit(unit, "select seq from press where outcome = 'refused'"):
        yield Press(unit, hall.epoch(unit), seq)


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
