"""A report as a print (PDF, A4): the same blocks as on the page, drawn with a Chinese font of this machine.

Hides where the font is and how lines, tables and charts are laid on sheets. Only the letters that are used
go into the file, so that it can be read anywhere.

Runs as a program that draws one print and ends (`python -m web.paper`): the library takes 42 MiB, and
a second of drawing would keep every other thread of a hall waiting for its turn.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from datetime import tzinfo
from functools import cache
from typing import Literal

from fpdf import FPDF
from fpdf.enums import WrapMode

from controller.hall.model import HallError
from web.chart import Bar, PairChart
from web.document import DASH, NO_FONT, Bars, Column, Document, Fact, Facts, Grid, Lines, shown

# (file, number of the Simplified Chinese face in it), of Debian's fonts-wqy-* and fonts-noto-cjk.
# The first is a twentieth of the last in size, and a print with it is made in a third of the time.
FONTS = (
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", 0),
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
)
INK, QUIET, RULE = (20, 24, 32), (95, 103, 117), (200, 206, 215)
BLUE, GREY, AMBER = (31, 95, 191), (150, 160, 176), (196, 120, 0)  # of the pages' charts
FACTS_ABREAST = 5
MOST_EMS = 36  # of a column
CHART_SHARE = 0.8  # of a sheet's width
LINE_MM, TITLE_MM = 5.0, 9.0
NICENESS = 10  # behind the hall


class NoFont(HallError):
    """No font of this machine has Chinese letters."""


def paper(document: Document, zone: tzinfo) -> bytes:
    """The file. Raises NoFont."""
    sheet = _sheet(document)
    for block in document.blocks:
        if isinstance(block, Facts):
            _facts(sheet, block, zone)
        elif isinstance(block, Grid):
            _grid(sheet, block, zone)
        elif isinstance(block, Bars):
            _bars(sheet, block)
        else:
            _lines(sheet, block)
    return bytes(sheet.output())


@cache
def font() -> tuple[str, int]:
    """The first font that is there. Raises NoFont."""
    found = next((one for one in FONTS if os.path.exists(one[0])), None)
    if found is None:
        raise NoFont("there is no font with Chinese letters on this machine; install: fonts-wqy-microhei")
    return found


class _Sheet(FPDF):
    """Sheets with the report's name at their foot."""

    def __init__(self, document: Document) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._foot = f"{document.title} · {document.subtitle} · {document.made}"
        path, face = font()
        self.add_font("hall", fname=path, collection_font_number=face)
        self.set_auto_page_break(True, margin=16)
        self.set_margins(14, 14, 14)
        self.set_title(f"{document.title} {document.subtitle}")
        self.add_page()

    def footer(self) -> None:
        self.set_y(-12)
        self.write_small(self._foot, self.epw - 20)
        self.set_xy(-34, -12)
        self.say(8, QUIET)
        self.cell(20, LINE_MM, f"{self.page_no()}", align="R")

    def say(self, points: float, colour: tuple[int, int, int] = INK) -> None:
        """Write in this size and colour from here on."""
        self.set_font("hall", size=points)
        self.set_text_color(*colour)

    def write_small(self, text: str, width: float) -> None:
        self.say(8, QUIET)
        self.cell(width, LINE_MM, self.cut(text, width))

    def cut(self, text: str, width: float) -> str:
        """The text, or so much of its beginning as goes into so many mm."""
        room = width - 2 * self.c_margin
        while len(text) > 1 and self.get_string_width(text) > room:
            text = text[:-2] + "…"
        return text

    def heading(self, title: str, needed: float) -> None:
        """A title that does not stand alone at the end of a sheet. needed: mm of what follows."""
        if self.will_page_break(TITLE_MM + needed):
            self.add_page()
        elif self.get_y() > 40:
            self.ln(4)
        self.say(12)
        self.cell(self.epw, TITLE_MM, title, new_x="LMARGIN", new_y="NEXT")


def _sheet(document: Document) -> _Sheet:
    sheet = _Sheet(document)
    sheet.say(18)
    sheet.multi_cell(sheet.epw, 10, document.title, align="L", new_x="LMARGIN", new_y="NEXT")
    sheet.say(11, QUIET)
    sheet.multi_cell(sheet.epw, 6, document.subtitle, align="L", new_x="LMARGIN", new_y="NEXT")
    return sheet


# --- blocks


def _facts(sheet: _Sheet, block: Facts, zone: tzinfo) -> None:
    rows = [block.facts[at : at + FACTS_ABREAST] for at in range(0, len(block.facts), FACTS_ABREAST)]
    height = 17.0
    sheet.heading(block.title, height)
    for row in rows:
        if sheet.will_page_break(height):
            sheet.add_page()
        top = sheet.get_y()
        for at, fact in enumerate(row):
            _fact(sheet, sheet.l_margin + at * sheet.epw / FACTS_ABREAST, top, fact, zone)
        sheet.set_xy(sheet.l_margin, top + height)


def _fact(sheet: _Sheet, left: float, top: float, fact: Fact, zone: tzinfo) -> None:
    width = sheet.epw / FACTS_ABREAST - 2
    sheet.set_xy(left, top)
    sheet.write_small(fact.name, width)
    sheet.set_xy(left, top + 4.5)
    sheet.say(13)
    sheet.cell(width, 6, shown(fact.value, fact.kind, zone))
    sheet.set_xy(left, top + 10.5)
    sheet.write_small(fact.note, width)


def _lines(sheet: _Sheet, block: Lines) -> None:
    sheet.heading(block.title, 2 * LINE_MM)
    sheet.say(9)
    for line in block.lines:
        sheet.multi_cell(sheet.epw, LINE_MM + 0.5, line, align="L", new_x="LMARGIN", new_y="NEXT")


def _grid(sheet: _Sheet, block: Grid, zone: tzinfo) -> None:
    """Row by row, the names of the columns again on every sheet.

    fpdf2 has tables of its own, which take five times as long: too long for a hall of 300 windows.
    """
    sheet.heading(block.title, 3 * LINE_MM)
    sheet.say(8)
    if not block.rows:
        sheet.cell(sheet.epw, LINE_MM, block.empty or DASH, new_x="LMARGIN", new_y="NEXT")
        return
    texts = [
        [shown(cell, column.kind, zone) for cell, column in zip(row, block.columns, strict=True)]
        for row in block.rows
    ]
    widths = _widths(sheet.epw, block.columns, texts)
    _head(sheet, block.columns, widths)
    for row in texts:
        cells = [
            _lines_of(sheet, text, width) if block.is_wrapped else [sheet.cut(text, width)]
            for text, width in zip(row, widths, strict=True)
        ]
        if sheet.will_page_break(LINE_MM * max(map(len, cells))):
            sheet.add_page()
            _head(sheet, block.columns, widths)
        _row(sheet, cells, block.columns, widths)


def _row(
    sheet: _Sheet, cells: Sequence[Sequence[str]], columns: Sequence[Column], widths: Sequence[float]
) -> None:
    """All lines of a row, with a rule beneath the last."""
    count = max(map(len, cells))
    for line in range(count):
        border: Literal["B", 0] = "B" if line == count - 1 else 0
        for cell, column, width in zip(cells, columns, widths, strict=True):
            text = cell[line] if line < len(cell) else ""
            sheet.cell(width, LINE_MM, text, border=border, align=_side(column))
        sheet.ln(LINE_MM)


def _lines_of(sheet: _Sheet, text: str, width: float) -> list[str]:
    """The text in as many lines as it takes at this width."""
    if sheet.get_string_width(text) + 2 * sheet.c_margin <= width:
        return [text]
    lines = sheet.multi_cell(width, LINE_MM, text, wrapmode=WrapMode.CHAR, dry_run=True, output="LINES")
    return [str(line) for line in lines]  # type: ignore[union-attr]


def _head(sheet: _Sheet, columns: Sequence[Column], widths: Sequence[float]) -> None:
    """The names of the columns, on as many lines as the longest takes."""
    sheet.say(7, QUIET)
    sheet.set_draw_color(*RULE)
    top, left = sheet.get_y(), sheet.l_margin
    bottom = top
    for column, width in zip(columns, widths, strict=True):
        sheet.set_xy(left, top)
        sheet.multi_cell(width, LINE_MM - 1, column.name, align=_side(column), wrapmode=WrapMode.CHAR)
        bottom, left = max(bottom, sheet.get_y()), left + width
    sheet.set_xy(sheet.l_margin, bottom)
    sheet.line(sheet.l_margin, bottom, sheet.l_margin + sheet.epw, bottom)
    sheet.say(8)


def _side(column: Column) -> Literal["L", "R"]:
    return "L" if column.kind == "text" else "R"


def _widths(whole: float, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[float]:
    """Shares of a sheet's width by the longest text of each column; a long name takes more lines."""
    shares = []
    for at, column in enumerate(columns):
        longest, name = max(_ems(row[at]) for row in rows), _ems(column.name)
        shares.append(max(MOST_EMS // 4, min(MOST_EMS, longest), min(MOST_EMS // 3, name)))
    return [whole * share / sum(shares) for share in shares]


def _ems(text: str) -> int:
    """How wide a text is; Chinese letters count twice."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def _bars(sheet: _Sheet, block: Bars) -> None:
    chart = block.chart
    scale = sheet.epw * CHART_SHARE / chart.width
    sheet.heading(block.title, chart.height * scale + LINE_MM)
    if len(block.names) > 1:
        _legend(sheet, block.names)
    left, top = sheet.l_margin, sheet.get_y()
    begin, end = left + chart.left * scale, left + chart.width * scale
    sheet.set_draw_color(*RULE)
    for line in chart.grid:
        sheet.line(begin, top + line.y * scale, end, top + line.y * scale)
        _at(sheet, left, top + line.y * scale - 1.5, chart.left * scale - 1, line.label, "R")
    if isinstance(chart, PairChart):
        for pair in chart.pairs:
            _bar(sheet, pair.first, left, top, scale, GREY)
            _bar(sheet, pair.second, left, top, scale, BLUE)
            _under(sheet, pair.middle, pair.label, left, top + chart.base * scale, scale)
    else:
        for bar in chart.bars:
            _bar(sheet, bar, left, top, scale, AMBER if bar.is_over else BLUE)
            _under(sheet, bar.middle, bar.label, left, top + chart.base * scale, scale)
    sheet.set_draw_color(*QUIET)
    base = top + chart.base * scale
    sheet.line(begin, base, end, base)
    sheet.set_xy(left, top + chart.height * scale + 1)


def _legend(sheet: _Sheet, names: Sequence[str]) -> None:
    for name, colour in zip(names, (GREY, BLUE), strict=True):
        sheet.set_fill_color(*colour)
        sheet.rect(sheet.get_x(), sheet.get_y() + 1.2, 2.6, 2.6, style="F")
        sheet.say(8, QUIET)
        sheet.set_x(sheet.get_x() + 3.5)
        sheet.cell(sheet.get_string_width(name) + 6, LINE_MM, name)
    sheet.ln(LINE_MM)


def _bar(
    sheet: _Sheet, bar: Bar, left: float, top: float, scale: float, colour: tuple[int, int, int]
) -> None:
    if bar.height > 0:
        sheet.set_fill_color(*colour)
        place = (left + bar.x * scale, top + bar.y * scale)
        sheet.rect(*place, bar.width * scale, bar.height * scale, style="F")


def _under(sheet: _Sheet, middle: float, label: str, left: float, base: float, scale: float) -> None:
    if label:
        _at(sheet, left + middle * scale - 12, base + 0.5, 24, label, "C")


def _at(sheet: _Sheet, x: float, y: float, width: float, text: str, align: Literal["L", "C", "R"]) -> None:
    sheet.set_xy(x, y)
    sheet.say(7, QUIET)
    sheet.cell(width, 3, text, align=align)


def main() -> int:
    """Draw the document on standard input, with its time zone, both pickled by report_files.py."""
    os.nice(NICENESS)
    document, zone = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - from our own parent
    try:
        sys.stdout.buffer.write(paper(document, zone))
    except NoFont as missing:
        print(missing, file=sys.stderr)
        return NO_FONT
    return 0


if __name__ == "__main__":
    sys.exit(main())
