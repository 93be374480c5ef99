"""Twenty calls within a second in one area: what is heard and what the area's display shows, through a real
controller, broker and node; and the same display while the controller is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from controller.hall.commands import CallNext, ChangePlan, Finish, Login, Logout, Start, TakeTicket
from controller.hall.model import CallingDomain, Clerk, Plan, Queue, Rules, Serves, Text, Window, Zone
from controller.people import SYSTEM
from firmware.emulators.bench import Bench, BenchSettings
from firmware.emulators.bench import SpeakerSettings as Voice
from firmware.node import Node
from firmware.protocol.messages import DeviceConfig, UnitConfig
from tests.controller.brokers import free_port
from tests.controller.sites import Running, running
from tests.firmware.hall_unit import node_running, node_settings
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.system, pytest.mark.timeout(240)]

WINDOWS = 20
NUMBERS = [f"A{n:03d}" for n in range(1, WINDOWS + 1)]
SPEED = 200.0  # of the loudspeaker: it has 150 s to say
PATIENCE_MS = 20_000
WATCH = """() => {
  window.seen = [];
  const look = () => {
    const now = [...document.querySelectorAll("#calls:not([hidden]) .number")].map((one) => one.textContent);
    if (JSON.stringify(now) !== JSON.stringify(seen.at(-1))) seen.push(now);
  };
  const all = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(look).observe(document.body, all);
  look();
}"""


@dataclass
class Area:
    """A running site, and the node with the loudspeaker and the display of its area."""

    site: Running
    node: Node
    bench: Bench
    url: str

    def spoken(self) -> list[dict[str, object]]:
        """Every sentence that was said to its end."""
        (face,) = self.bench.state()["devices"]
        return [one for one in face["speaker"]["sentences"] if not one["is_playing"]]


def plan() -> Plan:
    numbers = range(1, WINDOWS + 1)
    return Plan(
        name=Text("大厅", "Hall"),
        rules=Rules(call_every=None, no_show_after=timedelta(minutes=10)),
        domains=(CallingDomain("main", Text("大厅", "Main")),),
        zones=(Zone("east", Text("东区", "East")),),
        queues=(Queue("A", Text("社保", "Insurance"), "main", "A", "east", timedelta(minutes=5)),),
        windows=tuple(Window(n, Text("综合", "General"), "east", (Serves("A"),)) for n in numbers),
        clerks=tuple(Clerk(f"c{n}", f"{n:03d}", f"甲{n}") for n in numbers),
    )


@pytest.fixture(scope="module")
def area(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Area]:
    tmp_path = tmp_path_factory.mktemp("area")
    with ExitStack() as stack:
        site = stack.enter_context(running("mosquitto", tmp_path, speech_times=1))
        for n in (1, 2):
            site.live.submit(Logout(n), SYSTEM)
        site.live.submit(ChangePlan(plan()), SYSTEM)
        for n in range(1, WINDOWS + 1):
            site.live.submit(Login(n, f"c{n}"), SYSTEM)
            site.live.submit(TakeTicket("A", f"token-{n}"), SYSTEM)
        folder = tmp_path / "n"
        folder.mkdir()
        voice = Voice(device="speaker-1", speed=SPEED, keeps=3 * WINDOWS)
        bench = Bench(BenchSettings(unit="node-1", dir=str(folder), device=[voice]))
        bench.start()
        stack.callback(bench.stop)
        wire = str(bench.state()["devices"][0]["wire"])
        devices = [
            DeviceConfig(device="speaker-1", kind="speaker", wire=wire, zone="east"),
            DeviceConfig(device="screen-1", kind="screen", wire="screen:", board="z-east"),
        ]
        secret = site.enroll("node-1", UnitConfig(rev=0, position="", devices=devices))
        port = free_port()
        settings = node_settings(folder, site.settings.mqtt_port, token=secret, pages=f"127.0.0.1:{port}")
        node = stack.enter_context(node_running(settings))
        until(lambda: node.devices.get("speaker-1"), what="the node has its loudspeaker")
        yield Area(site, node, bench, f"http://127.0.0.1:{port}/pages/hall.html?board=z-east")


@pytest.fixture
def page(area: Area, chromium: Browser) -> Iterator[Page]:
    """The area's display, on a clock that the test moves."""
    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    page = context.new_page()
    page.clock.install()
    until(lambda: area.node.shelf.get("z-east"), what="the node has heard what to show")
    page.goto(area.url)
    expect(page.locator(".queue")).to_have_count(1, timeout=PATIENCE_MS)
    page.evaluate(WATCH)
    yield page
    context.close()


def test_twenty_calls_in_a_second_are_heard_and_seen_one_after_another(area: Area, page: Page) -> None:
    for window in range(1, WINDOWS + 1):
        area.site.live.post(CallNext(window), SYSTEM)
    until(lambda: len(area.spoken()) == 2 * WINDOWS, 60, what="all calls are heard")
    said = [(number_in(str(one["text"])), one["lang"], one["is_whole"]) for one in area.spoken()]
    assert said == [(number, lang, True) for number in NUMBERS for lang in ("zh", "en")]
    for _ in range(20):
        page.clock.run_for(1000)
    seen = page.evaluate("seen")
    assert [number for number in NUMBERS if not any(number in one for one in seen)] == []
    assert all(one == sorted(one, reverse=True) for one in seen)
    assert [number for number in NUMBERS if comes_back(seen, number)] == []
    assert seen[-1] == ["A020", "A019", "A018", "A017"]


def number_in(text: str) -> str:
    return next(number for number in NUMBERS if number in text)


def comes_back(seen: list[list[str]], number: str) -> bool:
    """Whether the number was gone from the display and there again."""
    shown = "".join("x" if number in one else " " for one in seen)
    return " " in shown.strip()


def test_the_display_goes_through_an_outage_of_the_controller(area: Area, page: Page) -> None:
    expect(page.locator(".call .number").first).to_have_text("A020")
    area.site.live.submit(Start(1), SYSTEM)
    area.site.live.submit(Finish(1), SYSTEM)
    area.site.live.submit(TakeTicket("A", "another"), SYSTEM)
    expect(page.locator(".queue .waiting b")).to_have_text("1")
    area.site.site.close()
    page.reload()
    expect(page.locator(".call .number").first).to_have_text("A020")
    expect(page.locator(".queue .waiting b")).to_have_text("1")
    area.site.begin()
    area.site.live.submit(CallNext(1), SYSTEM)
    expect(page.locator(".call .number").first).to_have_text("A021", timeout=PATIENCE_MS)
    expect(page.locator(".queue .waiting b")).to_have_text("0")
