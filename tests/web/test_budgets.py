"""How much a citizen's page loads before it can be used, packed as it is sent: phone, kiosk and displays."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from tests.web.desk import Browser, open_desk

LOADS = re.compile(
    r"""(?:<link rel="(?:stylesheet|icon)" href|<script[^>]* src|from |import\()\s*=?\s*"([^"]+)\""""
)
PAGES = {  # of the hall, and the most it may weigh in KiB
    "/t/{token}": 50,
    "/h/hall": 50,
    "/h/hall/pages/kiosk.html": 300,
    "/h/hall/pages/hall.html": 300,
    "/h/hall/pages/window.html": 300,
    "/h/hall/pages/display.html": 300,
}


def test_pages_keep_to_their_budgets(tmp_path: Path) -> None:
    weighs: dict[str, float] = {}
    with open_desk(tmp_path) as desk:
        token, browser = desk.take().token, desk.browser()
        for address in PAGES:
            files: dict[str, int] = {}
            load(browser, address.format(token=token), files)
            assert {".css", ".js"} <= {Path(name).suffix for name in files}
            weighs[address] = sum(files.values()) / 1024
    assert {address: kib for address, kib in weighs.items() if kib > PAGES[address]} == {}


def load(browser: Browser, address: str, into: dict[str, int]) -> None:
    """Fetch it and all that it names, each once: its size as sent."""
    path = urlsplit(address).path
    if path in into:
        return
    answer = browser.get(address)
    assert answer.status_code == 200, address
    body = answer.get_data()
    into[path] = len(gzip.compress(body, 6))
    if path.endswith((".css", ".svg")):
        return
    for named in LOADS.findall(body.decode()):
        load(browser, urljoin(address, named), into)
