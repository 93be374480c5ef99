"""One after the other, each once, whatever the network does: R4, R5."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from controller.settings import Settings
from firmware.protocol.codec import decode
from firmware.protocol.messages import Envelope
from tests.contract.unit import TIMING, Unit
from tests.contract.whole import Whole
from tests.controller.sites import Running, dispenser
from tests.faults.proxy import Kind, Odds, Proxy, Rule, Way, where
from tests.firmware.far_end import FarEnd, unit_login
from tests.waiting import until

EVENTS = where(Way.UP, Kind.PUBLISH, topic="sh/v1/+/+/up/evt")
PATIENT = replace(TIMING, resend_s=60.0, resend_max_s=60.0)


def presses_of(both: Whole) -> list[int]:
    """The press of each ticket, in the order the tickets were issued."""
    return [ticket.press.seq for _, ticket in sorted(both.hall.tickets.items()) if ticket.press]


def seqs(rule: Rule) -> list[int]:
    return [decode(packet.payload, Envelope).seq for packet in rule.hits]


def test_r04_events_are_sent_in_order_under_one_epoch(unit: Unit, controller: FarEnd, proxy: Proxy) -> None:
    """The unit sends in seq order."""
    sent = proxy.watch(EVENTS)
    unit.meet(controller)
    last = unit.press(150)
    until(lambda: unit.outbox.acked == last)
    assert sorted(set(seqs(sent))) == list(range(1, 151))
    assert [seq for n, seq in enumerate(seqs(sent)) if seq not in seqs(sent)[:n]] == list(range(1, 151))
    assert {ep for ep, _ in controller.events} == {unit.outbox.epoch}


def test_r04_no_more_than_64_events_are_unacked(unit: Unit, controller: FarEnd) -> None:
    """A window of at most 64 unacked."""
    controller.is_acking = False
    unit.meet(controller)
    unit.press(200)
    until(lambda: len(controller.arrivals) > 64)  # So the window was sent, and then sent again.
    assert max(one.seq for one in controller.arrivals) == 64


def test_r04_events_are_sent_again_until_acked(unit: Unit, controller: FarEnd) -> None:
    """Resend until the controller's own ack; bounded when acks are lost (F63)."""
    controller.is_acking = False
    unit.meet(controller)
    unit.press(3)
    until(lambda: [one.seq for one in controller.arrivals].count(3) >= 3)
    assert {one.seq for one in controller.arrivals} == {1, 2, 3}
    controller.is_acking = True
    until(lambda: unit.outbox.acked == 3)
    assert unit.guard.counts()["resends"] >= 3


class Dice(random.Random):
    """Chance that remembers between what it was asked to choose."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.asked: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float) -> float:
        self.asked.append((a, b))
        return super().uniform(a, b)


def test_r04_resends_back_off_with_jitter(settings: Settings, controller: FarEnd, tmp_path: Path) -> None:
    """Resend after 2 s with back-off to 30 s, with jitter (here a tenth of it)."""
    dice = Dice(7)
    unit = Unit(unit_login(settings), tmp_path, replace(TIMING, resend_s=0.02, resend_max_s=0.1), chance=dice)
    controller.is_acking = False
    unit.meet(controller)
    unit.press()
    until(lambda: len(controller.arrivals) >= 8)
    assert dice.asked.count((0.75, 1.25)) >= 6  # the share of the wait that is taken
    unit.close()


def test_r04_births_and_wills_take_no_number(both: Whole) -> None:
    """The will and the birth never go through the outbox."""
    unit = both.met()
    assert unit.outbox.last == 0
    assert both.bus.presence.of("node-1").birth is not None


def test_r04_lost_events_come_again(both: Whole) -> None:
    """What the network loses is sent again: every press is a ticket, in order."""
    unit = both.met()
    lost = both.near.drop(EVENTS, times=12)
    unit.press(30)
    until(lambda: unit.is_quiet, timeout=20)
    assert len(lost.hits) == 12
    assert presses_of(both) == list(range(1, 31))


def test_r05_what_comes_twice_counts_once(both: Whole) -> None:
    """Duplicates are ignored: one press, one ticket (F57)."""
    both.near.rule(EVENTS, lambda packet: (0.0, 0.0, 0.3))
    both.far.double(where(Way.DOWN, Kind.PUBLISH, topic="sh/v1/+/+/up/evt"))
    unit = both.met()
    unit.press(10)
    until(lambda: unit.is_quiet)
    until(lambda: both.bus.counts().get("duplicates"))
    assert both.numbers() == [f"A{n:03d}" for n in range(1, 11)]


def test_r05_what_comes_out_of_order_is_applied_in_order(both: Whole) -> None:
    """Applied strictly in seq order per (unit, ep); what comes early waits (F58)."""
    unit = both.met(timing=PATIENT)
    held = both.near.hold(EVENTS)
    last = unit.press(20)
    until(lambda: len(held.hits) >= last)  # more, when a slow machine looked for another connection
    held.lift()
    both.near.release(is_reversed=True)
    until(lambda: unit.is_quiet)
    assert presses_of(both) == list(range(1, 21))


def test_r05_a_gap_is_asked_for_and_filled(both: Whole) -> None:
    """A gap that stays is asked for by name, and only what is missing is sent again."""
    unit = both.met(timing=PATIENT)
    lost = both.near.drop(EVENTS, times=2)
    sent = both.near.watch(EVENTS)
    unit.press(5)
    until(lambda: unit.is_quiet)
    assert seqs(lost) == [1, 2]
    assert seqs(sent)[:5] == [3, 4, 5, 1, 2]
    assert both.bus.counts()["asked_again"] >= 1
    assert presses_of(both) == [1, 2, 3, 4, 5]


def test_r05_the_ack_names_the_gap(hall: Running) -> None:
    """Out-of-order waits, then down/ack names what is missing."""
    unit = hall.unit("node-1", dispenser("A"))
    unit.press(seq=1)
    unit.press(seq=4)
    until(lambda: unit.missed() == [(2, 3)])
    assert unit.acked() == 1
    unit.press(seq=3)
    unit.press(seq=2)
    until(lambda: unit.acked() == 4)
    assert hall.numbers() == ["A001", "A002", "A003", "A004"]


def test_r05_one_units_gap_keeps_no_other_waiting(both: Whole) -> None:
    """Order is per unit: another one's messages do not wait for this one's gap."""
    unit, other = both.met("node-1", timing=PATIENT), both.met("node-2")
    lost = both.near.drop(where(Way.UP, Kind.PUBLISH, topic="sh/v1/hall/node-1/up/evt"))
    unit.press(3)
    until(lambda: len(lost.hits) == 3)
    other.press(5)
    until(lambda: other.is_quiet)
    assert both.live.heard_up_to("node-1", unit.outbox.epoch) == 0
    assert len(both.numbers()) == 5


def test_r05_chance_on_every_line_loses_and_doubles_nothing(both: Whole) -> None:
    """Lost, doubled, late and cut off by chance, from a seed: each press is one ticket and one slip."""
    units = [both.met(name) for name in ("node-1", "node-2")]
    for seed, network in enumerate((both.near, both.far)):
        network.by_chance(seed, Odds(drop=0.04, double=0.1, late=0.2, late_s=0.2, cut=0.004))
    for _ in range(12):
        for unit in units:
            unit.press()
    until(lambda: all(unit.is_quiet for unit in units) and len(both.numbers()) == 24, timeout=30)
    until(lambda: sum(len(unit.slips) for unit in units) == 24, timeout=30)
    assert sorted(number for unit in units for number in unit.slips) == sorted(both.numbers())
    assert len(set(both.numbers())) == 24
