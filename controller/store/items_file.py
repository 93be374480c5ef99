"""Service items brought in from a CSV file, for the short-lived `servicehall store import-items`.

Columns: department, name, item_code; and if the file has them: short_name, queue, minutes, is_sample.
An item that is there already (same code) takes the file's values; columns the file lacks stay.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from controller.hall.model import HallError

NEEDED = ("department", "name", "item_code")
TRUE, FALSE = frozenset({"1", "true", "yes", "是"}), frozenset({"", "0", "false", "no", "否"})


class BadItems(HallError):
    """The file is no list of items; the message names file, line and what is wrong there."""


def read_items(file: Path) -> list[dict[str, Any]]:
    """The file's items as rows of the table `item`, each with the columns it has. Raises BadItems."""
    return list(_rows(file))


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise BadItems(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadItems(f"{file} is not UTF-8 text") from error
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise BadItems(f"{file} has no column {missing[0]!r} in its first line")
    codes: set[str] = set()
    for cells in reader:
        try:
            row = _row(cells)
        except ValueError as error:
            raise BadItems(f"{file} line {reader.line_num}: {error}") from error
        if row["code"] in codes:
            raise BadItems(f"{file} line {reader.line_num}: item_code {row['code']} is there twice")
        codes.add(row["code"])
        yield row


def _row(cells: Mapping[str, str | None]) -> dict[str, Any]:
    """One item. Raises ValueError saying what is wrong with it."""
    given = {name: (text or "").strip() for name, text in cells.items() if isinstance(name, str)}
    for name in NEEDED:
        if not given[name]:
            raise ValueError(f"{name} is empty")
    row: dict[str, Any] = {
        "code": given["item_code"],
        "name": given["name"],
        "department": given["department"],
    }
    if "short_name" in given:
        row["short_name"] = given["short_name"]
    if "queue" in given:
        row["queue"] = given["queue"] or None
    if "minutes" in given:
        row["minutes"] = _minutes(given["minutes"])
    if "is_sample" in given:
        row["is_sample"] = _claim(given["is_sample"])
    return row


def _minutes(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 600:
        raise ValueError(f"minutes {text!r} is not a whole number from 1 to 600")
    return int(text)


def _claim(text: str) -> bool:
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise ValueError(f"is_sample {text!r} is neither yes nor no")
