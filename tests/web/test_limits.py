"""How often one address may ask."""

from __future__ import annotations

from web.limits import MOST_ADDRESSES, Limit


def test_a_burst_is_allowed_then_one_waits() -> None:
    limit = Limit(burst=3, per_second=0.5)
    assert [limit.wait_s("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]


def test_tries_come_back_with_time_up_to_the_burst() -> None:
    limit = Limit(burst=2, per_second=0.5)
    for _ in range(2):
        limit.wait_s("a", 0.0)
    assert limit.wait_s("a", 2.0) == 0.0
    assert limit.wait_s("a", 2.0) > 0.0
    assert [limit.wait_s("a", 1000.0) for _ in range(3)][:2] == [0.0, 0.0]
    assert limit.wait_s("a", 1000.0) > 0.0


def test_one_address_does_not_use_up_anothers_tries() -> None:
    limit = Limit(burst=1, per_second=0.1)
    assert limit.wait_s("a", 0.0) == 0.0
    assert limit.wait_s("b", 0.0) == 0.0


def test_no_crowd_of_addresses_fills_the_memory() -> None:
    limit = Limit(burst=1, per_second=0.1)
    for n in range(MOST_ADDRESSES + 5):
        limit.wait_s(str(n), 0.0)
    assert limit.wait_s(str(MOST_ADDRESSES + 4), 0.0) > 0.0
    assert limit.wait_s("0", 0.0) == 0.0
