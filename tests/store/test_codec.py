"""Every event and snapshot comes back from the store as it went in."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.hall.engine import new_hall
from controller.hall.events import Event
from controller.hall.snapshot import freeze, thaw
from controller.store import StoreFailed, codec
from tests.store.halls import PLAN

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**53), 2**53),
    str: st.text(max_size=20),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
    date: st.dates(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    time: st.times(),
    timedelta: st.timedeltas(timedelta(days=-999), timedelta(days=999)),
}


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of the type, however its parts are nested."""
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field.name: values(hints[field.name]) for field in fields(kind)})
    if isinstance(kind, type) and issubclass(kind, tuple):  # a NamedTuple
        hints = get_type_hints(kind)
        return st.builds(kind, **{name: values(hint) for name, hint in hints.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values, parts))
    if origin is Mapping:
        return st.dictionaries(*map(values, parts), max_size=3)
    if origin is frozenset:
        return st.frozensets(values(parts[0]), max_size=3)
    if parts[-1] is Ellipsis:
        return st.lists(values(parts[0]), max_size=3).map(tuple)
    return st.tuples(*map(values, parts))


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_event_survives_the_round_trip(kind: Any, data: st.DataObject) -> None:
    event = data.draw(values(kind))
    assert codec.decode(kind.__name__, codec.encode(event)) == event


def test_a_hall_survives_as_a_snapshot() -> None:
    hall = new_hall("hall", PLAN)
    frozen = codec.decode_snapshot(codec.encode_snapshot(freeze(hall)))
    assert frozen is not None
    assert thaw(frozen) == hall


@pytest.mark.parametrize("body", [b"", b"not compressed", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_damaged_snapshot_is_none(body: bytes) -> None:
    assert codec.decode_snapshot(body) is None


def test_an_event_of_a_newer_version_is_named() -> None:
    with pytest.raises(StoreFailed, match="'TicketFramed' that this version does not know"):
        codec.decode("TicketFramed", "{}")


def test_an_event_that_cannot_be_read_is_named() -> None:
    with pytest.raises(StoreFailed, match="an event DayClosed in the log cannot be read"):
        codec.decode("DayClosed", '{"at":"yesterday"}')
