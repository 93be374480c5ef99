"""People at the hall's web face: kiosks, consoles, phones and screens, each on a thread of its own.

They do what people and their browsers do when nothing answers: ask again, with the same key. What they
were told goes into the ledger, and only that: a request without an answer is no promise. Each is a
machine with addresses of its own, because an address may take only so many tickets a minute.
"""

from __future__ import annotations

import json
import random
import re
import threading
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import count
from urllib.parse import urlencode, urlsplit

from controller.demo.hall import HALL, QUEUES
from tests.system.chaos.promises import Called, Finished, Ledger, Numbered, Voted

TIMEOUT_S = 15.0  # beyond the 10 s after which the hall itself gives up
AGAIN_S = 0.2  # until a request is sent again
REQUESTS_AN_ADDRESS = 40  # of the 60 tickets an address may take at once
AGAIN = frozenset({429, 500, 502, 503, 504})
TWICE = 0.05  # of taps are sent again although they were answered
NUMBER = re.compile(r"plate-big[^>]*>\s*([^<\s]+)\s*<")
STATE = re.compile(r"state state-(\w+)")
ON_PHONE = re.compile(r'<h1 class="number">([^<]+)</h1>')
FORM_KEY = re.compile(r'name="key" value="([^"]*)"')
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
PHONES = 2
PHONE_READS_S = 0.15  # between two looks


@dataclass(frozen=True, slots=True)
class Reply:
    """cookies: as they are sent back, "name=value"."""

    status: int
    text: str
    cookies: tuple[str, ...] = ()


class Machine:
    """A client machine: a connection kept alive, and requests repeated until answered."""

    def __init__(self, port: int, chance: random.Random, stop: threading.Event) -> None:
        self._port, self._chance, self._stop = port, chance, stop
        self._connection: HTTPConnection | None = None
        self._left = 0
        self.unanswered = 0

    def ask(
        self, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> Reply | None:
        """One try; None when there was no answer."""
        try:
            connection = self._connected()
            connection.request(method, path, body.encode() or None, dict(headers or {}))
            answer = connection.getresponse()
            cookies = [one.partition(";")[0] for one in answer.headers.get_all("Set-Cookie", [])]
            return Reply(answer.status, answer.read().decode("utf-8", "replace"), tuple(cookies))
        except (OSError, HTTPException):
            self.unanswered += 1
            self.close()
            return None

    def insist(
        self, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> Reply | None:
        """Ask until there is an answer that stays; None when the run ended before."""
        while True:
            reply = self.ask(method, path, body, headers)
            if reply is not None and reply.status not in AGAIN:
                return reply
            if reply is not None and reply.status == 429:
                self.close()  # another machine, with another address
            elif self._stop.wait(AGAIN_S):
                return None

    def close(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
        self._connection = None

    def _connected(self) -> HTTPConnection:
        if self._connection is None or self._left <= 0:
            self.close()
            own = ".".join(["127", *(str(self._chance.randint(2, 250)) for _ in range(3))])
            self._connection = HTTPConnection(
                "127.0.0.1", self._port, timeout=TIMEOUT_S, source_address=(own, 0)
            )
            self._left = REQUESTS_AN_ADDRESS
        self._left -= 1
        return self._connection


class Client:
    """Somebody at the web face. calm: ask for nothing new; stop: go home.

    pause_s: mean seconds between two acts. window: of a console; share: of the tickets, of a phone.
    """

    def __init__(
        self,
        name: str,
        url: str,
        seed: str,
        ledger: Ledger,
        calm: threading.Event,
        stop: threading.Event,
        pause_s: float = 0.0,
        *,
        window: int = 0,
        share: int = 0,
    ) -> None:
        self.name, self._ledger, self._calm, self._stop = name, ledger, calm, stop
        self._pause_s, self._window, self._share = pause_s, window, share
        self._chance = random.Random(f"{seed}/{name}")
        self.machine = Machine(urlsplit(url).port or 80, self._chance, stop)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.error: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Whether it has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            for n in count(1):
                if self._calm.is_set() or self._stop.is_set():
                    break
                self.act(n)
                self._calm.wait(self._chance.uniform(0, 2 * self._pause_s))
            self.finish()
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.machine.close()

    def act(self, n: int) -> None:
        """One thing it does while the hall is busy."""

    def finish(self) -> None:
        """What is left to do when it is calm."""


class Kiosk(Client):
    """Takes tickets; a tap is sent with its key until it is answered, now and then once more."""

    def act(self, n: int) -> None:
        key = f"{self.name}-{n}-{self._chance.getrandbits(64):016x}"
        queue = self._chance.choice(QUEUES).code
        self._take(key, queue)
        if self._chance.random() < TWICE:
            self._take(key, queue)

    def _take(self, key: str, queue: str) -> None:
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        reply = self.machine.insist("POST", f"/h/{HALL}/api/tickets", json.dumps({"queue": queue}), headers)
        if reply is not None and reply.status == 201:
            told = json.loads(reply.text)
            self._ledger.add(Numbered(key, told["number"], told["url"].rpartition("/")[2]))


class Console(Client):
    """A clerk with the window's page: calls, starts, finishes, now and then something else."""

    _cookie = _csrf = ""

    def sit_down(self, link: str) -> None:
        """Sign in by the one-time link and open the window."""
        asked = self._send("GET", urlsplit(link).path)
        self._csrf = self._token(asked)
        self._send("POST", urlsplit(link).path, csrf=self._csrf)
        self._csrf = self._token(self._send("GET", f"/w/{HALL}/?choose=1"))
        seated = self._send("POST", f"/w/{HALL}/{self._window}/login", csrf=self._csrf)
        assert seated.status == 303, f"{self.name} gets no seat: {seated}"

    def _send(self, method: str, path: str, **form: str) -> Reply:
        kind = "application/x-www-form-urlencoded"
        reply = self.machine.insist(
            method, path, urlencode(form), {"Cookie": self._cookie, "Content-Type": kind}
        )
        assert reply is not None, f"no answer to {path}"
        self._cookie = "; ".join(reply.cookies) or self._cookie
        return reply

    def _token(self, reply: Reply) -> str:
        found = CSRF.search(reply.text)
        assert found is not None, f"no form: {reply}"
        return found[1]

    def act(self, n: int) -> None:
        page = self._look()
        if page is None:
            return
        number, state = page
        if state == "called":
            self._do("start", number)
        elif state == "serving":
            self._do(self._ending(), number)
        elif not self._do("next", ""):
            self._stop.wait(AGAIN_S)  # nobody waits, or the window is paused

    def finish(self) -> None:
        """Nobody is left standing at the window."""
        for _ in range(3):
            page = self._look()
            if page is None or page[1] not in ("called", "serving"):
                return
            self._do("start" if page[1] == "called" else "finish", page[0])

    def _ending(self) -> str:
        return self._chance.choices(("finish", "next", "hold", "transfer"), (60, 32, 4, 4))[0]

    def _look(self) -> tuple[str, str] | None:
        """The number at the window and how it stands; ("", "") of an empty one."""
        reply = self.machine.insist("GET", f"/w/{HALL}/{self._window}", headers=self._headers())
        return None if reply is None or reply.status != 200 else self._read(reply.text)

    def _do(self, action: str, number: str) -> bool:
        """Press a key until it is answered; whether the hall carried it out."""
        form = {"csrf": self._csrf, "key": f"{self._chance.getrandbits(64):016x}", **self._details(action)}
        path, body = f"/w/{HALL}/{self._window}/do/{action}", urlencode(form)
        reply = self.machine.insist("POST", path, body, self._headers())
        if reply is None or reply.status != 200:
            return False
        shown, state = self._read(reply.text)
        if action == "finish":
            self._ledger.add(Finished(self.name, self._window, number))
        if shown and state in ("called", "serving"):
            self._ledger.add(Called(self.name, self._window, shown))
        return True

    def _details(self, action: str) -> dict[str, str]:
        if action == "transfer":
            return {"to": f"queue:{self._chance.choice(QUEUES).code}", "reason": "another matter"}
        return {"reason": "papers are missing"} if action == "hold" else {}

    def _headers(self) -> dict[str, str]:
        form = "application/x-www-form-urlencoded"
        return {"Cookie": self._cookie, "HX-Request": "true", "Content-Type": form}

    def _read(self, text: str) -> tuple[str, str]:
        number, state = NUMBER.search(text), STATE.search(text)
        return (number[1] if number else "", state[1] if state and number else "")


class Phone(Client):
    """Looks at the pages of its share of the tickets, rates finished visits, and reads a board now and then.

    A ticket is rated by one phone only: of two answers on the same page the hall takes the first.
    """

    def act(self, n: int) -> None:
        self._stop.wait(PHONE_READS_S)
        if n % 4 == 0:
            zone = self._chance.choice(("z-east", "z-west", "k-main", "k-tax"))
            self.machine.insist("GET", f"/h/{HALL}/api/board/{zone}")
            return
        held = [promise for promise in self._ledger.all() if isinstance(promise, Numbered)]
        held = [promise for promise in held if zlib.crc32(promise.token.encode()) % PHONES == self._share]
        if held:
            self._look(self._chance.choice(held).token)

    def _look(self, token: str) -> None:
        reply = self.machine.insist("GET", f"/t/{token}")
        if reply is None:
            return
        shown = ON_PHONE.search(reply.text)
        self._ledger.add(
            Numbered(f"phone {token}", shown[1].strip() if shown else f"HTTP {reply.status}", token)
        )
        key = FORM_KEY.search(reply.text)
        if shown and key and f"/t/{token}/rate" in reply.text:
            self._rate(token, shown[1].strip(), key[1])

    def _rate(self, token: str, number: str, key: str) -> None:
        level = self._chance.randint(1, 5)
        body = urlencode({"key": key, "level": level})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = self.machine.insist("POST", f"/t/{token}/rate", body, headers)
        if reply is not None and reply.status == 303:
            self._ledger.add(Voted(self.name, number, level))
