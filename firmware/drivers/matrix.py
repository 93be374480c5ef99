"""A chain of MAX7219 dot matrices over a window: the number being served, in digits and letters.

Hides the helper that draws (matrix_draw.py) and that the chips have no way to answer: they are started up
and painted anew every REPAINT_S, so that interference does not last (F21).

options of the DeviceConfig: chips (4), turn (0, 90, -90 or 180, as blocks are soldered), brightness (0-15).
"""

from __future__ import annotations

import struct
import threading
from importlib.util import find_spec

from firmware import wires
from firmware.drivers import Reporter
from firmware.drivers.faults import Faults
from firmware.drivers.helper import Helper, HelperFault
from firmware.protocol.messages import Board, Capability, DeviceConfig

REPAINT_S = 10.0
RETRY_S = 1.0
DRAW_S = 10.0  # 0.2 s for the library, then milliseconds; this is for a board under load
TURNS = (0, 90, -90, 180)
MOST_CHIPS = 32


class Matrix:
    """One chain."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        """Raises WireFault when the wire or an option means nothing, ValueError for no number."""
        self.config = config
        self._wire = wires.spi_wire(config.wire)
        self._chips = int(config.options.get("chips", "4"))
        self._turn = int(config.options.get("turn", "0"))
        self._brightness = int(config.options.get("brightness", "4"))
        is_good = 1 <= self._chips <= MOST_CHIPS and self._turn in TURNS and 0 <= self._brightness <= 15
        if not is_good:
            said = f"{config.device}: chips is 1 to {MOST_CHIPS}, turn one of {TURNS}, brightness 0 to 15"
            raise wires.WireFault("text", said)
        self._faults = Faults(config.device, report)
        self._helper = Helper("firmware.drivers.matrix_draw", "the helper that draws", DRAW_S)
        self._text = ""
        self._changed = threading.Event()
        self._is_stopped = False
        self._paints = 0
        self._thread = threading.Thread(target=self._run, name=config.device, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopped = True
        self._changed.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=DRAW_S)

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        return {"paints": self._paints, "helper_starts": self._helper.starts}

    def capability(self) -> Capability:
        return Capability(device=self.config.device, kind="matrix", can={"digits": True, "confirms": False})

    def show(self, text: str) -> None:
        """What is not a digit, a Latin letter or a sign is left out; of a long text its end stays."""
        self._text = text
        self._changed.set()

    def paint(self, board: Board) -> None:
        """The number at the window of the board."""
        if board.window is not None:
            self.show(board.window.ticket)

    # -- on the matrix's thread

    def _run(self) -> None:
        while not self._is_stopped:
            try:
                bus = wires.open_spi(self._wire)
            except wires.WireFault as fault:
                self._faults.raised("matrix.gone", str(fault))
                self._changed.wait(RETRY_S)
                continue
            try:
                self._drive(bus)
            finally:
                bus.close()
        self._helper.close()

    def _drive(self, bus: wires.Spi) -> None:
        while not self._is_stopped:
            self._changed.clear()
            try:
                bus.send(self._drawn(self._text))
            except (wires.WireFault, HelperFault, OSError) as fault:  # OSError: no process could be started
                self._faults.raised("matrix.gone", str(fault))
                self._changed.wait(RETRY_S)
                return
            self._paints += 1
            self._faults.cleared("matrix.gone")
            self._changed.wait(REPAINT_S)

    def _drawn(self, text: str) -> list[bytes]:
        """The transfers that start the chips up and show the text. Raises HelperFault."""
        if find_spec("luma") is None:
            raise HelperFault("dot matrices need luma.led_matrix: install servicehall[matrix] on the board")
        said = self._helper.ask(
            {"text": text, "chips": self._chips, "turn": self._turn, "brightness": self._brightness}
        )
        found = []
        while said:
            size = 2 + int(struct.unpack(">H", said[:2])[0])
            found.append(said[2:size])
            said = said[size:]
        return found
