"""One unit's messages in order, whatever order they come in (R5)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.inbox import ASKS_MOST, WAITING_MOST, Lane


def drained(lane: Lane[str]) -> list[str]:
    """Everything that can be taken now, committed one by one."""
    done = []
    while (taken := lane.take()) is not None:
        done.append(taken[1])
        lane.committed(taken[0])
    return done


@given(st.lists(st.integers(1, 12), max_size=60), st.integers(0, 3))
def test_messages_come_out_once_and_in_order(arrivals: list[int], hi: int) -> None:
    lane: Lane[str] = Lane("node-1", "e", hi)
    out: list[int] = []
    for seq in arrivals:
        lane.offer(seq, str(seq))
        out += [int(item) for item in drained(lane)]
    assert out == list(range(hi + 1, hi + 1 + len(out)))
    assert set(range(hi + 1, lane.hi + 1)) <= set(arrivals)


def test_what_was_committed_before_is_only_acked_again() -> None:
    lane: Lane[str] = Lane("node-1", "e", 5)
    assert not lane.offer(5, "five")
    assert lane.offer(6, "six")
    assert drained(lane) == ["six"]


def test_one_message_at_a_time_is_with_the_writer_and_a_failed_one_is_next_again() -> None:
    lane: Lane[str] = Lane("node-1", "e", 0)
    lane.offer(1, "one")
    lane.offer(2, "two")
    assert lane.take() == (1, "one")
    assert lane.take() is None
    lane.failed()
    assert drained(lane) == ["one", "two"]


def test_a_gap_is_asked_for_after_a_while_and_again_after_another() -> None:
    lane: Lane[str] = Lane("node-1", "e", 1)
    lane.offer(4, "four")
    assert lane.missing(10.0, 2.0) == []
    assert lane.missing(11.9, 2.0) == []
    assert lane.missing(12.0, 2.0) == [(2, 3)]
    assert lane.missing(13.0, 2.0) == []
    assert lane.missing(14.0, 2.0) == [(2, 3)]
    lane.offer(2, "two")
    assert drained(lane) == ["two"]
    assert lane.missing(20.0, 2.0) == []


def test_a_gap_nobody_can_fill_is_passed_over_and_counted() -> None:
    lane: Lane[str] = Lane("node-1", "e", 0)
    asked = []
    for n in range(ASKS_MOST + 3):
        lane.offer(9, "nine")  # its answer to being asked
        asked.append(lane.missing(2.0 * n, 2.0))
    assert asked.count([(1, 8)]) == ASKS_MOST
    assert drained(lane) == ["nine"]
    assert lane.skipped == 8


def test_a_gap_is_not_passed_over_while_the_unit_says_nothing() -> None:
    """F28: without power for minutes it still has the message."""
    lane: Lane[str] = Lane("node-1", "e", 0)
    lane.offer(2, "two")
    asked = [lane.missing(2.0 * n, 2.0) for n in range(10 * ASKS_MOST)]
    assert asked[1:] == [[(1, 1)]] * (10 * ASKS_MOST - 1)
    assert lane.offer(1, "one")
    assert drained(lane) == ["one", "two"]


def test_f73_a_flood_of_early_messages_fills_no_memory_and_blocks_nobody() -> None:
    lane: Lane[str] = Lane("node-1", "e", 0)
    for seq in range(2, WAITING_MOST + 100):
        lane.offer(seq, str(seq))
    lane.offer(1, "1")
    assert len(drained(lane)) == WAITING_MOST + 1


def test_another_item_may_stand_for_one_that_could_not_be_used() -> None:
    lane: Lane[str] = Lane("node-1", "e", 0)
    lane.offer(1, "bad")
    lane.take()
    lane.replace(1, "set aside")
    assert drained(lane) == ["set aside"]
