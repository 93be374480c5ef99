"""A report as a workbook (.xlsx): a sheet of figures, then one per table and chart, its charts alive."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from io import BytesIO
from typing import Any

import xlsxwriter

from web.document import Bars, Column, Document, Facts, Grid, Lines, Value

FORMATS = {
    "text": {},
    "number": {"num_format": "#,##0"},
    "tenths": {"num_format": "#,##0.0"},
    "minutes": {"num_format": "#,##0.0"},
    "hours": {"num_format": "#,##0.0"},
    "percent": {"num_format": "0%"},
    "share": {"num_format": "0.0%"},
}
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NARROW, WIDE, WIDEST = 10, 24, 48  # characters
NO_NAME = re.compile(r"[\[\]:*?/\\']")  # not in the name of a sheet
LONGEST_NAME = 31
BLUE, GREY = "#1f5fbf", "#96a0b0"


def workbook(document: Document, zone: tzinfo) -> bytes:
    """The file. Texts are written as texts, so that none of them is run as a formula."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        _Sheets(book, zone).write(document)
    return out.getvalue()


class _Sheets:
    """The sheets of one workbook, in order."""

    def __init__(self, book: Any, zone: tzinfo) -> None:
        self._book, self._zone = book, zone
        self._head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._title = book.add_format({"bold": True, "font_size": 16})
        self._quiet = book.add_format({"font_color": "#666666"})
        self._bold = book.add_format({"bold": True, "font_size": 12})
        self._formats = {kind: book.add_format({"align": "left", **how}) for kind, how in FORMATS.items()}
        self._names: set[str] = set()

    def write(self, document: Document) -> None:
        first = self._sheet(document.title)
        first.set_column(0, 0, WIDE + 8)
        first.set_column(1, 3, WIDE)
        first.write_string(0, 0, document.title, self._title)
        first.write_string(1, 0, document.subtitle)
        first.write_string(2, 0, document.made, self._quiet)
        row = 4
        for block in document.blocks:
            if isinstance(block, Facts):
                row = self._facts(first, row, block)
            elif isinstance(block, Lines):
                row = self._lines(first, row, block)
            elif isinstance(block, Grid):
                self._table(self._sheet(block.title), block.columns, block.rows)
            else:
                self._bars(block)

    def _sheet(self, title: str) -> Any:
        base = NO_NAME.sub(" ", title)[: LONGEST_NAME - 3].strip() or "-"
        name, count = base, 1
        while name.lower() in self._names:
            count += 1
            name = f"{base} {count}"
        self._names.add(name.lower())
        sheet = self._book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        return sheet

    def _facts(self, sheet: Any, row: int, block: Facts) -> int:
        sheet.write_string(row, 0, block.title, self._bold)
        for at, fact in enumerate(block.facts, start=row + 1):
            sheet.write_string(at, 0, fact.name)
            self._cell(sheet, at, 1, fact.value, fact.kind)
            self._cell(sheet, at, 2, fact.usual, "tenths" if fact.kind == "number" else fact.kind)
            sheet.write_string(at, 3, fact.note, self._quiet)
        return row + len(block.facts) + 2

    def _lines(self, sheet: Any, row: int, block: Lines) -> int:
        sheet.write_string(row, 0, block.title, self._bold)
        for at, line in enumerate(block.lines, start=row + 1):
            sheet.write_string(at, 0, line)
        return row + len(block.lines) + 2

    def _table(self, sheet: Any, columns: Sequence[Column], rows: Sequence[Sequence[Value]]) -> None:
        sheet.freeze_panes(1, 1)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, WIDE if at == 0 else max(NARROW, min(WIDEST, 2 * len(column.name))))
            sheet.write_string(0, at, column.name, self._head)
        for number, row in enumerate(rows, start=1):
            for at, (value, column) in enumerate(zip(row, columns, strict=True)):
                self._cell(sheet, number, at, value, column.kind)

    def _cell(self, sheet: Any, row: int, at: int, value: Value, kind: str) -> None:
        if isinstance(value, datetime):
            value = value.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")
        if isinstance(value, int | float):
            sheet.write_number(row, at, value, self._formats[kind])
        elif value is not None:
            sheet.write_string(row, at, value)

    def _bars(self, block: Bars) -> None:
        sheet, count = self._sheet(block.title), len(block.labels)
        columns = [Column(block.along), *(Column(name, block.kind) for name in block.names)]
        rows = [[label, *values] for label, *values in zip(block.labels, *block.series, strict=True)]
        self._table(sheet, columns, rows)
        chart = self._book.add_chart({"type": "column"})
        colours = [GREY, BLUE] if len(block.names) > 1 else [BLUE]
        for at, colour in enumerate(colours, start=1):
            chart.add_series(
                {
                    "name": [sheet.name, 0, at],
                    "categories": [sheet.name, 1, 0, count, 0],
                    "values": [sheet.name, 1, at, count, at],
                    "fill": {"color": colour},
                    "gap": 60,
                }
            )
        chart.set_title({"name": block.title, "name_font": {"size": 12}})
        chart.set_legend({"position": "bottom"} if len(block.names) > 1 else {"none": True})
        chart.set_size({"width": 760, "height": 320})
        sheet.insert_chart(1, len(columns) + 1, chart)
