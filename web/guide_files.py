"""What is said of matters as files: CSV, JSON and workbooks (.xlsx), written and read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from zipfile import BadZipFile, ZipFile

import xlsxwriter

from controller.guide import FIELDS
from web.sheet import as_csv, typed
from web.visit import say
from web.workbook import TYPE

COLUMNS = ("item_code", "name", "department", *FIELDS)
FORMS = {"csv": "text/csv", "json": "application/json", "xlsx": TYPE}
ZIP = b"PK\x03\x04"  # what a workbook begins with
LARGEST_UNPACKED = 64 << 20  # bytes; a file of this kind may unpack to a thousand times its size

Matter = tuple[int, dict[str, str]]  # its line, and its texts by column


class BadFile(Exception):
    """What is wrong with a file, in the words of who sent it."""


def write(form: str, rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS) -> bytes:
    """The file of a form of FORMS; `read` reads it back. The first of the columns is item_code."""
    if form == "csv":
        return as_csv("en", columns, rows).encode()
    if form == "json":
        texts = [dict(zip(columns, row, strict=True)) for row in rows]
        return json.dumps(texts, ensure_ascii=False, indent=1).encode()
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet, head = book.add_worksheet("matters"), book.add_format({"bold": True, "bottom": 1})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        sheet.freeze_panes(1, 2)
        sheet.set_column(0, len(columns) - 1, 28, wrapped)
        for n, name in enumerate(columns):
            sheet.write_string(0, n, name, head)
        for line, row in enumerate(rows, start=1):
            for n, text in enumerate(row):
                sheet.write_string(line, n, text, wrapped)
    return out.getvalue()


def read(body: bytes) -> list[Matter]:
    """Every matter of a file of any of the forms. Raises BadFile."""
    if body.startswith(ZIP):
        return _of_workbook(body)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(say("guide.not_utf8")) from None
    return _of_json(text) if text.lstrip().startswith("[") else _of_csv(text)


def _of_json(text: str) -> list[Matter]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(say("guide.not_json", why=str(error))) from None
    if not all(isinstance(row, dict) and all(isinstance(one, str) for one in row.values()) for row in rows):
        raise BadFile(say("guide.not_json", why='[{...: "text"}]'))
    return list(enumerate(rows, start=1))


def _of_csv(text: str) -> list[Matter]:
    reader = csv.DictReader(io.StringIO(text))
    if "item_code" not in (reader.fieldnames or ()):
        raise BadFile(say("guide.no_code"))
    return [
        (reader.line_num, {name: typed(text or "") for name, text in row.items() if isinstance(name, str)})
        for row in reader
    ]


def _of_workbook(body: bytes) -> list[Matter]:
    """Of its first sheet."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        if sum(one.file_size for one in ZipFile(io.BytesIO(body)).infolist()) > LARGEST_UNPACKED:
            raise BadFile(say("guide.not_xlsx", why=f"> {LARGEST_UNPACKED >> 20} MiB"))
        rows = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()
    except (BadZipFile, CalamineError) as error:
        raise BadFile(say("guide.not_xlsx", why=str(error))) from None
    head = [_text(cell) for cell in rows[0]] if rows else []
    if "item_code" not in head:
        raise BadFile(say("guide.no_code"))
    return [
        (line, {name: _text(cell) for name, cell in zip(head, row, strict=False) if name})
        for line, row in enumerate(rows[1:], start=2)
        if any(row)
    ]


def _text(cell: object) -> str:
    """A cell as somebody typed it; spreadsheets make numbers and days of what looks like one."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date) else str(cell)
