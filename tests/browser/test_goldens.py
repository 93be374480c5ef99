"""What is on the pages of each role, in both languages, as their accessibility trees: golden files.

A page that says something else than its file fails here, with the difference. To accept what it says now,
delete the file and run the test once: it writes the file anew and fails, so that somebody looks at it.
docs/decisions/goldens-are-trees.md says why these are no pictures.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from controller.clock import real_now
from controller.hall.commands import CallNext, Hold, Login, NoShow, Pause, Start
from controller.hall.model import PauseReason
from tests.browser.conftest import DESK, Served, sign_in
from tests.browser.golden_files import is_golden, tree
from tests.web.test_people import ADMIN

pytestmark = pytest.mark.browser

PAGES = {
    "clerk": ("li", "/w/hall/1"),
    "clerk-delays": ("li", "/w/hall/1/form/delay"),
    "guide": ("guide", "/g/hall/"),
    "manager": ("boss", "/m/hall/"),
    "manager-day": ("boss", "/m/hall/cycle"),
    "manager-roster": ("boss", "/m/hall/substitutes"),
    "manager-setup": ("boss", "/setup/hall/"),
    "admin-people": (ADMIN.id, "/people"),
    "admin-centres": (ADMIN.id, "/centres"),
}
REAL_TIMES = (r"\b\d\d-\d\d \d\d:\d\d\b", "MM-DD hh:mm")  # when somebody signed in, by the clock of the wall


@pytest.fixture
def busy(served: Served) -> Served:
    """Li has called at window 1 with one on hold and one missed, Wang pauses, two people wait."""
    desk = served.desk
    desk.site.people.add(ADMIN, real_now())
    desk.give(Login(1, "li"), Login(2, "wang"), Pause(2, PauseReason.BREAK, timedelta(minutes=5)))
    for _ in range(5):
        desk.take("A")
    desk.give(CallNext(1), Start(1), Hold(1, "去复印材料"))
    desk.give(CallNext(1), NoShow(1, "人已离开"), CallNext(1))
    desk.time.pass_by(minutes=45)
    return served


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_says_what_its_golden_file_says(busy: Served, lang: str) -> None:
    wrong, wide = [], []
    for person in dict.fromkeys(person for person, _ in PAGES.values()):
        context = busy.context(DESK, reduced_motion="reduce")
        page = context.new_page()
        sign_in(busy, page, person)
        for name, (who, address) in PAGES.items():
            if who != person:
                continue
            page.goto(f"{busy.url}{address}?lang={lang}")
            expect(page.locator("main")).to_be_visible()
            if not is_golden(f"{name}.{lang}.yaml", re.sub(*REAL_TIMES, tree(page))):
                wrong.append(name)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(name)
        context.close()
    assert (wrong, wide) == ([], [])
