"""What a unit asks the controller (topic up/req, answered on down/rep): the time, the news, and where a
ticket stands when somebody at its kiosk wants to know.

Hides when it is time to ask, which answer belongs to which question, and what silence means. The time
is asked four times in a row and the answer with the smallest round trip believed (R16). The news is
asked at every heartbeat: the unit says which snapshots and which configuration it holds; the controller
sends again what is newer, and says which birth it heard last, so that a unit whose own was lost tells it
again. That a broker lets a client publish and delivers nothing to it shows in no other way, so a unit
that gets no answers, or no boards though it was told of them, makes its connection anew.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import to_builtins

from firmware.protocol.clock import UnitClock
from firmware.protocol.logs import Outages
from firmware.protocol.messages import Reply, Request, TimeQuality
from firmware.protocol.news import News, Versions, forgotten_in, versions_in
from firmware.protocol.progress import Asked, Progress, progress_in

TIME_QUESTIONS = 4  # edge-peers 4.4: keep the answer with the smallest round trip
CONTROLLER = "controller"  # which part is out
UNANSWERED = "connected, but the controller does not answer"
PATIENCE = (2, 32)  # questions without an answer before the connection is made anew: at first, at most


class Questions:
    """Of one unit. Safe from any thread; `ask` is called when `due` says so."""

    def __init__(
        self,
        send: Callable[[Request], object],
        clock: UnitClock,
        news: Callable[[], News],
        renew: Callable[[str], None],
        announce: Callable[[], None],
        forget: Callable[[Sequence[int]], None],
        outages: Outages,
    ) -> None:
        """news: what the unit holds; announce: tell the controller again who is here; forget: give
        leases up."""
        self._send, self._clock, self._held = send, clock, news
        self._renew, self._announce, self._forget_leases = renew, announce, forget
        self._outages = outages
        self._answered_at = time.monotonic()
        self._lock = threading.Lock()
        self._number = 0  # of the last question, so that every rid is new
        self._time_at = self._news_at = math.inf
        self._time_asked: dict[str, float] = {}  # rid -> when
        self._time_questions = 0
        self._news_rid = ""
        self._is_excused = False  # the controller said goodbye: it owes no answers
        self._unanswered = 0
        self._lacked: Versions = {}
        self._patience = PATIENCE[0]
        self._awaited: dict[str, queue.SimpleQueue[Reply]] = {}  # rid -> where somebody waits for its answer

    def begin(self, now: float, first_news_s: float) -> None:
        """A new connection: the time at once, the news soon."""
        with self._lock:
            self._time_at, self._news_at = now, now + first_news_s
            self._is_excused = False
            self._forget()

    def end(self) -> None:
        """The connection is lost: no answer to what was asked will come."""
        with self._lock:
            self._time_at = self._news_at = math.inf
            self._forget()

    def excuse(self, is_gone: bool) -> None:
        """The controller said goodbye, or that it is there."""
        with self._lock:
            self._is_excused = is_gone

    def ask_time_again(self) -> None:
        """What came does not fit the time that is known: the controller's clock was set. Ask at once, unless
        an answer is under way."""
        with self._lock:
            if not self._time_asked:
                self._time_at = 0.0

    @property
    def silent_since(self) -> float | None:
        """time.monotonic() of the last answer, when those after it did not come; None: all is well."""
        return self._answered_at if self._outages.is_out(CONTROLLER) else None

    def due(self) -> float:
        """time.monotonic() at which `ask` has something to do."""
        return min(self._time_at, self._news_at)

    def ask(self, now: float, heartbeat_s: float, time_every_s: float) -> None:
        """Send the questions that are due."""
        if now >= self._time_at:
            is_synced = self._clock.quality() is TimeQuality.SYNCED
            with self._lock:
                self._time_at = now + (time_every_s if is_synced else heartbeat_s)
                self._time_asked.clear()
                self._time_questions = 0
            self._ask_time()
        if now >= self._news_at:
            with self._lock:
                self._news_at = now + heartbeat_s
            self._ask_news()

    def answered(self, reply: Reply, time_every_s: float) -> None:
        """Take the controller's answer; one to a question of an earlier connection is nothing."""
        if reply.t == "time":
            self._learn_time(reply, time_every_s)
        elif reply.t == "news":
            self._learn_news(reply)
        elif (awaited := self._awaited.get(reply.rid)) is not None:
            awaited.put(reply)

    def where(self, asked: Asked, wait_s: float) -> Progress | None:
        """Where a ticket stands; None when no answer comes in time. Waits, so never on the connection's own
        thread."""
        answers: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        with self._lock:
            rid = self._next("ticket")
            self._awaited[rid] = answers
        try:
            self._send(Request(rid=rid, t="ticket", d=to_builtins(asked)))
            return progress_in(answers.get(timeout=wait_s).d)
        except queue.Empty:
            return None
        finally:
            with self._lock:
                del self._awaited[rid]

    # --- the time

    def _ask_time(self) -> None:
        with self._lock:
            self._time_questions += 1
            rid = self._next("time")
            self._time_asked[rid] = time.monotonic()
        self._send(Request(rid=rid, t="time"))

    def _learn_time(self, reply: Reply, every_s: float) -> None:
        with self._lock:
            asked_at = self._time_asked.pop(reply.rid, None)
            is_first, is_last = self._time_questions == 1, self._time_questions >= TIME_QUESTIONS
        if asked_at is None or reply.ts is None:
            return
        now = time.monotonic()
        self._clock.learn(reply.ts, now - asked_at, is_first=is_first, hall=_hall_clock(reply))
        if not is_last:
            self._ask_time()
        else:
            with self._lock:
                self._time_at = now + every_s

    # --- the news

    def _ask_news(self) -> None:
        with self._lock:
            self._unanswered += 1 if self._news_rid and not self._is_excused else 0
            is_deaf = self._unanswered >= self._patience
            self._news_rid = rid = self._next("news")
        if is_deaf:
            self._outages.begin(CONTROLLER, UNANSWERED)
            self._doubt(UNANSWERED)
        else:
            self._send(self._held().question(rid))

    def _learn_news(self, reply: Reply) -> None:
        lacking, held = versions_in(reply), self._held().boards
        with self._lock:
            if reply.rid != self._news_rid:
                return
            self._news_rid, self._unanswered = "", 0
            self._answered_at = time.monotonic()
            never_came = [name for name, ver in self._lacked.items() if held.get(name, ver) < ver]
            self._lacked = lacking
            self._patience = self._patience if never_came else PATIENCE[0]
        self._outages.end(CONTROLLER)
        if forgotten := forgotten_in(reply):
            self._forget_leases(forgotten)
        if reply.d.get("birth", session := self._held().session) != session:
            self._announce()
        if never_came:
            self._doubt(f"boards that were sent did not come: {', '.join(sorted(never_came))}")

    def _doubt(self, why: str) -> None:
        with self._lock:
            self._patience = min(self._patience * 2, PATIENCE[1])
            self._forget()
        self._renew(why)

    def _forget(self) -> None:
        self._time_asked.clear()
        self._news_rid, self._unanswered, self._lacked = "", 0, {}

    def _next(self, what: str) -> str:
        self._number += 1
        return f"{what}-{self._number}-{time.monotonic_ns()}"


def _hall_clock(reply: Reply) -> tuple[datetime, float] | None:
    """What the hall's clock shows and how fast it runs, when the controller says so."""
    shown, speed = reply.d.get("hall"), reply.d.get("speed", 1.0)
    try:
        moment = datetime.fromisoformat(shown) if isinstance(shown, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None or not isinstance(speed, int | float):
        return None
    return (moment, float(speed)) if 0 < speed < math.inf else None
