"""The helper process that draws on chains of MAX7219 with luma.led_matrix: texts in, transfers out.

It takes 18 MiB the agent does not have, and never sees a bus: what luma sends is collected and handed to
the driver, the start-up of the chips before each picture (F21: they forget when there is interference).

    in    {"text": "A023", "chips": 4, "turn": 0, "brightness": 4}
    out   each transfer as 2 bytes length (big-endian) and its bytes
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

from firmware.drivers.helper import serve

HEIGHT = 8


class _Collector:
    """What luma takes for a bus."""

    def __init__(self) -> None:
        self.transfers: list[bytes] = []

    def data(self, data: Iterable[int]) -> None:
        self.transfers.append(bytes(data))

    def command(self, *command: int) -> None:
        self.data(command)

    def cleanup(self) -> None:
        """Nothing is held."""


def transfers(text: str, chips: int, turn: int, brightness: int) -> list[bytes]:
    """Start-up and picture. turn: 0, 90, -90 or 180, as the blocks are soldered. brightness: 0 to 15."""
    from luma.core.legacy import text as write
    from luma.core.render import canvas
    from luma.led_matrix.device import max7219

    bus = _Collector()
    device = max7219(bus, cascaded=chips, block_orientation=turn, contrast=brightness << 4)
    shown, font = fitting(text, chips * HEIGHT)
    with canvas(device) as draw:
        write(draw, ((chips * HEIGHT - width_of(shown, font)) // 2, 0), shown, fill="white", font=font)
    return bus.transfers


def fitting(text: str, width: int) -> tuple[str, Any]:
    """What of the text can be shown, and in which font: the larger one that holds it, else its end."""
    text = "".join(char for char in text if char.isascii() and char.isprintable()).strip()
    fonts = _fonts()
    font = next((each for each in fonts if width_of(text, each) <= width), fonts[-1])
    while text and width_of(text, font) > width:
        text = text[1:]
    return text, font


def width_of(text: str, font: Any) -> int:
    from luma.core.legacy import textsize

    return int(textsize(text, font)[0])


@cache
def _fonts() -> tuple[Any, ...]:
    from luma.core.legacy.font import CP437_FONT, LCD_FONT, TINY_FONT, proportional

    return proportional(CP437_FONT), proportional(LCD_FONT), proportional(TINY_FONT)


def _answer(asked: dict[str, Any]) -> bytes:
    made = transfers(asked["text"], asked["chips"], asked["turn"], asked["brightness"])
    return b"".join(struct.pack(">H", len(data)) + data for data in made)


if __name__ == "__main__":
    sys.exit(serve(_answer))
