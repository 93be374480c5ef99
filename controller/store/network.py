"""The network of service points, as rows. Hides the tables; its rules are controller/network.py."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from controller.hall.model import HallError, Text
from controller.network import Level, Network, Point, check_point, check_removal
from controller.store import tables
from controller.store.audit import audit


class UnknownPoint(HallError):
    """There is no such centre."""


def network(c: Connection) -> Network:
    """All of it: a site has few points."""
    points = c.execute(select(tables.service_point))
    halls = c.execute(select(tables.hall_point))
    return Network(
        {row.id: Point(row.id, Text(row.zh, row.en), Level(row.level), row.parent) for row in points},
        {row.hall: row.point for row in halls},
    )


def add(c: Connection, point: Point, by: str, now: datetime) -> Point:
    """A new point, under an id of its own. Raises Refused."""
    point = replace(point, id=f"c-{secrets.token_hex(4)}")
    check_point(network(c), point)
    c.execute(insert(tables.service_point).values(id=point.id, **_columns(point)))
    audit(by, "centre.add", point.id, now, level=point.level, parent=point.parent)(c)
    return point


def change(c: Connection, point: Point, by: str, now: datetime) -> None:
    """Another name, level or parent. Raises UnknownPoint, Refused."""
    before = network(c)
    if point.id not in before.points:
        raise UnknownPoint(point.id)
    check_point(before, point)
    t = tables.service_point
    c.execute(update(t).where(t.c.id == point.id).values(**_columns(point)))
    audit(by, "centre.change", point.id, now, level=point.level, parent=point.parent)(c)


def remove(c: Connection, id: str, by: str, now: datetime) -> None:
    """Raises UnknownPoint, and Refused while anything belongs to it."""
    before = network(c)
    if id not in before.points:
        raise UnknownPoint(id)
    people = select(func.count()).select_from(tables.person).where(tables.person.c.centre == id)
    check_removal(before, id, c.execute(people).scalar_one())
    c.execute(delete(tables.service_point).where(tables.service_point.c.id == id))
    audit(by, "centre.remove", id, now)(c)


def place(c: Connection, hall: str, point: str | None, by: str, now: datetime) -> None:
    """Give a hall to a point, or to none. Raises UnknownPoint."""
    before = network(c)
    if point is not None and point not in before.points:
        raise UnknownPoint(point)
    if before.halls.get(hall) == point:
        return
    t = tables.hall_point
    c.execute(delete(t).where(t.c.hall == hall))
    if point is not None:
        c.execute(insert(t).values(hall=hall, point=point))
    audit(by, "centre.hall", hall, now, centre=[before.halls.get(hall), point])(c)


def _columns(point: Point) -> dict[str, object]:
    return {
        "zh": point.name.zh.strip(),
        "en": point.name.en.strip(),
        "level": point.level.value,
        "parent": point.parent,
    }
