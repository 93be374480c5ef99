"""Connected, and yet nobody hears: found out by what does not move (R4, R13; F63, F64)."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller import i18n
from controller.broker import Account, hash_secret
from controller.presence import Status
from firmware.protocol import messages, topics
from firmware.protocol.codec import decode
from firmware.protocol.messages import Board, Request
from firmware.protocol.news import versions_in
from tests.contract.unit import Unit
from tests.contract.whole import Whole, whole
from tests.controller.sites import HALL, Running, desk
from tests.firmware.far_end import FarEnd
from tests.waiting import until


def count_of(controller: FarEnd, question: str) -> int:
    return sum(isinstance(one, Request) and one.t == question for _, one in controller.heard())


def sessions(controller: FarEnd) -> int:
    return len({one.sess for one in controller.states() if one.online})


def test_r13_a_unit_that_gets_no_answers_connects_anew(unit: Unit, controller: FarEnd) -> None:
    """A unit whose questions are not answered doubts its connection and makes another."""
    unit.meet(controller)
    controller.newer = None
    until(lambda: sessions(controller) > 1, what="the unit connects anew")
    controller.newer = {}
    last = unit.press()
    until(lambda: unit.outbox.acked == last, what="it is heard again")


def test_r13_a_controller_that_said_goodbye_owes_no_answers(unit: Unit, controller: FarEnd) -> None:
    """A controller that said that it goes is waited for on the same connection."""
    unit.meet(controller)
    controller.newer = None
    controller.leave()
    asked = count_of(controller, "news")
    until(lambda: count_of(controller, "news") > asked + 4, what="the unit asked on")
    assert sessions(controller) == 1


def test_r14_a_unit_that_is_told_of_boards_which_do_not_come_connects_anew(
    unit: Unit, controller: FarEnd
) -> None:
    """Boards that were sent again and did not come show a deaf connection: another is made."""
    unit.shows = ("w1",)
    unit.meet(controller)
    controller.newer = {"w1": (1, 1)}
    until(lambda: sessions(controller) > 1, what="the unit connects anew")


def test_r14_a_unit_that_is_sent_the_boards_it_lacks_stays(unit: Unit, controller: FarEnd) -> None:
    """Boards that come end the doubt."""
    unit.shows = ("w1",)
    unit.meet(controller)
    asked = count_of(controller, "news")
    controller.newer = {"w1": (1, 1)}
    until(lambda: count_of(controller, "news") > asked, what="the unit asked")
    controller.show(Board(board="w1", gen=1, ver=1, ts=datetime.now(UTC)))  # noqa: TID251
    until(lambda: unit.boards, what="the board came")
    asked = count_of(controller, "news")
    until(lambda: count_of(controller, "news") > asked + 3, what="the unit asked on")
    assert sessions(controller) == 1


def test_r14_a_unit_that_asks_for_the_news_gets_the_boards_it_lacks_again(hall: Running) -> None:
    """The controller sends again what is newer than what the unit holds, and says what that is."""
    unit = hall.unit("desk", desk(1))
    held = until(lambda: unit.board("w1"))
    seen = len(unit.client.payloads(topics.board(HALL, "w1")))
    unit.send("req", b'{"rid":"q1","t":"news","d":{"boards":{"w1":[0,0]}}}')
    reply = decode(until(lambda: unit.told("rep"))[0], messages.Reply)
    assert versions_in(reply) == {"w1": (held.gen, held.ver)}
    until(lambda: len(unit.client.payloads(topics.board(HALL, "w1"))) > seen)


def test_r14_a_unit_that_holds_the_newest_boards_is_sent_none(hall: Running) -> None:
    """Nothing is sent to who lacks nothing."""
    unit = hall.unit("desk", desk(1))
    until(lambda: unit.board("w1"))
    unit.send("req", b'{"rid":"q1","t":"news","d":{"boards":{"w1":[9007199254740992,0],"unknown":[0,0]}}}')
    reply = decode(until(lambda: unit.told("rep"))[0], messages.Reply)
    assert versions_in(reply) == {}


def test_r18_a_question_about_news_that_names_no_versions_is_set_aside(
    hall: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """A question that cannot be read is set aside like any message."""
    caplog.set_level(logging.CRITICAL)
    unit = hall.unit("desk", desk(1))
    unit.send("req", b'{"rid":"q1","t":"news","d":{"boards":{"w1":"newest"}}}')
    until(lambda: hall.bus.counts().get("quarantined") == 1)


# --- wrong allow-lists: the broker says PUBACK and drops


def account(both: Whole, *leaves: str) -> Account:
    """node-1's account with an allow-list that somebody got wrong. leaves: what it may still say."""
    right = topics.unit_rights(HALL, "node-1")
    rights = topics.Rights(tuple(topics.up(HALL, "node-1", leaf) for leaf in leaves), right.subscribe)
    return Account("node-1", hash_secret(both.login("node-1").secret), rights)


def evidence(both: Whole) -> list[str]:
    return [fault.detail for fault in both.site.devices.faults(HALL) if fault.code == "unit.lag"]


def test_r04_a_unit_whose_events_are_dropped_is_found_by_its_lag(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A PUBACK proves nothing: events the broker drops show as a lag, which names the topic (F64)."""
    caplog.set_level(logging.CRITICAL)
    with whole(kind, tmp_path, lag_after_s=1.0) as both:
        unit = both.met()
        both.allow({"node-1": account(both, "birth", "state", "cfg", "health", "res", "req")})
        both.near.cut()
        until(lambda: unit.ups >= 2)
        unit.press(3)
        (detail,) = until(lambda: evidence(both))
        assert "sh/v1/hall/node-1/up/evt" in detail
        assert both.bus.units()[0].status is Status.ONLINE
        both.allow()
        both.near.cut()
        until(lambda: unit.is_quiet and evidence(both) == [], timeout=20)
        assert len(both.numbers()) == 3


@pytest.mark.parametrize("language", ["zh", "en"])
def test_r04_a_lag_is_one_sentence_and_one_thing_to_do(language: str) -> None:
    """What the technician's page says of a lag, in both languages."""
    for key in ("fault.unit.lag", "remedy.unit.lag"):
        assert i18n.is_translated(language, key)


def test_r06_a_unit_that_hears_no_acks_is_found_by_its_lag(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Acks that never arrive cost bounded resends and no ticket, and show as a lag too (F63)."""
    caplog.set_level(logging.CRITICAL)
    with whole(kind, tmp_path, lag_after_s=1.0) as both:
        unit = both.met()
        lost = both.near.drop(lambda packet: packet.topic.endswith("/down/ack"))
        unit.press()
        (detail,) = until(lambda: evidence(both))
        assert "sh/v1/hall/node-1/down/ack" in detail
        assert both.numbers() == ["A001"]
        lost.lift()
        until(lambda: unit.is_quiet and evidence(both) == [], timeout=20)


def test_r04_a_unit_that_is_busy_does_not_lag(kind: str, tmp_path: Path) -> None:
    """A unit whose events go on being confirmed does not lag, however many wait."""
    with whole(kind, tmp_path, lag_after_s=0.4) as both:
        unit = both.met()
        for _ in range(30):
            unit.press()
            until(lambda: unit.outbox.acked > 0)
        until(lambda: unit.is_quiet)
        assert evidence(both) == []


def test_r13_a_unit_that_may_say_nothing_is_offline_and_knows_it(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a unit that is not heard the controller says offline, and the unit that it gets no answer (F64)."""
    with whole(kind, tmp_path, heartbeat_lost_s=1.0) as both:
        unit = both.met()
        both.allow({"node-1": account(both, "nothing")})  # an empty list would mean all to nats-server
        both.near.cut()
        until(lambda: unit.ups >= 2)
        until(lambda: both.faults() == ["unit.offline"], timeout=20)
        until(lambda: "connected, but the controller does not answer" in caplog.text)
        assert unit.link.silent_s > 0
        press = unit.press_alone()
        assert unit.slips == [press.number]  # it goes on by itself
        both.allow()
        both.near.cut()
        until(lambda: unit.is_quiet and both.faults() == [] and unit.link.silent_s == 0, timeout=20)
        assert both.numbers() == [press.number]
