"""Tells waiting browsers that what they show has changed, over server-sent events.

A message says only "changed, version 412"; the browser then asks for the part of the page anew, so
that nothing here knows what a page looks like. Hides the pace: a browser is told at most twice a second,
and all together so often that what they ask for anew leaves the server time for other requests; screens
whose own window changed come first. Each stream holds a thread of the server, so their number is limited.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import cast

from flask import Blueprint, Response, abort, current_app, g, request

from controller.clock import real_now
from controller.hall.events import Event
from controller.hall.model import Hall
from controller.live import Committed, Live
from controller.people import Role
from web.visit import role_required, the_hall, the_site

COALESCE_S = 0.5  # design: staff screens get at most two updates a second
PACE_S = 0.1
AT_ONCE = 10  # browsers told in each PACE_S: what a hundred pages a second cost is a fifth of a processor
BEAT_S = 10.0  # a comment so often, so that a proxy keeps the stream and a closed browser is noticed
RETRY_MS = 2000
CHECK_S = 30.0  # a stream, which only tells that something changed, may outlive its session so long
SHARE = 0.75  # of the server's threads may be held by streams; the rest answers requests
ANY = "*"

_chance = random.SystemRandom()

blueprint = Blueprint("feed", __name__)


class Stream:
    """One browser that waits. seen: the version it was told last."""

    def __init__(self, topics: frozenset[str], seen: int) -> None:
        self.topics = topics
        self.own = frozenset(topic for topic in topics if topic.startswith("w"))
        self.seen = seen
        self.told_at = 0.0
        self.turn = threading.Event()


class Topics:
    """What has changed in one hall, as a version per topic: "w3" a window, "qA" a queue, "*" anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: dict[str, int] = {}
        self._version = 0
        self._streams: set[Stream] = set()
        self._news = threading.Event()
        self._closing = threading.Event()

    @property
    def is_closed(self) -> bool:
        return self._closing.is_set()

    def committed(self, done: Committed) -> None:
        with self._lock:
            self._version += 1
            self._versions[ANY] = self._version
            for event in done.events:
                for topic in topics_of(event, done.hall):
                    self._versions[topic] = self._version
        self._news.set()

    def version(self, topics: frozenset[str]) -> int:
        return max((self._versions.get(topic, 0) for topic in topics), default=0)

    def join(self, topics: frozenset[str]) -> Stream:
        stream = Stream(topics, self.version(topics))
        with self._lock:
            self._streams.add(stream)
        return stream

    def leave(self, stream: Stream) -> None:
        with self._lock:
            self._streams.discard(stream)

    def pace(self) -> None:
        """Give the streams that are behind their turns, until closed; to be run by a thread of its own."""
        while not self.is_closed:
            self._news.wait()
            self._news.clear()
            while not self.is_closed and (behind := self._behind()):
                now = time.monotonic()
                for stream in [one for one in behind if now - one.told_at >= COALESCE_S][:AT_ONCE]:
                    stream.told_at = now
                    stream.turn.set()
                self._closing.wait(PACE_S)

    def _behind(self) -> list[Stream]:
        """Who does not know the newest: first those whose own window changed, then who waits longest."""
        with self._lock:
            streams = list(self._streams)
        newest = {topics: self.version(topics) for topics in {one.topics for one in streams}}
        behind = [one for one in streams if newest[one.topics] > one.seen]
        return sorted(behind, key=lambda one: (self.version(one.own) <= one.seen, one.told_at))

    def close(self) -> None:
        self._closing.set()
        self._news.set()
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.turn.set()


def topics_of(event: Event, hall: Hall) -> set[str]:
    """The window and the queues an event is about; what concerns the whole hall concerns every view."""
    topics = set()
    if (window := getattr(event, "window", None)) is not None:
        topics.add(f"w{window}")
    ticket = hall.tickets.get(getattr(event, "ticket", 0))
    if ticket is not None:
        topics.update(f"q{leg.queue}" for leg in ticket.legs[-2:])
    return topics or {"hall"}


def topics_of_view(view: str, hall: Hall) -> frozenset[str]:
    """What a view shows: "w3" a window console, anything else the whole hall. Raises KeyError."""
    if not view.startswith("w"):
        return frozenset({ANY})
    number = int(view[1:]) if view[1:].isdigit() else 0
    return frozenset({view, "hall", *(f"q{serves.queue}" for serves in hall.windows[number].serves)})


class Feed:
    """The streams of all halls. A hall is listened to from its first stream on."""

    def __init__(self, halls: Mapping[str, Live], threads: int, check_s: float = CHECK_S) -> None:
        self._lives, self._check_s = halls, check_s
        self._halls: dict[str, Topics] = {}
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(max(1, int(threads * SHARE)))
        self._ends: list[Callable[[], None]] = []

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        with self._lock:
            for end in self._ends:
                end()
            for topics in self._halls.values():
                topics.close()

    def _topics(self, hall: str) -> Topics:
        with self._lock:
            if hall not in self._halls:
                self._halls[hall] = topics = Topics()
                threading.Thread(target=topics.pace, name=f"feed-{hall}", daemon=True).start()
                self._ends.append(self._lives[hall].subscribe(topics.committed))
            return self._halls[hall]

    def take(self) -> bool:
        """Reserve one stream; False when all are taken. Give it back with `free`."""
        return self._free.acquire(blocking=False)

    def free(self) -> None:
        self._free.release()

    def stream(self, hall: str, topics: frozenset[str], is_welcome: Callable[[], bool]) -> Iterator[str]:
        """Messages for one browser until it goes, is found to be no longer welcome or the server stops."""
        source = self._topics(hall)
        stream, check = source.join(topics), Rarely(is_welcome, self._check_s)
        try:
            yield f"retry: {RETRY_MS}\n\n{_changed(stream.seen)}"
            while not source.is_closed and check.holds():
                if not stream.turn.wait(BEAT_S):
                    yield ": beat\n\n"
                elif not source.is_closed:
                    stream.turn.clear()
                    stream.seen = source.version(topics)
                    yield _changed(stream.seen)
        finally:
            source.leave(stream)


class Rarely:
    """A question to the store, asked seldom: a thousand streams that always ask leave no turn for calls."""

    def __init__(self, question: Callable[[], bool], every_s: float) -> None:
        self._question, self._every_s = question, every_s
        self._due = self._next()

    def holds(self) -> bool:
        """The answer, which was yes when it was asked last."""
        if time.monotonic() < self._due:
            return True
        self._due = self._next()
        return self._question()

    def _next(self) -> float:
        """Not all at once, though all streams began together when the server did."""
        return time.monotonic() + _chance.uniform(self._every_s / 2, self._every_s)


def _changed(version: int) -> str:
    return f"event: changed\nid: {version}\ndata: {version}\n\n"


@blueprint.get("/feed/<hall>")
@role_required(*Role, is_board=True)
def feed(hall: str) -> Response:
    """The stream of one view: /feed/hall?view=w3."""
    live, site, token = the_hall(hall), the_site(), g.token
    try:
        topics = topics_of_view(request.args.get("view", ANY), live.hall)
    except KeyError:
        abort(HTTPStatus.NOT_FOUND)
    source = cast(Feed, current_app.extensions["feed"])
    if not source.take():
        abort(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_screens")
    messages = source.stream(
        hall, topics, lambda: site.people.signed_in(token, real_now(), is_looking=True) is not None
    )
    response = Response(messages, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    response.call_on_close(source.free)
    return response
