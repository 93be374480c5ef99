"""A waiting line keeps order and gives old values back unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.hall.line import CHUNK, Line

numbers = st.lists(st.integers(0, 2000), unique=True, max_size=600)


@given(numbers, st.data())
def test_a_line_is_a_sorted_list_whose_past_does_not_change(entries: list[int], data: st.DataObject) -> None:
    line = Line()
    model: list[tuple[int]] = []
    for number in entries:
        before = line
        line = line.add((number,))
        assert (number,) not in list(before)
        model = sorted([*model, (number,)])
    gone = data.draw(st.sets(st.sampled_from(entries))) if entries else set()
    for number in gone:
        line = line.remove((number,))
        model.remove((number,))
    assert (list(line), len(line), line.head) == (model, len(model), model[0] if model else None)
    assert line == Line(model)
    probe = (data.draw(st.integers(-1, 2001)),)
    assert line.ahead_of(probe) == sum(entry < probe for entry in model)
    assert list(line.after(probe)) == [entry for entry in model if entry > probe]
    assert line.nth(len(model)) is None
    assert [line.nth(n) for n in range(len(model))] == model


def test_nobody_stands_twice_in_a_line_and_nobody_leaves_twice() -> None:
    line = Line([(1,), (2,)])
    with pytest.raises(ValueError, match="already stands"):
        line.add((1,))
    with pytest.raises(ValueError, match="does not stand"):
        line.remove((3,))
    with pytest.raises(ValueError, match="does not stand"):
        Line().remove((1,))


def test_adding_to_a_long_line_shares_all_chunks_but_one() -> None:
    line = Line((number, 0) for number in range(100 * CHUNK))
    longer = line.add((5, 1))
    shared = {id(chunk) for chunk in line._chunks} & {id(chunk) for chunk in longer._chunks}
    assert len(shared) == 99
