"""The bytes of one slip in ESC/POS, laid out by python-escpos.

Hides that library's ways: it is only asked for bytes, never for a device, and its table of printers is
kept in a private directory (it unpickles from there, and parses half a second without one). Chinese is
written as GB18030 in the printer's double-byte mode; python-escpos has no other code page for it.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

from firmware.protocol.messages import Print, SlipLine

PICKLES = "ESCPOS_CAPABILITIES_PICKLE_DIR"
PROFILE = "TM-T88III"  # 80 mm, 512 dots, QR by command: what the common Chinese 80 mm models imitate
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
    """python-escpos with its output kept in memory. Imported here: 0.1-0.6 s that only printers pay."""
    with _importing:
        escpos = _import_escpos()

    class Slip(escpos):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(profile=PROFILE)
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
    """The library's class; its table of printers goes to $ESCPOS_CAPABILITIES_PICKLE_DIR when that is set.

    The import makes a temporary directory even when it is told another place, so the name of temporary
    directories points to a scratch one meanwhile. It also sets up logging, which is not its to do.
    """
    handlers = list(logging.root.handlers)
    with tempfile.TemporaryDirectory(prefix="servicehall-escpos-") as scratch:
        kept, tempfile.tempdir = tempfile.tempdir, scratch
        given = os.environ.get(PICKLES)
        place = given or scratch
        Path(place).mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ[PICKLES] = place
        try:
            from escpos.escpos import Escpos
        finally:
            tempfile.tempdir = kept
            logging.root.handlers[:] = handlers
            if given is None:
                del os.environ[PICKLES]
    return Escpos  # type: ignore[no-any-return]
