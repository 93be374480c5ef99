"""A report as a file to download: a workbook or a print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from http import HTTPStatus

from flask import abort
from werkzeug.wrappers import Response

from web import paper, workbook
from web.document import Document, Value, shown
from web.visit import the_site

FORMS = ("xlsx", "pdf")
_MAKERS: Mapping[str, tuple[str, Callable[[Document, tzinfo], bytes]]] = {
    "xlsx": (workbook.TYPE, workbook.workbook),
    "pdf": ("application/pdf", paper.paper),
}


def as_file(document: Document, name: str, form: str) -> Response:
    """The answer that downloads as <name>.<form>; 503 with what to install when it cannot be drawn."""
    kind, make = _MAKERS[form]
    try:
        body = make(document, the_site().settings.zone)
    except paper.NoFont:
        abort(HTTPStatus.SERVICE_UNAVAILABLE, "no_font")
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(body, mimetype=kind, headers=headers)


def how(value: Value, kind: str) -> str:
    """A value of a report on a page."""
    return shown(value, kind, the_site().settings.zone)
