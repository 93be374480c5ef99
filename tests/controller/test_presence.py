"""Who is there: wills with session numbers, heartbeats, and retained words that prove nothing (R12, R13)."""

from __future__ import annotations

from controller.presence import Presence, Status, Takeovers
from firmware.protocol.messages import Birth, Health, OutboxState, UnitState

OUTBOX = OutboxState(ep="e", hi=0, acked=0)


def online(sess: int) -> UnitState:
    return UnitState(online=True, sess=sess, boot=1)


def offline(sess: int) -> UnitState:
    return UnitState(online=False, sess=sess, boot=1)


def health(uptime_s: float, sess: int = 1, *, full: bool = True) -> Health:
    return Health(sess=sess, uptime_s=uptime_s, outbox=OUTBOX, full=full)


def test_r17_two_boards_that_alternate_are_found() -> None:
    takeovers = Takeovers()
    found = [takeovers.born("node-1", board, at + 1, 10.0 * at) for at, board in enumerate("abab")]
    assert found == [False, False, False, True]


def test_r17_a_birth_that_a_killed_broker_brings_again_is_no_second_board() -> None:
    takeovers = Takeovers()
    births = [("boot 1", 4), ("boot 2", 5), ("boot 1", 4), ("boot 2", 6), ("boot 1", 4), ("boot 2", 7)]
    assert not any(takeovers.born("node-1", life, sess, float(at)) for at, (life, sess) in enumerate(births))


def test_r17_a_board_that_keeps_restarting_is_one_board() -> None:
    takeovers = Takeovers()
    assert not any(takeovers.born("node-1", ("serial", boot), boot + 1, float(boot)) for boot in range(50))


def test_r17_a_board_that_was_swapped_and_swapped_back_slowly_is_no_clone() -> None:
    takeovers = Takeovers()
    assert not any(takeovers.born("node-1", board, at + 1, 40.0 * at) for at, board in enumerate("ababab"))


def test_nothing_is_known_of_a_unit_that_never_spoke() -> None:
    assert Presence().status("node-1", 0.0) is Status.UNKNOWN


def test_f68_a_retained_online_alone_turns_suspect_and_then_offline() -> None:
    presence = Presence()
    presence.state("node-1", online(7), 0.0)
    presence.health("node-1", health(500.0), 0.0)  # retained, of long ago
    assert [presence.status("node-1", at) for at in (0.0, 89.0, 90.0, 179.0, 180.0)] == [
        Status.ONLINE,
        Status.ONLINE,
        Status.SUSPECT,
        Status.SUSPECT,
        Status.OFFLINE,
    ]


def test_a_unit_that_beats_is_online_until_it_falls_silent() -> None:
    presence = Presence()
    presence.state("node-1", online(1), 0.0)
    presence.health("node-1", health(10.0, full=False), 50.0)
    assert presence.status("node-1", 79.0) is Status.ONLINE
    assert presence.status("node-1", 80.0) is Status.OFFLINE
    presence.health("node-1", health(60.0, full=False), 100.0)
    assert presence.status("node-1", 100.0) is Status.ONLINE


def test_a_newer_health_document_is_a_live_word_and_a_repeated_one_is_not() -> None:
    presence = Presence()
    presence.health("node-1", health(10.0), 0.0)
    presence.health("node-1", health(10.0), 5.0)
    assert presence.of("node-1").alive_s is None
    presence.health("node-1", health(40.0), 30.0)
    assert presence.of("node-1").alive_s == 30.0


def test_how_old_a_message_is_goes_by_no_clock() -> None:
    presence = Presence()
    assert presence.age_s("node-1", 1, 0, 0.0) == 0.0
    presence.state("node-1", online(1), 1000.0)
    presence.health("node-1", health(600.5, full=False), 1000.5)
    presence.health("node-1", health(601.0, full=False), 1003.0)  # delayed: it is no younger for that
    assert presence.age_s("node-1", 1, 595_000, 1010.0) == 15.0
    assert presence.age_s("node-1", 0, 595_000, 1010.0) == 610.0  # of a former boot: at least this one's time
    presence.state("node-1", UnitState(online=True, sess=2, boot=2), 1020.0)
    assert presence.age_s("node-1", 2, 0, 1030.0) == 0.0


def test_f67_an_old_will_after_a_new_birth_is_ignored() -> None:
    presence = Presence()
    presence.state("node-1", online(8), 0.0)
    presence.state("node-1", offline(7), 1.0)
    assert presence.status("node-1", 1.0) is Status.ONLINE
    presence.state("node-1", offline(8), 2.0)
    assert presence.status("node-1", 2.0) is Status.OFFLINE


def test_a_will_found_at_the_start_counts() -> None:
    presence = Presence()
    presence.state("node-1", offline(3), 0.0)
    assert presence.status("node-1", 0.0) is Status.OFFLINE


def test_a_heartbeat_keeps_what_the_last_full_document_said() -> None:
    presence = Presence()
    presence.health("node-1", Health(sess=1, uptime_s=1, outbox=OUTBOX, devices={"printer-1": "ok"}), 0.0)
    presence.health("node-1", health(11.0, full=False), 10.0)
    kept = presence.of("node-1").health
    assert kept is not None
    assert kept.devices == {"printer-1": "ok"}


def birth(sess: int) -> Birth:
    return Birth(unit="node-1", sess=sess, boot=1, app="test", outbox=OUTBOX)


def test_a_retained_birth_does_not_bring_a_unit_back_that_is_gone() -> None:
    presence = Presence()
    presence.state("node-1", offline(3), 0.0)
    presence.birth("node-1", birth(3))
    assert presence.status("node-1", 0.0) is Status.OFFLINE
    presence.birth("node-1", birth(4))
    presence.state("node-1", online(4), 500.0)
    assert presence.status("node-1", 500.0) is Status.ONLINE


def test_a_birth_alone_says_neither_and_its_will_counts() -> None:
    presence = Presence()
    presence.birth("node-1", birth(3))
    assert presence.status("node-1", 0.0) is Status.UNKNOWN
    presence.state("node-1", offline(2), 0.0)
    assert presence.status("node-1", 0.0) is Status.UNKNOWN
    presence.state("node-1", offline(3), 0.0)
    assert presence.status("node-1", 0.0) is Status.OFFLINE
