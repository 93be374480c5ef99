"""The process in which the crowd lives: benches and web pages in, pushes of buttons, keys and forms out.

`python -m controller.demo.crowd_process FILE` with a file of CrowdConfig. It keeps the crowd in a file
beside it, so that the people who waited when the demo stopped still wait when it goes on. It ends with
exit code 0 when the day is over.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import FrameType
from urllib.parse import urlsplit

import msgspec

from controller.clock import ClockSetting, HallClock
from controller.demo import benches
from controller.demo.benches import Bench
from controller.demo.browser import Browser, Page, PageFault
from controller.demo.crowd import Crowd, new_day
from controller.demo.sight import Act, Key, Pace, Phone, Press, RateKey, Seen, SendOn, SignIn, SignOut, Slip
from controller.simulate import Arrival

LOOK_EVERY_S = 0.1
KEEP_EVERY_S = 1.0
SENT_ON_WHY = "需在另一窗口办理 (样例)"
AFTER_CLOSING = timedelta(minutes=35)  # Rules.close_grace and a little: whoever still waits has expired

_logger = logging.getLogger(__name__)


class Place(msgspec.Struct, frozen=True):
    """A device: the bench it stands on, by the address of that bench, and its name there."""

    bench: str
    device: str


class CrowdConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the crowd knows beforehand: where things are, who comes, and how the hall's clock runs."""

    date: str
    midnight: datetime  # of that day in the hall's zone
    closes_s: float  # since midnight
    clock_epoch: datetime
    clock_offset_s: float
    speed: float
    seed: int
    buttons: dict[str, Place]  # by queue
    green_buttons: dict[str, Place]
    printers: list[Place]
    keypads: dict[int, Place]  # by window
    bars: dict[int, Place]
    sign_in: dict[int, str]  # window -> one-time link of its clerk
    windows_url: str  # page on which clerks choose their window
    arrivals: list[Arrival]
    memory: str  # file in which the crowd is kept


class Street:
    """The crowd between its benches. start, run and stop; nothing else touches the crowd."""

    def __init__(self, config: CrowdConfig) -> None:
        self._config = config
        self._pace = Pace(config.speed)
        self._chance = Random(config.seed)  # noqa: S311 - whims, no secrets
        offset = timedelta(seconds=config.clock_offset_s)
        self._clock = HallClock(ClockSetting(config.clock_epoch, offset, config.speed))
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._pushes = ThreadPoolExecutor(4, "push")
        self._visits = ThreadPoolExecutor(2, "visit")
        places = [*config.buttons.values(), *config.printers, *config.keypads.values(), *config.bars.values()]
        self._benches = {place.bench: Bench(place.bench, self._wake.set) for place in places}
        self._clerks = {window: Browser() for window in config.sign_in}
        self._crowd = remembered(Path(config.memory), config)
        self._has_told = False
        self._kept_at = timedelta()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def run(self, told: Callable[[str], None]) -> bool:
        """Live until stopped or until the day is over: True when it is over. told: the first service."""
        for bench in self._benches.values():
            bench.start()
        is_over = False
        while not self._stop.is_set() and not is_over:
            self._wake.wait(LOOK_EVERY_S)
            self._wake.clear()
            is_over = self._look(told)
        for bench in self._benches.values():
            bench.stop()
        self._pushes.shutdown(cancel_futures=True)
        self._visits.shutdown(cancel_futures=True)
        self._crowd.has_ended = is_over
        keep(Path(self._config.memory), self._crowd)
        return is_over

    def _look(self, told: Callable[[str], None]) -> bool:
        now, seen = self._now(), self._seen()
        if not seen.bars:
            return False  # no bench has answered yet
        closes = timedelta(seconds=self._config.closes_s)
        for act in self._crowd.look(seen, now, self._config.arrivals, closes, self._pace, self._chance):
            self._do(act)
        self._tell_first_service(seen, told)
        if now - self._kept_at >= self._pace.real(KEEP_EVERY_S):
            self._kept_at = now
            keep(Path(self._config.memory), self._crowd)
        return is_day_over(self._crowd, seen, now, closes)

    def _tell_first_service(self, seen: Seen, told: Callable[[str], None]) -> None:
        served = [window for window in seen.bars if "办理" in seen.bars[window] and seen.number_at(window)]
        if not self._has_told and served and not seen.is_called(served[0]):
            self._has_told = True
            told(f"{seen.number_at(served[0])} {served[0]}")

    def _now(self) -> timedelta:
        return self._clock.now() - self._config.midnight

    def _seen(self) -> Seen:
        faces = {
            Place(url, str(device.get("device"))): device
            for url, bench in self._benches.items()
            for device in bench.devices
        }
        slips: list[Slip] = []
        for place in self._config.printers:
            slips += benches.slips(faces.get(place, {}))
        return Seen(
            bars={n: benches.bar(faces[place]) for n, place in self._config.bars.items() if place in faces},
            keypads={
                n: benches.keypad(faces[place]) for n, place in self._config.keypads.items() if place in faces
            },
            slips=tuple(slips),
        )

    # --- acts

    def _do(self, act: Act) -> None:
        _logger.debug("%s", act)
        match act:
            case Press(queue, is_green):
                green = self._config.green_buttons.get(queue) if is_green else None
                self._push(green or self._config.buttons[queue], "press")
            case Key(window, key):
                self._push(self._config.keypads[window], "key", key=key)
            case RateKey(window, value):
                self._push(self._config.keypads[window], "rate", value=value)
            case SignIn(window):
                self._visits.submit(self._visit, self._sign_in, window)
            case SignOut(window):
                self._visits.submit(self._visit, self._sign_out, window)
            case SendOn(window):
                self._visits.submit(self._visit, self._send_on, window)
            case Phone(url, what):
                self._visits.submit(self._visit, _use_phone, url, what)

    def _push(self, place: Place, how: str, **what: object) -> None:
        bench = self._benches[place.bench]
        self._pushes.submit(bench.push, how, device=place.device, **what)

    def _visit(self, go: Callable[..., None], *args: object) -> None:
        """A page that cannot be had is tried again when its reader next thinks of it."""
        try:
            go(*args)
        except PageFault as fault:
            _logger.debug("%s", fault)

    def _sign_in(self, window: int) -> None:
        """By the one-time link the first time; then take the window's seat, as clerks do in the morning."""
        page = self._windows_page(window)
        seat = page.form(f"/{window}/login")
        if seat is not None:
            self._clerks[window].send(page, seat)

    def _sign_out(self, window: int) -> None:
        self._on_console(window, "logout")

    def _send_on(self, window: int) -> None:
        self._on_console(window, "transfer", reason=SENT_ON_WHY)

    def _on_console(self, window: int, action: str, **values: str) -> None:
        """Send the console's form for `action`: what it proposes, the first of each list, and `values`."""
        self._windows_page(window)
        console = self._config.windows_url.partition("?")[0] + str(window)
        page = self._clerks[window].open(f"{console}/form/{action}")
        form = page.form(f"/do/{action}")
        if form is not None:
            chosen = {name: next(filter(None, offered), "") for name, offered in form.choices.items()}
            self._clerks[window].send(page, form, **chosen, **values)

    def _windows_page(self, window: int) -> Page:
        """The page of windows, signed in: by the link when the browser has no session yet."""
        browser = self._clerks[window]
        page = browser.open(self._config.windows_url)
        if "/sign-in" in page.url:
            asked = browser.open(self._config.sign_in[window])
            enter = asked.form(urlsplit(self._config.sign_in[window]).path)
            if enter is not None:
                browser.send(asked, enter)
            page = browser.open(self._config.windows_url)
        return page


def _use_phone(url: str, what: str) -> None:
    phone = Browser()
    page = phone.open(url)
    if what == "let_pass":
        form = next((one for one in page.forms if "pass" in one.action), None)
        if form is not None:
            phone.send(page, form)


def is_day_over(crowd: Crowd, seen: Seen, now: timedelta, closes: timedelta) -> bool:
    """Everybody went home and no window shows a number; at the latest when the waiting have expired."""
    if now < closes:
        return False
    is_quiet = crowd.is_over and not any(seen.number_at(window) for window in seen.bars)
    return is_quiet or now >= closes + AFTER_CLOSING


# --- memory


def remembered(file: Path, config: CrowdConfig) -> Crowd:
    """The crowd as it was kept, when it is this day's; else the hall before its doors open."""
    kept = recall(file)
    return (
        kept if kept is not None and kept.date == config.date else new_day(config.date, list(config.sign_in))
    )


def recall(file: Path) -> Crowd | None:
    """The crowd in a file; None when there is none to be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Crowd)
    except (OSError, msgspec.DecodeError):
        return None


def keep(file: Path, crowd: Crowd) -> None:
    """Written beside and renamed, so that a kill in the middle leaves the older one."""
    beside = file.with_suffix(".new")
    beside.write_bytes(msgspec.json.encode(crowd))
    os.replace(beside, file)


def main(argv: Sequence[str]) -> int:
    """Run the crowd of the config file argv[0] until SIGTERM, SIGINT or the end of the day."""
    logging.basicConfig(
        level=os.environ.get("SERVICEHALL_LOG", "INFO"), format="%(asctime)s %(levelname)s %(message)s"
    )
    config = msgspec.json.decode(Path(argv[0]).read_bytes(), type=CrowdConfig)
    street = Street(config)

    def leave(number: int, frame: FrameType | None) -> None:
        street.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    is_over = street.run(lambda text: print(text, flush=True))
    return 0 if is_over else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
