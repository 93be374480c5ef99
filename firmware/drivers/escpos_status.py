"""What an ESC/POS printer answers to DLE EOT n, its real-time status.

Bits from the ESC/POS application programming guide, "DLE EOT n". Every answer has bit 7 = 0,
bit 4 = 1, bit 1 = 1, bit 0 = 0; anything else comes from another device or another speed (F09).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

QUERIES: Mapping[int, bytes] = {n: b"\x10\x04" + bytes([n]) for n in (1, 2, 3, 4)}
RECOVER = b"\x10\x05\x02"  # DLE ENQ 2: leave a recoverable error, clearing the buffers
FIXED_MASK, FIXED = 0x93, 0x12

# (n, bits): fault code and what a person does about it. The order is that of importance.
MEANINGS: tuple[tuple[int, int, str, str], ...] = (
    (2, 0x04, "printer.cover_open", "close the cover"),
    (4, 0x60, "printer.paper_out", "put in a new roll"),
    (2, 0x20, "printer.paper_out", "put in a new roll"),
    (3, 0x08, "printer.cutter", "remove the jammed paper, switch the printer off and on"),
    (3, 0x20, "printer.failed", "switch the printer off and on; call service when it stays"),
    (3, 0x40, "printer.head_hot", "wait: the print head is cooling down"),
    (4, 0x0C, "printer.near_end", "the roll ends soon: have a new one ready"),
)
CODES = frozenset(code for _, _, code, _ in MEANINGS)
HARMLESS = frozenset({"printer.near_end"})


@dataclass(frozen=True, slots=True)
class Status:
    """codes: fault code -> what to do; empty when the printer is ready."""

    codes: Mapping[str, str] = field(default_factory=dict)

    @property
    def hindrance(self) -> str | None:
        """Why nothing can be printed now; None when it can."""
        return next((code for code in self.codes if code not in HARMLESS), None)


def is_status(answer: int) -> bool:
    return answer & FIXED_MASK == FIXED


def status_of(answers: Mapping[int, int]) -> Status:
    """The status said by the answers to DLE EOT 1 to 4, by n."""
    codes: dict[str, str] = {}
    for n, bits, code, advice in MEANINGS:
        if answers[n] & bits:
            codes.setdefault(code, advice)
    if answers[1] & 0x08 and not codes.keys() - HARMLESS:
        codes["printer.failed"] = (
            "the printer says it is off-line; press its feed key, or switch it off and on"
        )
    return Status(codes)
