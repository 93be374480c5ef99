"""What every process says: one line for an outage's begin and end, two forms, and no secret in either."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from firmware.protocol import logs

SECRET = "c2VjcmV0LW9mLTEyOC1iaXRz"
CARRIERS = [
    f"Exception on /in/{SECRET} [POST]",
    f"Error handling request /t/{SECRET}/cancel",
    f"GET https://hall.example/t/{SECRET}?lang=en",
    f"GET /api/v1/tickets/{SECRET} 404",
    f"mqtts://controller:{SECRET}@broker:8883 does not answer",
    f"Authorization: Bearer {SECRET}",
    f"token={SECRET}&x=1",
    f"{{'password': '{SECRET}'}}",
    f"Cookie: sid={SECRET}; lang=zh",
]


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What is logged meanwhile; afterwards the root logger is as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize("form", logs.FORMATS)
@pytest.mark.parametrize("line", CARRIERS)
def test_no_secret_is_logged(said: io.StringIO, form: str, line: str) -> None:
    logs.set_up(form, stream=said)
    logging.getLogger("_granian").error(line)
    logging.getLogger("any").error("%s", line, extra={"address": line})
    assert SECRET not in said.getvalue()
    assert said.getvalue().count(logs.MASK) >= 2


@pytest.mark.parametrize("form", logs.FORMATS)
def test_no_secret_is_logged_with_a_traceback(said: io.StringIO, form: str) -> None:
    logs.set_up(form, stream=said)
    try:
        raise ValueError(f"no ticket behind /t/{SECRET}")
    except ValueError:
        logging.getLogger("web").exception("a page failed")
    assert "ValueError" in said.getvalue()
    assert SECRET not in said.getvalue()


@pytest.mark.parametrize("line", ["/m/hall/tickets/12", "/work/t.py", "sh/v1/hall/node-1/up/evt", "3 tokens"])
def test_what_is_no_secret_stays(line: str) -> None:
    assert logs.mask(line) == line


def test_a_json_line_holds_the_facts_beside_the_message(said: io.StringIO) -> None:
    logs.set_up(logs.JSON, stream=said)
    logging.getLogger("web").warning("%d screens", 3, extra={"screens": 3})
    line = json.loads(said.getvalue())
    assert line["message"] == "3 screens"
    assert (line["level"], line["logger"], line["screens"]) == ("warning", "web", 3)
    assert line["at"].endswith("Z")


def test_an_outage_is_told_once_when_it_begins_and_once_when_it_ends(said: io.StringIO) -> None:
    logs.set_up(logs.JSON, stream=said)
    seconds = iter([10.0, 32.5])
    outages = logs.Outages(logging.getLogger("x"), {"hall": "east"}, lambda: next(seconds))
    assert [outages.begin("broker", "refused") for _ in range(5)] == [True, False, False, False, False]
    assert [outages.end("broker") for _ in range(3)] == [22.5, None, None]
    begun, ended = (json.loads(line) for line in said.getvalue().splitlines())
    assert (begun["phase"], begun["outage"], begun["why"], begun["hall"]) == (
        "begin",
        "broker",
        "refused",
        "east",
    )
    assert (ended["phase"], ended["outage"], ended["lasted_s"]) == ("end", "broker", 22.5)
    assert ended["message"] == "hall east: broker is back after 22.5 s"


def test_an_outage_of_an_earlier_process_is_told_when_it_ends(said: io.StringIO) -> None:
    logs.set_up(logs.TEXT, stream=said)
    outages = logs.Outages(logging.getLogger("x"), now_s=lambda: 100.0)
    outages.resume("node-1/printer-1 printer.paper_out", 60.0)
    assert outages.is_out("node-1/printer-1 printer.paper_out")
    assert not outages.begin("node-1/printer-1 printer.paper_out", "paper out")
    outages.end("node-1/printer-1 printer.paper_out")
    assert "printer.paper_out is back after 60.0 s" in said.getvalue()
