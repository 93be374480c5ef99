"""Standing behind or before somebody, however many already were put there."""

from __future__ import annotations

from datetime import timedelta

from controller.hall.commands import LetPass
from controller.hall.model import TicketClass
from controller.hall.places import at_head, behind_next, walk
from tests.halls import go, queue, small, take, ticket


def test_a_line_is_walked_through_all_classes_by_key_time() -> None:
    state = small("A A")
    state = go(state, take(state, "A", klass=TicketClass.GREEN))
    assert [place[2] for place in walk(state.hall, "A")] == [3, 1, 2]
    assert [place[2] for place in walk(state.hall, "A", ticket(state, "A001").place)] == [2]
    assert list(walk(state.hall, "X")) == []


def test_forty_may_be_put_behind_the_same_ticket() -> None:
    """More than ranks between two neighbours: each still goes behind the one named."""
    state = small()
    slot = state.now + timedelta(minutes=20)
    for _ in range(42):
        state = go(state, take(state, "A", klass=TicketClass.APPOINTMENT, slot=slot))
    for _ in range(200):
        first, *_ = queue(state, "A")
        state = go(state, LetPass(ticket(state, first).id))
        assert first in queue(state, "A")[1:6]


def test_the_head_of_an_empty_line_is_ones_own_place() -> None:
    state = small("A B")
    one = ticket(state, "A001")
    assert at_head(state.hall, one, "T") == one.place
    assert at_head(state.hall, ticket(state, "B001"), "A") < one.place
    assert behind_next(state.hall, one, 3, after=one.place) is None
