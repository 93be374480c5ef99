"""The bytes of one slip in ESC/POS, laid out by python-escpos.

Hides that library's ways: it is only asked for bytes, never for a device, and knows one printer, ours
(printers.json), because its own table of 40 costs half a second of parsing or a pickle to be trusted.
Chinese is written as GB18030 in the printer's double-byte mode; the library has no code page for it.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from firmware.protocol.messages import Print, SlipLine

PRINTERS = Path(__file__).parent / "printers.json"
CHINESE = b"\x1c&"  # FS &: double-byte mode. Source: ESC/POS application programming guide.
QR_DOTS = 6  # a module of 0.75 mm at 203 dpi: read from an arm's length
_importing = threading.Lock()


def slip_bytes(order: Print, qr: str = "native") -> bytes:
    """Everything between reset and cut. qr: "native" lets the printer draw the code, "raster" sends dots."""
    slip = _layout()()
    slip.hw("INIT")
    slip._raw(CHINESE)
    for line in order.lines:
        _line(slip, line)
    slip.set(align="center", bold=False, normal_textsize=True)
    if order.qr:
        slip.qr(order.qr, ec=1, size=QR_DOTS, native=qr == "native")
        slip._raw(b"\n")
    slip.cut()
    return bytes(slip.output)


def _line(slip: Any, line: SlipLine) -> None:
    size = min(max(line.size, 1), 8)
    slip.set(align=line.align, bold=line.is_bold, custom_size=True, width=size, height=size)
    slip._raw(printable(line.text).encode("gb18030", errors="replace") + b"\n")


def printable(text: str) -> str:
    """The text without control characters: a name in it must not become a command to the printer."""
    return "".join(char for char in text if char.isprintable())


@cache
def _layout() -> type[Any]:
    """python-escpos with its output kept in memory. Imported here: 0.1 s that only printers pay."""
    with _importing:
        escpos = _import_escpos()

    class Slip(escpos):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(profile="default")
            self.output = bytearray()

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
