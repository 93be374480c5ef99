"""Which events leave, and when again: a full window waits, an unanswered one leaves again later and later."""

from __future__ import annotations

import math
import random

import pytest

from firmware.protocol.window import BLOCKED_S, Pace, Window

PACE = Pace(size=4, resend_s=1.0, resend_max_s=3.0)


@pytest.fixture
def window() -> Window:
    return Window(10, PACE, random.Random(1))


def send(window: Window, acked: int, seq: int, now_s: float) -> None:
    window.handed_over(window.room(acked), seq, now_s)


def test_a_full_window_has_no_room_until_something_is_acked(window: Window) -> None:
    send(window, 10, 14, 0.0)
    assert (window.room(10).size, window.room(12).size) == (0, 2)


def test_what_is_not_acked_leaves_again_from_the_first_of_it(window: Window) -> None:
    send(window, 10, 13, 0.0)
    assert window.expire(11, 0.5) == 0
    assert window.expire(11, 1.5) == 2
    assert window.room(11).start == 11


def test_resends_come_later_and_later_but_not_later_than_the_most(window: Window) -> None:
    send(window, 10, 11, 0.0)
    waits, now_s = [], 0.0
    for _ in range(5):
        due_s = window.due(10, 11)
        waits.append(due_s - now_s)
        window.expire(10, now_s := due_s)
        send(window, 11, 11, now_s)
    assert waits[0] < waits[1] < waits[-1] <= PACE.resend_max_s


def test_a_send_under_way_does_not_count_on_the_connection_after_it(window: Window) -> None:
    room = window.room(10)
    window.reset(10)
    window.handed_over(room, 14, 0.0)
    assert window.room(10).start == 10


def test_a_connection_that_takes_no_more_is_left_alone_for_a_moment(window: Window) -> None:
    window.blocked(5.0)
    assert window.due(10, 11) == 5.0 + BLOCKED_S


def test_nothing_is_due_when_all_is_sent_and_acked(window: Window) -> None:
    send(window, 10, 12, 0.0)
    window.heard(12, 0.5)
    assert window.due(12, 12) == math.inf
