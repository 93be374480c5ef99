"""What a question about news and its answer hold, both as a unit writes and as the controller reads it.

Question: {"boards": {name: (gen, ver) held}, "cfg": its revision, "leases": {id: last}}.
Answer: {"boards": {name: (gen, ver)}, those that are newer and were sent again; "birth": session of the last
birth heard, null for none; "forget": leases that are none of the unit's}.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from firmware.protocol.codec import BadMessage
from firmware.protocol.messages import Reply, Request

Versions = Mapping[str, tuple[int, int]]  # board -> (gen, ver)


@dataclass(frozen=True, slots=True)
class News:
    """What a unit holds. boards: the snapshots of those it shows, (0, 0) for none; config: the revision it
    was told last; session: the connection its birth told of; leases: id -> last number."""

    boards: Versions
    config: int
    session: int
    leases: Mapping[int, int]

    def question(self, rid: str) -> Request:
        """Ask for what is newer than this."""
        leases = {str(lease): last for lease, last in self.leases.items()}
        told = {"boards": dict(self.boards), "cfg": self.config, "leases": leases}
        return Request(rid=rid, t="news", d=told)


def versions_in(message: Request | Reply) -> Versions:
    """The snapshots a question or an answer about news names. Raises BadMessage."""
    try:
        return msgspec.convert(message.d.get("boards", {}), dict[str, tuple[int, int]])
    except msgspec.ValidationError as error:
        raise BadMessage(str(error), "d.boards", "send {board: [gen, ver]}") from error


def leases_in(request: Request) -> Mapping[int, int]:
    """The leases a question about news says the unit holds: id -> last number. Raises BadMessage."""
    try:
        return msgspec.convert(request.d.get("leases", {}), dict[int, int], strict=False)
    except msgspec.ValidationError as error:
        raise BadMessage(str(error), "d.leases", "send {id: last number}") from error


def forgotten_in(reply: Reply) -> list[int]:
    """The leases an answer about news takes away. Raises BadMessage."""
    try:
        return msgspec.convert(reply.d.get("forget", []), list[int])
    except msgspec.ValidationError as error:
        raise BadMessage(str(error), "d.forget", "send [id]") from error


def revision_in(request: Request) -> float:
    """The configuration a question about news says the unit was told last; infinite when it does not say."""
    told = request.d.get("cfg")
    return told if isinstance(told, int) else math.inf
