"""A report as a file to download: a workbook, or a print drawn by a process of its own (paper.py)."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import tzinfo
from http import HTTPStatus

from flask import abort
from werkzeug.wrappers import Response

from web import workbook
from web.document import NO_FONT, Document, Value, shown
from web.visit import hall_now, say, the_site

FORMS = ("xlsx", "pdf")
LONGEST_S = 60.0  # of a print: a second, where the machine is not very busy
_printing = threading.Lock()  # one print at a time: each takes a processor and 100 MiB


def _print(document: Document, zone: tzinfo) -> bytes:
    """The PDF; 503 with what to install when this machine has no Chinese font."""
    with _printing:
        drawn = subprocess.run(
            [sys.executable, "-m", "web.paper"],
            input=pickle.dumps((document, zone)),
            stdout=subprocess.PIPE,
            timeout=LONGEST_S,
        )
    if drawn.returncode == NO_FONT:
        abort(HTTPStatus.SERVICE_UNAVAILABLE, "no_font")
    drawn.check_returncode()
    return drawn.stdout


_MAKERS: Mapping[str, tuple[str, Callable[[Document, tzinfo], bytes]]] = {
    "xlsx": (workbook.TYPE, workbook.workbook),
    "pdf": ("application/pdf", _print),
}


def as_file(document: Document, name: str, form: str) -> Response:
    """The answer that downloads as <name>.<form>; 503 with what to install when it cannot be drawn."""
    kind, make = _MAKERS[form]
    body = make(document, the_site().settings.zone)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(body, mimetype=kind, headers=headers)


def made() -> str:
    """When a report was made, by the hall's clock."""
    now = hall_now().astimezone(the_site().settings.zone)
    return say("made {time}", time=now.strftime("%Y-%m-%d %H:%M"))


def how(value: Value, kind: str) -> str:
    """A value of a report on a page."""
    return shown(value, kind, the_site().settings.zone)
