"""The bytes of one slip in ESC/POS, laid out by python-escpos, and how much paper they take.

Hides that library's ways: it is only asked for bytes, never for a device, and knows one printer, ours
(printers.json), because its own table of 40 costs half a second of parsing or a pickle to be trusted.
Chinese is written as GB18030 in the printer's double-byte mode; the library has no code page for it.
A line with a character the printer's font lacks is drawn as dots, and so is the logo.

Runs as a helper process (helper.py): the library and Pillow take 15 MiB the agent does not have.

    in    {"slip": a Print, "profile": {...}, "logo": base64 of a PNG, "font": path}
    out   4 bytes paper in mm (big-endian float), then the bytes
"""

from __future__ import annotations

import base64
import io
import logging
import os
import struct
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from firmware.drivers.helper import Helper, serve
from firmware.drivers.profiles import Profile
from firmware.protocol.messages import Print, SlipLine

PRINTERS = Path(__file__).parent / "printers.json"
CHINESE = b"\x1c&"  # FS &: double-byte mode. Source: ESC/POS application programming guide.
QR_DOTS = 6  # a module of 0.75 mm at 203 dpi: read from an arm's length
DOTS_MM = 8  # 203 dpi
LINE_DOTS = 30  # of a line of text; the printer's default spacing
CELL_DOTS = 24  # height and width of a Chinese character
CUT_LINES = 6  # fed by the library so that the text is past the blade
LOGO_DOTS = 200  # a logo is at most this high
MISSING = "〓"  # stands for a character nobody has; printers of books have done so for a century
ANSWER_S = 10.0  # 0.3 s for the library, then some ms a slip; this is for a board under load
FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
)  # where Debian puts them
_importing = threading.Lock()


class Layout:
    """Slips laid out in a helper process. logo: base64 of a PNG; font: of lines that are drawn."""

    def __init__(self, logo: str = "", font: str = "") -> None:
        self._logo, self._font = logo, font
        self._helper = Helper("firmware.drivers.slip", "the helper that lays out slips", ANSWER_S)

    @property
    def starts(self) -> int:
        return self._helper.starts

    @property
    def has_answered(self) -> bool:
        """Whether the helper has read its libraries and laid something out."""
        return self._helper.has_answered

    def close(self) -> None:
        self._helper.close()

    def slip(self, order: Print, profile: Profile) -> tuple[bytes, float]:
        """The bytes of a slip, and the paper it takes in mm. Raises HelperFault."""
        said = self._helper.ask(
            {
                "slip": msgspec.to_builtins(order),
                "profile": asdict(profile),
                "logo": self._logo,
                "font": self._font,
            }
        )
        return said[4:], struct.unpack(">f", said[:4])[0]


def main() -> int:
    """Lay out slips until standard input ends."""
    return serve(_answer)


def _answer(asked: dict[str, Any]) -> bytes:
    order = msgspec.convert(asked["slip"], Print)
    data, mm = slip_bytes(order, Profile(**asked["profile"]), asked["logo"], asked["font"])
    return struct.pack(">f", mm) + data


def slip_bytes(
    order: Print, profile: Profile | None = None, logo: str = "", font: str = ""
) -> tuple[bytes, float]:
    """Everything between reset and cut, and the paper it takes in mm."""
    profile = profile or Profile()
    slip = _layout()()
    slip.hw("INIT")
    slip._raw(CHINESE)
    if logo and (picture := _logo(logo, profile.dots)) is not None:
        slip.draw(picture, "center")
    for line in order.lines:
        _line(slip, line, profile, font)
    slip.set(align="center", bold=False, normal_textsize=True)
    if order.qr:
        _code(slip, order.qr, profile.qr)
    slip.end(profile.cut)
    return bytes(slip.output), slip.dots / DOTS_MM


def _line(slip: Any, line: SlipLine, profile: Profile, font: str) -> None:
    size, text = min(max(line.size, 1), 8), printable(line.text)
    path = "" if is_in_font(text, profile.charset) else font_path(font)
    if path:
        slip.draw(drawn(text, size, line.is_bold, profile.dots, path), line.align)
        return
    slip.set(align=line.align, bold=line.is_bold, custom_size=True, width=size, height=size)
    known = "".join(char if is_in_font(char, profile.charset) else MISSING for char in text)
    slip._raw(known.encode("ascii" if profile.charset == "ascii" else "gb18030", errors="replace") + b"\n")
    slip.dots += LINE_DOTS * size


def _code(slip: Any, text: str, how: str) -> None:
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    slip.qr(text, ec=1, size=QR_DOTS, native=how == "native")
    slip._raw(b"\n")
    slip.dots += code.modules_count * QR_DOTS + LINE_DOTS


def printable(text: str) -> str:
    """The text without control characters: a name in it must not become a command to the printer."""
    return "".join(char for char in text if char.isprintable())


def is_in_font(text: str, charset: str) -> bool:
    """Whether a printer with this font shows every character. Rare ones take four bytes in GB18030."""
    if charset == "ascii":
        return text.isascii()
    try:
        if charset == "gb2312":
            return bool(text.encode("gb2312")) or not text
        return all(len(char.encode("gb18030")) <= 2 for char in text)
    except UnicodeEncodeError:
        return False


def is_png(encoded: str) -> bool:
    """Whether this is base64 of what begins like a PNG."""
    try:
        return base64.b64decode(encoded, validate=True).startswith(b"\x89PNG\r\n")
    except ValueError:
        return False


def font_path(wished: str = "") -> str:
    """A font with Chinese characters on this board; "" when there is none."""
    return next((path for path in (wished, *FONTS) if path and os.path.exists(path)), "")


def drawn(text: str, size: int, is_bold: bool, width: int, path: str) -> Any:
    """The text as black dots on white, in lines that fit into `width` dots."""
    from PIL import Image, ImageDraw

    font = _font(path, CELL_DOTS * size)
    lines = _wrapped(text, font, width)
    height = LINE_DOTS * size
    wide = max(1, min(width, max((round(font.getlength(line)) for line in lines), default=1)))
    picture = Image.new("L", (wide, height * len(lines)), 255)
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        middle = number * height + height // 2
        pen.text((0, middle), line, font=font, fill=0, anchor="lm", stroke_width=int(is_bold))
    return picture.point(lambda grey: 255 if grey > 128 else 0).convert("1")


def _wrapped(text: str, font: Any, width: int) -> list[str]:
    lines = [""]
    for char in text:
        if lines[-1] and font.getlength(lines[-1] + char) > width:
            lines.append("")
        lines[-1] += char
    return lines


@cache
def _font(path: str, size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(path, size)


@cache
def _logo(encoded: str, width: int) -> Any:
    """The PNG as dots, made small enough for the paper; grey becomes a pattern of dots. None of a broken one:
    a slip without a logo is better than no slip."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
            white = Image.new("RGBA", picture.size, "white")
            flat = Image.alpha_composite(white, picture.convert("RGBA")).convert("L")
    except (OSError, SyntaxError, ValueError):  # SyntaxError is what Pillow says of a broken chunk
        return None
    flat.thumbnail((width, LOGO_DOTS))
    return flat.convert("1")


@cache
def _layout() -> type[Any]:
    """python-escpos with its output kept in memory. Imported here: 0.1 s that only printers pay."""
    with _importing:
        escpos = _import_escpos()

    class Slip(escpos):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(profile="default")
            self.output = bytearray()
            self.dots = 0  # of paper

        def draw(self, picture: Any, align: str) -> None:
            """A picture no wider than the paper."""
            self.set(align=align)
            self.image(picture)
            self.dots += picture.height

        def end(self, how: str) -> None:
            """Past the blade, and cut: full, partial or none."""
            self.dots += CUT_LINES * LINE_DOTS
            if how == "none":
                self.print_and_feed(CUT_LINES)
            else:
                self.cut(mode="PART" if how == "partial" else "FULL")

        def _raw(self, msg: bytes) -> None:
            self.output += msg

        def _read(self) -> bytes:
            return b""

        def open(self, raise_not_found: bool = True) -> None:
            """Nothing to open."""

        def close(self) -> None:
            """Nothing to close."""

    return Slip


def _import_escpos() -> type[Any]:
    """The library's class, having read our table of printers.

    At its import the library writes a pickle of the table, makes a temporary directory even when it is
    told another place, and sets up logging, which is not its to do: all three stay in a scratch directory
    or are taken back. What it needs is imported before, so that this lasts milliseconds.
    """
    import importlib_resources  # noqa: F401
    import yaml  # type: ignore[import-untyped]  # noqa: F401

    handlers, kept = list(logging.root.handlers), tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="servicehall-escpos-") as scratch:
        tempfile.tempdir = scratch
        places = {"ESCPOS_CAPABILITIES_FILE": str(PRINTERS), "ESCPOS_CAPABILITIES_PICKLE_DIR": scratch}
        before = {name: os.environ.get(name) for name in places}
        os.environ.update(places)
        try:
            import escpos.capabilities  # noqa: F401
        finally:
            tempfile.tempdir = kept
            logging.root.handlers[:] = handlers
            _restore(before)
    from escpos.escpos import Escpos

    return Escpos  # type: ignore[no-any-return]


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


if __name__ == "__main__":
    sys.exit(main())
