"""Tells waiting browsers that what they show has changed, over server-sent events.

A message says only "changed, version 412"; the browser then asks for the part of the page anew, so
that nothing here knows what a page looks like. Hides coalescing: a browser is told at most twice a
second, however busy the hall is. Each stream holds a thread of the server, so their number is limited.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import cast

from flask import Blueprint, Response, abort, current_app, g, request

from controller.clock import real_now
from controller.hall.events import Event
from controller.hall.model import Hall
from controller.live import Committed, Live
from web.visit import signed_in_required, the_hall, the_site

COALESCE_S = 0.5  # design: staff screens get at most two updates a second
BEAT_S = 10.0  # a comment so often, so that a proxy keeps the stream and a closed browser is noticed
RETRY_MS = 2000
SHARE = 0.75  # of the server's threads may be held by streams; the rest answers requests
ANY = "*"

blueprint = Blueprint("feed", __name__)


class Topics:
    """What has changed in one hall, as a version per topic: "w3" a window, "qA" a queue, "*" anything."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._versions: dict[str, int] = {}
        self._version = 0
        self.is_closed = False

    def committed(self, done: Committed) -> None:
        with self._changed:
            self._version += 1
            self._versions[ANY] = self._version
            for event in done.events:
                for topic in topics_of(event, done.hall):
                    self._versions[topic] = self._version
            self._changed.notify_all()

    def version(self, topics: frozenset[str]) -> int:
        return max((self._versions.get(topic, 0) for topic in topics), default=0)

    def wait(self, topics: frozenset[str], seen: int, timeout_s: float) -> int:
        """The version of these topics, as soon as it is more than `seen` or after timeout_s."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_closed or self.version(topics) > seen, timeout_s)
            return self.version(topics)

    def close(self) -> None:
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()


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

    def __init__(self, halls: Mapping[str, Live], threads: int) -> None:
        self._lives = halls
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
                self._halls[hall] = Topics()
                self._ends.append(self._lives[hall].subscribe(self._halls[hall].committed))
            return self._halls[hall]

    def take(self) -> bool:
        """Reserve one stream; False when all are taken. Give it back with `free`."""
        return self._free.acquire(blocking=False)

    def free(self) -> None:
        self._free.release()

    def stream(self, hall: str, topics: frozenset[str], is_welcome: Callable[[], bool]) -> Iterator[str]:
        """Messages for one browser until it goes, is no longer welcome or the server stops."""
        source = self._topics(hall)
        seen = source.version(topics)
        yield f"retry: {RETRY_MS}\n\n{_changed(seen)}"
        while not source.is_closed and is_welcome():
            version = source.wait(topics, seen, BEAT_S)
            if version == seen:
                yield ": beat\n\n"
                continue
            seen = version
            yield _changed(seen)
            _rest(source)


def _rest(source: Topics) -> None:
    """Let further changes of the next half second join into one message."""
    source.wait(frozenset(), 0, COALESCE_S)


def _changed(version: int) -> str:
    return f"event: changed\nid: {version}\ndata: {version}\n\n"


@blueprint.get("/feed/<hall>")
@signed_in_required
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
    messages = source.stream(hall, topics, lambda: site.people.signed_in(token, real_now()) is not None)
    response = Response(messages, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    response.call_on_close(source.free)
    return response
