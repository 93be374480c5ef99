"""What a message is, and whose: R1, R2, R3, R7, R18."""

from __future__ import annotations

import json
import logging

import pytest

from controller.hall.model import Press
from firmware.protocol import messages, topics
from firmware.protocol.codec import BadMessage, encode
from firmware.protocol.messages import Beep, Faulted
from tests.contract.unit import Unit
from tests.contract.whole import Whole
from tests.controller.brokers import client
from tests.controller.sites import HALL, Running, dispenser, raw_json
from tests.firmware.far_end import FarEnd
from tests.waiting import until


def test_r01_unknown_kinds_and_higher_versions_are_kept_acked_counted_and_shown(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown kind or a higher version is stored raw, acked, counted and shown, never dropped."""
    caplog.set_level(logging.CRITICAL)
    unit = hall.unit("node-1", dispenser("A"))
    press = messages.Pressed(input="button-1")
    unit.send("evt", raw_json(unit.envelope(press, 1), t="Teleported"))
    unit.send("evt", raw_json(unit.envelope(press, 2), v=9))
    unit.press(seq=3)
    until(lambda: unit.acked() == 3)
    assert hall.numbers() == ["A001"]
    assert hall.bus.counts()["unknown_kinds"] == 2
    kept = hall.site.devices.set_aside(HALL)
    assert [(row.field, row.remedy) for row in kept] == [("t", "update the controller")] * 2
    assert b"Teleported" in kept[1].payload


def test_r01_unknown_fields_are_ignored(hall: Running) -> None:
    """Unknown fields are ignored, in the envelope and in the report."""
    unit = hall.unit("node-1", dispenser("A"))
    press = unit.envelope(messages.Pressed(input="button-1"), 1)
    unit.send("evt", raw_json(press, smell="paper", d={"input": "button-1", "finger": "left"}))
    until(lambda: unit.acked() == 1)
    assert hall.numbers() == ["A001"]


def test_r01_an_order_of_an_unknown_kind_is_rejected_and_not_remembered(
    unit: Unit, controller: FarEnd
) -> None:
    """An order a unit does not know is rejected by name, and not remembered: an update may know it."""
    unit.meet(controller)
    controller.raw_order("c1", "Dance")
    assert until(lambda: controller.ended("c1")).code == "unknown_order"
    assert unit.outbox.result("c1") is None


def test_r02_the_unit_comes_from_the_topic_and_never_from_the_payload(hall: Running) -> None:
    """Message identity is (unit, ep, seq); the unit comes from the topic, never from the payload."""
    unit = hall.unit("node-1", dispenser("A"))
    hall.unit("node-2", dispenser("B"))
    unit.send("evt", raw_json(unit.envelope(messages.Pressed(input="button-1"), 1), unit="node-2"))
    until(lambda: unit.acked() == 1)
    assert hall.hall.tickets[1].press == Press("node-1", "e1", 1)
    assert hall.hall.tickets[1].queue == "A"


def test_r02_a_unit_cannot_speak_in_another_units_name(both: Whole) -> None:
    """The topic is enforced by the broker's allow-list."""
    both.met("node-1")
    other = both.met("node-2")
    forged = raw_press(other)
    other.link.session.publish(topics.up(HALL, "node-1", "evt"), forged)
    other.press()
    until(lambda: other.is_quiet)
    assert {ticket.press.unit for ticket in both.hall.tickets.values() if ticket.press} == {"node-2"}
    assert both.live.heard_up_to("node-1", other.outbox.epoch) == 0


def raw_press(unit: Unit) -> bytes:
    press = {"v": 1, "t": "Pressed", "ep": unit.outbox.epoch, "seq": 1, "sess": 1, "boot": 1, "mono": 1}
    return json.dumps({**press, "ts": "2026-11-21T08:30:01Z", "d": {"input": "button-1"}}).encode()


def test_r03_a_seq_goes_on_after_a_restart_and_ep_stays(both: Whole) -> None:
    """seq is a durable counter, never reused; ep changes only when the store is created."""
    unit = both.met()
    unit.press(2)
    until(lambda: unit.is_quiet)
    unit.close()
    said = unit.outbox.last
    again = Unit(both.login("node-1"), unit.folder)
    again.link.start()
    assert again.press() == said + 1
    until(lambda: again.is_quiet)
    again.close()
    assert again.outbox.epoch == unit.outbox.epoch
    assert both.numbers() == ["A001", "A002", "A003"]


def test_r03_a_new_store_has_a_new_epoch_and_begins_again(both: Whole) -> None:
    """A new store is a new life: its first message is no repetition of the old one's."""
    unit = both.met()
    unit.press()
    until(lambda: unit.is_quiet)
    unit.close()
    renewed = Unit(both.login("node-1"), unit.folder / "new card")
    renewed.link.start()
    assert renewed.press() == 1
    until(lambda: renewed.is_quiet)
    renewed.close()
    assert both.numbers() == ["A001", "A002"]


def test_r07_an_event_over_the_limit_is_never_enqueued(unit: Unit, controller: FarEnd) -> None:
    """An evt larger than 16 KiB is never enqueued."""
    unit.meet(controller)
    with pytest.raises(BadMessage, match="is over"):
        unit.say(Faulted(device="printer-1", code="x", detail="y" * 16_000))
    assert unit.press() == 1
    until(lambda: unit.is_quiet)


def test_r07_an_event_that_cannot_be_parsed_is_quarantined_and_acked(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """One that the controller cannot parse is quarantined and acked; those behind it go on."""
    caplog.set_level(logging.CRITICAL)
    unit = hall.unit("node-1", dispenser("A"))
    press = messages.Pressed(input="button-1")
    unit.send("evt", raw_json(unit.envelope(press, 1), d={"input": 7}))
    unit.send("evt", raw_json(unit.envelope(press, 2), d={"input": "x" * 20_000}))
    fault = unit.envelope(messages.Faulted(device="printer-1", code="printer.gone"), 3)
    unit.send("evt", raw_json(fault, ts="0001-01-01T00:00:00+14:00", tq="synced"))  # a time no calendar has
    unit.press(seq=4)
    until(lambda: unit.acked() == 4 and hall.bus.set_aside_total() == 3)
    assert hall.numbers() == ["A001"]
    assert hall.bus.counts()["quarantined"] == 3
    assert {row.field for row in hall.site.devices.set_aside(HALL)} == {"$", "$.input", "d"}


def test_r18_bytes_that_are_no_message_are_set_aside_and_others_go_on(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """A payload is UTF-8 JSON without NaN; what is not is set aside with its reason and a remedy."""
    caplog.set_level(logging.CRITICAL)
    unit = hall.unit("node-1", dispenser("A"))
    good = unit.envelope(messages.Pressed(input="button-1"), 1)
    for payload in (
        b"\xff\xfe not JSON",
        b'{"ep":"e1","seq":"one"}',
        raw_json(good, seq=-3),
        raw_json(good, mono=float("nan")),
    ):
        unit.send("evt", payload)
    unit.send("health", b'{"sess":"x"}')
    unit.send("nonsense", b"{}")
    unit.press()
    until(lambda: unit.acked() == 1 and hall.bus.set_aside_total() == 6)
    assert hall.numbers() == ["A001"]
    assert hall.bus.counts()["quarantined"] == 6
    kept = hall.site.devices.set_aside(HALL)
    assert {("health", "$.sess"), ("nonsense", "topic")} < {
        (row.topic.rpartition("/")[2], row.field) for row in kept
    }
    assert all(row.why and row.remedy for row in kept)
    assert hall.site.status().set_aside == 6


def test_r18_what_is_no_message_stops_no_unit(unit: Unit, controller: FarEnd) -> None:
    """An empty payload only deletes what is retained; no bytes end a unit's link (F69)."""
    unit.meet(controller)
    bad = [b"{", b"[]", b'{"hi": NaN}', b"\xff\xfe", b"[" * 5000]
    for leaf in ("ack", "cmd", "rep", "cfg"):
        for payload in [*bad, b""]:
            controller.down(leaf, payload)
    controller.order("c1", Beep(device="keypad-1"))
    until(lambda: controller.ended("c1"))
    assert unit.guard.counts()["bad_messages"] >= 4 * len(bad)
    assert not [name for name in unit.guard.counts() if name.startswith("failed")]


def test_r18_a_message_no_broker_would_take_is_not_handed_over(unit: Unit, controller: FarEnd) -> None:
    """What is over the limit of brokers is refused at home: one would drop the client, again and again."""
    unit.meet(controller)
    assert not unit.link.session.publish(topics.up(HALL, "node-1", "res"), b"x" * 300_000)
    unit.press()
    until(lambda: unit.is_quiet)
    assert unit.guard.counts()["publish_refused"] == 1


def test_r18_a_retained_word_is_deleted_by_an_empty_one(hall: Running) -> None:
    """An empty payload deletes a retained word: a hall without a board shows none to who comes later."""
    topic = topics.board(HALL, "gone")
    secret = hall.site.devices.add_unit(HALL, "listener", hall.live.clock.now())
    hall.bus.session.publish(topic, encode(messages.Beep(device="x")), retain=True)
    with client(hall.settings, "listener", secret, topics.board(HALL, "#")) as early:
        until(lambda: early.payloads(topic))
        hall.bus.session.publish(topic, b"", retain=True)
        until(lambda: b"" in early.payloads(topic))
    with client(hall.settings, "listener", secret, topics.board(HALL, "#")) as late:
        until(lambda: late.payloads(topics.board(HALL, "w1")))
        assert late.payloads(topic) == []
