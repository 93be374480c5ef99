"""The design tokens keep the contrast they promise, in every theme."""

from __future__ import annotations

import re
from itertools import product

import pytest

from web.app import PAGES

TEXT = 7.0  # of citizens' text (ux: foundations)
EDGE = 3.0  # of a control's border (WCAG 2.2, 1.4.11)
COLOURS = ("blue", "amber", "red", "green")
GROUNDS = ("bg", "surface", "surface-2")


def themes() -> dict[str, dict[str, str]]:
    css = (PAGES / "tokens.css").read_text("utf-8")
    blocks = re.findall(r"^(:root|html\[[^\]]*\]) \{(.*?)^\}", css, re.S | re.M)
    found = {name: dict(re.findall(r"--([\w-]+): (#\w{6})", body)) for name, body in blocks}
    return {name: colours for name, colours in found.items() if "bg" in colours}


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.2, definitions."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def test_there_are_three_themes_with_the_same_colours() -> None:
    light, dark, high = themes().values()
    assert set(light) == set(dark) == set(high)


@pytest.mark.parametrize("theme", themes())
def test_texts_are_readable_on_every_ground(theme: str) -> None:
    colours = themes()[theme]
    pairs = list(product(["text", "muted", *(f"{c}-text" for c in COLOURS)], GROUNDS))
    pairs += [(f"{c}-text", f"{c}-soft") for c in COLOURS] + [(f"on-{c}", c) for c in COLOURS]
    pairs += list(product(["text", "muted"], [f"{c}-soft" for c in COLOURS]))
    low = {pair: contrast(*(colours[name] for name in pair)) for pair in pairs}
    assert not {pair: round(value, 2) for pair, value in low.items() if value < TEXT}


@pytest.mark.parametrize("theme", themes())
def test_controls_can_be_told_from_their_ground(theme: str) -> None:
    colours = themes()[theme]
    assert all(contrast(colours["edge"], colours[ground]) >= EDGE for ground in GROUNDS)
