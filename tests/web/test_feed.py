"""Live updates: who is told of a change, how often, and how a stream ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from controller.clock import real_now
from controller.hall.commands import CallNext, Login
from tests.waiting import until
from tests.web.desk import Desk
from web.feed import ANY, COALESCE_S, Feed, Topics, topics_of_view


class Listener:
    """A browser's end of a stream, read on a thread of its own."""

    def __init__(self, feed: Feed, topics: frozenset[str]) -> None:
        self.messages: list[tuple[float, str]] = []
        self.is_welcome = True
        self.has_ended = False
        self._stream = feed.stream("hall", topics, lambda: self.is_welcome)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for message in self._stream:
            self.messages.append((time.monotonic(), message))
        self.has_ended = True

    def join(self) -> None:
        self._thread.join(5)

    @property
    def changes(self) -> list[tuple[float, str]]:
        return [(at, message) for at, message in self.messages if "event: changed" in message]


@pytest.fixture
def feed(desk: Desk) -> Iterator[Feed]:
    feed = Feed(desk.site.halls, threads=4)
    yield feed
    feed.close()


def everything() -> frozenset[str]:
    return frozenset({ANY})


def test_a_stream_first_says_where_the_hall_is(feed: Feed) -> None:
    listener = Listener(feed, everything())
    until(lambda: listener.changes)
    assert listener.messages[0][1].startswith("retry: ")
    feed.close()
    listener.join()
    assert listener.has_ended


def test_a_change_is_told(desk: Desk, feed: Feed) -> None:
    listener = Listener(feed, everything())
    until(lambda: listener.changes)
    desk.take("A")
    until(lambda: len(listener.changes) == 2)
    assert "data: 1" in listener.changes[1][1]


def test_a_busy_hall_tells_a_browser_at_most_twice_a_second(desk: Desk, feed: Feed) -> None:
    listener = Listener(feed, everything())
    until(lambda: listener.changes)
    for _ in range(60):
        desk.take("A")
    until(lambda: "data: 60" in listener.changes[-1][1])
    times = [at for at, _ in listener.changes[1:]]
    assert all(later - earlier >= COALESCE_S * 0.9 for earlier, later in pairwise(times))


def test_a_console_hears_of_its_window_and_queues_only(desk: Desk) -> None:
    topics = topics_of_view("w1", desk.live.hall)
    heard = Topics()
    end = desk.live.subscribe(heard.committed)
    desk.give(Login(2, "wang"))
    assert heard.version(topics) == 0
    desk.take("A")
    desk.give(CallNext(2))
    assert heard.version(topics) > 0
    end()


def test_of_many_screens_the_window_that_changed_is_told_first(desk: Desk) -> None:
    heard = Topics()
    for _ in range(3):
        heard.join(everything())
    own = heard.join(topics_of_view("w1", desk.live.hall))
    end = desk.live.subscribe(heard.committed)
    desk.give(Login(1, "li"))
    behind = heard._behind()
    assert (len(behind), behind[0]) == (4, own)
    end()


def test_a_view_of_no_window_does_not_exist(desk: Desk) -> None:
    with pytest.raises(KeyError):
        topics_of_view("w99", desk.live.hall)
    with pytest.raises(KeyError):
        topics_of_view("wx", desk.live.hall)
    assert desk.browser("li").get("/feed/hall?view=w99").status_code == 404


def test_a_stream_is_for_people_who_are_signed_in(desk: Desk) -> None:
    assert desk.browser().get("/feed/hall").status_code == 302


def test_streams_leave_threads_for_other_requests(feed: Feed) -> None:
    taken = [feed.take() for _ in range(5)]
    assert taken == [True, True, True, False, False]
    feed.free()
    assert feed.take()


def test_a_stream_over_http_ends_when_its_person_is_shut_out(desk: Desk) -> None:
    desk.app.extensions["feed"] = Feed(desk.site.halls, threads=4, check_s=0.0)
    browser = desk.browser("li")
    answer = browser.get("/feed/hall?view=w1", buffered=False)
    assert answer.mimetype == "text/event-stream"
    messages = answer.iter_encoded()
    assert b"event: changed" in next(messages)
    desk.site.people.set_active("li", False, real_now())
    desk.take("A")
    assert list(messages) == []
    answer.close()
