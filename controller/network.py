"""The network of service points above the halls: city, county, township, village, group (S0.04, S3.01).

Pure. A centre is a point of the tree; a hall belongs to one at most, and who works for a centre works in the
halls of it and of every point below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.hall.model import Refused, Text

LONGEST_NAME = 64


class Level(StrEnum):
    """From the highest down. A network may leave some out (S3.01)."""

    CITY = "city"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    GROUP = "group"

    def is_above(self, other: Level) -> bool:
        order = list(Level)
        return order.index(self) < order.index(other)


@dataclass(frozen=True, slots=True)
class Point:
    """政务服务中心、便民服务中心 and so on. parent: the point it reports to; None at the top."""

    id: str
    name: Text
    level: Level
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """points by id; halls: the point each hall belongs to, for those that belong to one."""

    points: Mapping[str, Point] = field(default_factory=dict)
    halls: Mapping[str, str] = field(default_factory=dict)

    def path(self, id: str) -> list[Point]:
        """The point and those above it, the lowest first."""
        found: list[Point] = []
        at = self.points.get(id)
        while at is not None and at not in found:
            found.append(at)
            at = self.points.get(at.parent or "")
        return found

    def below(self, id: str) -> frozenset[str]:
        """The point and all points under it; nothing for one there is not."""
        return frozenset(one for one in self.points if any(point.id == id for point in self.path(one)))

    def halls_of(self, id: str) -> frozenset[str]:
        """The halls of the point and of all under it."""
        below = self.below(id)
        return frozenset(hall for hall, point in self.halls.items() if point in below)

    def in_order(self) -> Iterator[tuple[int, Point]]:
        """Each point after the one it reports to, with its depth."""
        yield from self._under(None, 0)

    def _under(self, parent: str | None, depth: int) -> Iterator[tuple[int, Point]]:
        order = list(Level)
        mine = [one for one in self.points.values() if one.parent == parent]
        for one in sorted(mine, key=lambda point: (order.index(point.level), point.name.zh, point.id)):
            yield depth, one
            yield from self._under(one.id, depth + 1)


def check_point(network: Network, point: Point) -> None:
    """Raises Refused when the point does not fit into the network as it is."""
    if not 0 < len(point.name.zh.strip()) <= LONGEST_NAME or len(point.name.en) > LONGEST_NAME:
        raise Refused("point_name", f"a centre has a name, of {LONGEST_NAME} characters at most")
    children = [one for one in network.points.values() if one.parent == point.id]
    if any(not point.level.is_above(child.level) for child in children):
        raise Refused("point_level", "a centre stands above those that report to it")
    if point.parent is None:
        return
    above = network.points.get(point.parent)
    if above is None or not above.level.is_above(point.level):
        raise Refused("point_level", "a centre reports to one of a higher level")


def check_removal(network: Network, id: str, people: int) -> None:
    """Raises Refused while halls, points or people belong to it."""
    is_parent = any(one.parent == id for one in network.points.values())
    if is_parent or id in network.halls.values() or people:
        raise Refused("point_used", "halls, other centres or people still belong to this centre")
