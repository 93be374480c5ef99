"""Orders are sent until answered, and never after their time (R8, R9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from controller.clock import ClockSetting, HallClock
from controller.courier import RESULTS_EVERY_S, Courier, Results
from controller.store.orders import PendingOrder
from firmware.protocol.messages import ResultState

NOON = datetime(2025, 3, 3, 4, 0, tzinfo=UTC)


def order(cid: str, unit: str = "node-1", ago_s: float = 0.0, ttl_s: float = 10.0) -> PendingOrder:
    issued_at = NOON - timedelta(seconds=ago_s)
    return PendingOrder(cid, "hall", unit, "Beep", b'{"device":"keypad-1"}', round(ttl_s * 1000), issued_at)


def courier(speed: float = 1.0) -> Courier:
    clock = HallClock(ClockSetting(NOON, speed=speed), real=lambda: NOON)
    return Courier(clock, gen=4, resend_s=3.0)


def sent(found: Courier, now_s: float) -> list[str]:
    return [command.cid for _, command in found.due(now_s)]


def test_an_order_is_sent_at_once_and_again_until_it_is_settled() -> None:
    found = courier()
    found.add([order("a")], 100.0)
    assert [sent(found, at) for at in (100.0, 101.0, 103.0)] == [["a"], [], ["a"]]
    assert found.settle([("a", ResultState.DONE, ""), ("b", ResultState.DONE, "")], "node-1") == [
        ("a", ResultState.DONE, "")
    ]
    assert (sent(found, 106.0), len(found)) == ([], 0)


def test_an_order_nobody_answers_expires_once() -> None:
    found = courier()
    found.add([order("a", ttl_s=5.0)], 100.0)
    assert found.expired(104.9) == []
    assert [late.cid for late in found.expired(105.0)] == ["a"]
    assert found.expired(106.0) == []
    assert sent(found, 106.0) == []


def test_a_returning_unit_gets_its_orders_at_once_and_others_do_not() -> None:
    found = courier()
    found.add([order("a", "node-1"), order("b", "node-2")], 100.0)
    assert sent(found, 100.0) == ["a", "b"]
    found.again(101.0, "node-2")
    assert sent(found, 101.0) == ["b"]
    found.again(102.0)
    assert sent(found, 102.0) == ["a", "b"]


def test_the_time_since_it_was_issued_counts_in_real_seconds() -> None:
    found = courier(speed=10.0)
    found.add([order("a", ago_s=40.0)], 100.0)  # 40 s of a hall ten times as fast
    (_, command), *_ = found.due(100.0)
    assert (NOON - command.iss).total_seconds() == 4.0
    assert (command.ttl_ms, command.gen) == (10_000, 4)
    assert [late.cid for late in found.expired(106.0)] == ["a"]


def test_an_order_committed_twice_is_one() -> None:
    found = courier()
    found.add([order("a")], 100.0)
    sent(found, 100.0)
    found.add([order("a")], 101.0)
    assert sent(found, 101.0) == []


def test_a_unit_at_work_is_asked_again_only_when_it_takes_long() -> None:
    found = courier()
    found.add([order("a", ttl_s=100.0)], 100.0)
    sent(found, 100.0)
    found.received("a", 100.5)
    assert (sent(found, 103.0), sent(found, 115.5)) == ([], ["a"])


def test_a_unit_that_is_gone_gets_its_orders_when_it_is_back() -> None:
    found = courier()
    found.add([order("a")], 100.0)
    assert found.due(100.0, lambda unit: False) == []
    assert sent(found, 101.0) == ["a"]


def test_results_wait_a_moment_so_that_they_share_a_commit() -> None:
    found, done = Results(), ("a", ResultState.DONE, "")
    found.add("node-1", done)
    assert found.due(100.0) == [("node-1", done)]
    found.add("node-2", done)
    assert found.due(100.0) == []
    assert found.due(100.0 + RESULTS_EVERY_S) == [("node-2", done)]


def test_what_was_just_stored_is_sent_without_looking_at_the_rest() -> None:
    found, old, new = courier(), order("old"), order("new")
    found.add([old, new], 100.0)
    assert [command.cid for _, command in found.due(100.0, among=[new])] == ["new"]
    assert sent(found, 100.0) == ["old"]
