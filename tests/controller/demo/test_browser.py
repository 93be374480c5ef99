"""The crowd's small browser: forms as they stand on a page, against a real HTTP server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar
from urllib.parse import parse_qs

import pytest

from controller.demo.browser import Browser, PageFault

PAGE = """<form method="post" action="/go?x=1"><input type="hidden" name="csrf" value="c1">
<input name="reason"><input type="radio" name="why" value="a">
<input type="radio" name="why" value="b" checked><input type="checkbox" name="sure">
<select name="to"><option value="">choose</option><option value="q:B">B</option></select>
<textarea name="text"></textarea><button name="pressed" value="1">Go</button></form>
<form method="post" action="http://elsewhere.example/"><input name="stolen"></form>"""


class Site(BaseHTTPRequestHandler):
    """Gives the page with a cookie, and keeps what is posted."""

    posted: ClassVar[list[tuple[str, dict[str, list[str]], str]]] = []

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Set-Cookie", "sid=s1")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.posted.append((self.path, parse_qs(body, keep_blank_values=True), self.headers["Cookie"]))
        self.send_response(303)
        self.send_header("Location", "/after")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are no news in a test."""


@pytest.fixture
def site() -> Iterator[str]:
    Site.posted.clear()
    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_form_is_sent_with_what_it_comes_with(site: str):
    browser = Browser()
    page = browser.open(f"{site}/page")
    form = page.form("/go?x=1")
    assert form is not None
    assert form.choices == {"to": ["", "q:B"]}
    after = browser.send(page, form, reason="样例", to="q:B")
    assert after.url == f"{site}/after"
    ((path, values, cookie),) = Site.posted
    assert path == "/go?x=1"
    assert values == {"csrf": ["c1"], "reason": ["样例"], "why": ["b"], "to": ["q:B"], "text": [""]}
    assert cookie == "sid=s1"


def test_nothing_is_sent_to_another_site(site: str):
    browser = Browser()
    page = browser.open(site)
    stranger = page.form("elsewhere.example/")
    assert stranger is not None
    with pytest.raises(PageFault):
        browser.send(page, stranger)


def test_an_error_page_is_a_page(site: str):
    assert Browser().open(f"{site}/missing").status == 404


@pytest.mark.parametrize("url", ["file:///etc/hostname", "", "http://127.0.0.1:9/"])
def test_what_cannot_be_opened_is_a_fault(url: str):
    with pytest.raises(PageFault):
        Browser().open(url)
