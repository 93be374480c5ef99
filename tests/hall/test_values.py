"""Another version of a value is what `dataclasses.replace` makes, and the first one stays as it was."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from controller.hall.model import Hall, Session, Ticket, TicketClass, TicketState, WindowMode, WindowState
from controller.hall.values import replace

NOW = datetime(2025, 3, 3, 1, tzinfo=UTC)
TICKET = Ticket(
    1, "A001", "main", "token", TicketClass.NORMAL, TicketState.WAITING, (), (NOW, 1, 1), NOW, NOW
)


@pytest.mark.parametrize(
    ("value", "changes"),
    [
        (TICKET, {"state": TicketState.CALLED, "window": 3, "calls": 1}),
        (Session(3, WindowState.CLOSED, WindowMode.COMPREHENSIVE), {"clerk": "c1"}),
        (Hall("h"), {"next_ticket": 7}),
        (TICKET, {}),
    ],
)
def test_the_same_as_the_standard_function_makes(value: object, changes: dict[str, object]) -> None:
    before = dataclasses.replace(value)  # type: ignore[type-var]
    assert replace(value, **changes) == dataclasses.replace(value, **changes)  # type: ignore[type-var]
    assert value == before


def test_a_field_it_does_not_have_is_named() -> None:
    with pytest.raises(TypeError, match="Ticket has no field 'colour'"):
        replace(TICKET, colour="red")  # type: ignore[call-arg]
