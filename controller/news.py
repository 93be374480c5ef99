"""What a unit lacks of what it should hold, by its own account (its question about news).

Pure. Whatever the network lost comes again this way: boards, its configuration, and its own birth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.screens import Screens
from firmware.protocol.messages import Birth, Board, Request, UnitConfig
from firmware.protocol.news import leases_in, revision_in, versions_in


@dataclass(frozen=True, slots=True)
class News:
    """What to send again. told: the answer's content."""

    boards: list[Board]
    config: UnitConfig | None
    told: dict[str, object]


def lacking(
    request: Request,
    screens: Screens,
    wanted: UnitConfig | None,
    birth: Birth | None,
    leases: Mapping[int, int],
) -> News:
    """wanted: what the unit shall be; birth: the last one heard of it; leases: its own by id, with the last
    number of each. Raises BadMessage."""
    held = versions_in(request)
    boards = [board for name, ver in held.items() if (board := screens.newer(name, ver))]
    is_behind = wanted is not None and revision_in(request) < wanted.rev
    return News(
        boards,
        wanted if is_behind else None,
        {
            "boards": {board.board: (board.gen, board.ver) for board in boards},
            "birth": birth.sess if birth else None,
            "forget": [id for id, last in leases_in(request).items() if leases.get(id) != last],
        },
    )
