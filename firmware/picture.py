"""QR codes and printed dots as SVG, for a kiosk without a printer and for the bench's page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

QUIET_MODULES = 1  # paper around it is white; the standard's four are left to the slip's margin


def qr_svg(text: str) -> str:
    """The QR code of `text`, one unit a module. Raises ValueError when it is too long for any code."""
    # Imported when first needed: Pillow comes along, and most units never draw a code.
    import qrcode
    from qrcode.constants import ERROR_CORRECT_M
    from qrcode.exceptions import DataOverflowError

    code = qrcode.QRCode(border=QUIET_MODULES, error_correction=ERROR_CORRECT_M)
    code.add_data(text)
    try:
        code.make(fit=True)
    except DataOverflowError as error:
        raise ValueError(f"{len(text)} characters do not fit into a QR code") from error
    return dots_svg(code.get_matrix())


def dots_svg(rows: Sequence[Sequence[bool]]) -> str:
    """Black dots on white; each run of dots in a row is one stroke of a path."""
    width = max((len(row) for row in rows), default=1)
    path = "".join(
        f"M{x} {y}h{length}v1h-{length}z" for y, row in enumerate(rows) for x, length in _runs(row)
    )
    box = f'viewBox="0 0 {width} {len(rows)}" shape-rendering="crispEdges"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
        f'<path fill="#fff" d="M0 0h{width}v{len(rows)}H0z"/><path d="{path}"/></svg>'
    )


def bits(row: bytes) -> list[bool]:
    """A row of packed dots, most significant bit first."""
    return [bool(byte >> shift & 1) for byte in row for shift in range(7, -1, -1)]


def _runs(row: Sequence[bool]) -> Iterable[tuple[int, int]]:
    start = None
    for x, is_black in enumerate([*row, False]):
        if is_black and start is None:
            start = x
        elif not is_black and start is not None:
            yield start, x - start
            start = None
