"""What a guide must say, what it may not say, and what is missing from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.guide import (
    DAYS,
    FIELDS,
    SETS,
    BadGuide,
    Guide,
    as_fields,
    changed,
    compression,
    from_fields,
    missing,
)

texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20)
days = st.none() | st.integers(0, 730)


@st.composite
def guides(draw: st.DrawFn) -> Guide:
    facts: dict[str, object] = {
        name: draw(texts) for name in FIELDS if name not in ("materials", "procedure", *DAYS)
    }
    entries = st.lists(texts.filter(bool), max_size=5).map(tuple)
    promised, legal = sorted([draw(st.integers(0, 730)), draw(st.integers(0, 730))])
    return Guide(
        **facts, materials=draw(entries), procedure=draw(entries), promised_days=promised, legal_days=legal
    )  # type: ignore[arg-type]


@given(guides())
def test_a_guide_comes_back_from_its_texts_as_it_was(guide: Guide) -> None:
    assert from_fields(as_fields(guide)) == guide


@given(guides(), st.sampled_from(sorted(SETS)))
def test_nothing_is_missing_exactly_when_every_field_of_the_set_says_something(
    guide: Guide, name: str
) -> None:
    empty = {field for field in SETS[name] if getattr(guide, field) in ("", (), None)}
    assert set(missing(guide, [name])) == empty


def test_an_empty_guide_lacks_the_union_of_the_sets_it_is_held_against() -> None:
    assert missing(Guide(), ["guide"]) == [
        "conditions",
        "materials",
        "procedure",
        "fee_standard",
        "fee_basis",
    ]
    assert set(missing(Guide(), ["guide", "nine"])) == {*SETS["guide"], *SETS["nine"]}
    assert "promised_days" not in missing(Guide(promised_days=0), ["nine"])  # 0: done at once


def test_what_is_not_given_stays_as_it_was() -> None:
    before = Guide(materials=("身份证",), fee_standard="不收费")
    after = from_fields({"conditions": "年满 18 周岁"}, before)
    assert changed(before, after) == ["conditions"]
    assert changed(None, before) == ["materials", "fee_standard"]


@pytest.mark.parametrize(
    ("given_texts", "code", "field"),
    [
        ({"promised_days": "20", "legal_days": "10"}, "promised_longer", "promised_days"),
        ({"promised_days": "soon"}, "days", "promised_days"),
        ({"legal_days": "731"}, "days", "legal_days"),
        ({"basis": "x" * 4001}, "too_long", "basis"),
        ({"materials": "\n".join(["x"] * 41)}, "too_many", "materials"),
    ],
)
def test_what_contradicts_itself_is_not_kept(given_texts: dict[str, str], code: str, field: str) -> None:
    with pytest.raises(BadGuide) as wrong:
        from_fields(given_texts)
    assert (wrong.value.code, wrong.value.field) == (code, field)


def test_how_much_shorter_limits_are_is_of_all_that_state_both() -> None:
    known = [
        Guide(legal_days=20, promised_days=5),
        Guide(legal_days=10, promised_days=10),
        Guide(promised_days=3),
    ]
    assert compression(known) == 0.5
    assert compression([Guide(promised_days=3)]) is None
