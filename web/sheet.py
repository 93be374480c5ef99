"""A list as a file for a spreadsheet: UTF-8 that it recognises, and no cell that it would run."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import StringIO

from flask import g
from werkzeug.wrappers import Response

from controller import i18n
from web.visit import the_site

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so


def as_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The answer that downloads as <name>.csv. columns: keys of their titles."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(as_csv(g.lang, columns, rows), mimetype="text/csv", headers=headers)


def as_csv(lang: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The text, with a mark in front that tells it is UTF-8."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow([i18n.t(lang, column) for column in columns])
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()


def typed(cell: str) -> str:
    """A cell of such a file as it was before a spreadsheet was kept from running it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def local(moment: datetime | None) -> str | None:
    """A moment by the hall's clock."""
    return (
        None if moment is None else moment.astimezone(the_site().settings.zone).strftime("%Y-%m-%d %H:%M:%S")
    )


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
