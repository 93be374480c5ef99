"""The benches of the emulated nodes as the crowd meets them: faces to look at, buttons and keys to push.

Hides their HTTP: one connection per bench waits for changes, pushes go their own way. A bench that does
not answer shows nothing until it does; what was pushed then is lost, as on a real dead device.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from controller.demo.sight import NUMBER, Keypad, Slip

POLL_S = 20.0  # how long a bench may keep us waiting for a change
PUSH_S = 5.0
RETRY_S = 0.5

_logger = logging.getLogger(__name__)
_opener = build_opener(ProxyHandler({}))


def ask(url: str, body: Mapping[str, object] | None = None, timeout_s: float = PUSH_S) -> Any:
    """GET, or POST of a JSON body; the JSON answer, None for an empty one. Raises OSError or ValueError."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = Request(url, data=data, headers=headers)  # noqa: S310 - an address of the demo's own
    with _opener.open(request, timeout=timeout_s) as answer:
        text = answer.read()
    return json.loads(text) if text else None


class Bench:
    """One bench, watched on a thread of its own. `changed` is called after each new state."""

    def __init__(self, url: str, changed: Callable[[], None]) -> None:
        self.url = url.rstrip("/")
        self._changed = changed
        self._state: Mapping[str, Any] = {}
        self._stop = threading.Event()
        self._is_heard = True
        self._thread = threading.Thread(target=self._watch, name=f"bench {url}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch; the thread ends with its last question."""
        self._stop.set()

    @property
    def devices(self) -> Sequence[Mapping[str, Any]]:
        devices: Sequence[Mapping[str, Any]] = self._state.get("devices", [])
        return devices

    def push(self, path: str, **what: object) -> bool:
        """Press, key or rate. False when the bench did not take it."""
        try:
            ask(f"{self.url}/{path}", what)
        except (OSError, ValueError) as error:
            _logger.debug("%s did not take %s %s: %s", self.url, path, what, error)
            return False
        return True

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                after = self._state.get("ver", "")
                state = ask(f"{self.url}/state?after={after}", timeout_s=POLL_S + PUSH_S)
            except (URLError, OSError, ValueError) as error:
                self._note(False, error)
                self._state = {}
                self._stop.wait(RETRY_S)
                continue
            self._note(True)
            if isinstance(state, Mapping):
                self._state = state
                self._changed()

    def _note(self, is_heard: bool, error: Exception | None = None) -> None:
        """Say once when the bench goes away and once when it is back."""
        if is_heard != self._is_heard:
            self._is_heard = is_heard
            _logger.warning("bench %s %s", self.url, "is back" if is_heard else f"does not answer: {error}")


# --- what a device's face says ------------------------------------------------------------------------


def slips(device: Mapping[str, Any]) -> list[Slip]:
    """The slips that came out of a printer, as far as they bear a number."""
    found = []
    for slip in device.get("printer", {}).get("slips", []):
        if not slip.get("is_cut"):
            continue  # still coming out, or torn
        number = next((match[1] for line in slip.get("lines", []) if (match := _number(line))), None)
        if number is not None:
            found.append(Slip(number, slip.get("qr") or ""))
    return found


def _number(line: Any) -> Any:
    """A line that is nothing but a ticket number. Lines are texts, or tables with the text in `text`."""
    text = line.get("text", "") if isinstance(line, Mapping) else str(line)
    return NUMBER.fullmatch(text.strip())


def bar(device: Mapping[str, Any]) -> str:
    return str(device.get("led", {}).get("text", ""))


def keypad(device: Mapping[str, Any]) -> Keypad:
    """The digits of a keypad, and whether it asks for a rating."""
    face = device.get("keypad", {})
    return Keypad(_digits(face.get("left")), _digits(face.get("right")), bool(face.get("is_asking")))


def _digits(shown: Any) -> int | None:
    text = "" if shown is None else str(shown).strip()
    return int(text) if text.isdecimal() else None
