"""What a citizen meets from the kiosk to the rating, in both languages: golden trees; the kiosk under axe.

At the kiosk in each of its modes, also while it reads aloud; what axe says of the other pages is asked in
test_accessibility.py.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from controller.hall.commands import CallNext, Finish, Login, Start
from tests.browser.axe import violations
from tests.browser.conftest import LANDSCAPE, PHONE, PORTRAIT, Served, size
from tests.browser.golden_files import is_golden, tree

pytestmark = pytest.mark.browser

KIOSK = "/h/hall/pages/kiosk.html?board=k-main"
MODES = ("large", "contrast", "low")
# The browser under test has no voices of its own: these note what to say, and go on until told to stop.
VOICES = """Object.defineProperty(globalThis, "speechSynthesis", { value: Object.assign(new EventTarget(), {
  speaking: false,
  said: [],
  getVoices: () => [{ lang: "zh-CN" }, { lang: "en-GB" }],
  speak({ text }) { this.speaking = true; this.said.push(text); },
  cancel() { this.speaking = false; },
}) })"""


class Walk:
    """One citizen's way: at each stop the tree is compared; all that is wrong is told at the end."""

    def __init__(self, served: Served, page: Page, lang: str, theme: str) -> None:
        self._served, self._page, self._lang, self._theme = served, page, lang, theme
        self.wrong: list[str] = []

    def open(self, address: str, wide: tuple[int, int]) -> None:
        size(self._page, wide)
        mark = "&" if "?" in address else "?"
        self._page.goto(f"{self._served.url}{address}{mark}lang={self._lang}&theme={self._theme}")

    def stop(self, name: str, part: str = "main") -> None:
        if not is_golden(f"citizen-{name}.{self._lang}.yaml", tree(self._page, part)):
            self.wrong.append(name)

    def read(self, name: str) -> None:
        """Have the kiosk read its screen aloud, and compare what it says."""
        self._page.evaluate("speechSynthesis.cancel(); speechSynthesis.said = []")
        self._page.click("[data-tool=read]")
        expect(self._page.locator("[data-tool=read]:focus")).to_have_attribute("data-on", "")
        said = "".join(f"- {one}\n" for one in self._page.evaluate("speechSynthesis.said"))
        if not is_golden(f"citizen-{name}-read.{self._lang}.yaml", said):
            self.wrong.append(f"{name} read aloud")

    def look(self, name: str) -> None:
        self.wrong += [f"{name} {one}" for one in violations(self._page, is_citizens=True)]


@pytest.mark.parametrize(("lang", "theme"), [("zh", "light"), ("en", "dark")])
def test_from_the_kiosk_to_the_rating(served: Served, page: Page, lang: str, theme: str) -> None:
    served.desk.give(Login(1, "li"))
    page.add_init_script(VOICES)
    walk = Walk(served, page, lang, theme)
    walk.open(KIOSK, PORTRAIT)
    expect(page.locator("[data-queue=A]")).to_be_visible()
    walk.stop("kiosk", "body")
    walk.look("kiosk")
    walk.read("kiosk")
    walk.look("kiosk, read aloud")
    for mode in MODES:
        page.click(f"[data-tool={mode}]")
        walk.look(f"kiosk {mode}")
    page.click("[data-queue=A]")
    walk.read("matter")
    walk.look("kiosk matter, all modes")
    page.click("[data-take]")
    expect(page.locator(".taken .number")).to_be_visible()
    walk.look("kiosk taken, all modes")
    for mode in MODES:
        page.click(f"[data-tool={mode}]")
    walk.stop("taken")
    page.click(".taken .plain")
    page.click("[data-tool=checkin]")
    walk.stop("check-in")
    walk.look("check-in")
    page.click("[data-tool=progress]")
    page.click("[data-key=A]")
    page.click("[data-key='1']")
    page.click("[data-take]")
    expect(page.locator(".stands .number")).to_have_text("A001")
    walk.stop("progress", "body")
    walk.read("progress")
    walk.look("progress, read aloud")
    for mode in MODES:
        page.click(f"[data-tool={mode}]")
    walk.look("progress, all modes")

    (ticket,) = served.desk.live.hall.tickets.values()
    walk.open(f"/t/{ticket.token}", PHONE)
    walk.stop("phone-waiting", "body")
    served.desk.give(CallNext(1))
    walk.open(f"/t/{ticket.token}", PHONE)
    walk.stop("phone-called")
    walk.open("/h/hall/pages/hall.html?board=z-east", LANDSCAPE)
    expect(page.locator(".call")).to_have_count(1)
    walk.stop("display", "body")
    served.desk.give(Start(1), Finish(1))
    walk.open(f"/t/{ticket.token}", PHONE)
    walk.stop("phone-rating")
    for name, address in (("public", "/h/hall"), ("booking", "/h/hall/book"), ("ratings", "/h/hall/ratings")):
        walk.open(address, PHONE)
        walk.stop(name)
    assert walk.wrong == []
