"""Messages are written down once, sent until they are taken or given up, and never sent again after."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import web
from controller.hall.commands import CallNext, Finish, Start
from controller.hall.model import Refused
from controller.messaging import numbers, templates
from controller.messaging.answers import Rated, Stop, Words, meaning
from controller.messaging.answers import Start as Again
from controller.messaging.carrier import Delivered, Received
from controller.messaging.listener import Reply
from controller.messaging.templates import FORMS, Event
from controller.people import SYSTEM
from controller.store import messages as rows
from controller.store.messages import State
from firmware.protocol.short_text import OF_MANY, parts
from tests.controller.messaging.outside import centre, gateway
from tests.controller.messaging.writing import FULL, NUMBER, Post, post, secret_in
from tests.waiting import until

BODY = '{"mobile": "{digits}", "content": ["{text}"], "ref": "{id}"}'


@pytest.mark.parametrize(
    ("typed", "full"),
    [
        (NUMBER, FULL),
        ("138-1234 5678", FULL),
        ("0086 13812345678", FULL),
        ("８６13812345678", FULL),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_a_number_is_understood_as_people_type_it(typed: str, full: str) -> None:
    assert numbers.normal(typed, "86") == full


@pytest.mark.parametrize("typed", ["", "1381234567", "12345678901", "138123456789", "abc", "+8613812345678x"])
def test_what_is_no_mobile_number_is_not_taken(typed: str) -> None:
    with pytest.raises(numbers.BadNumber):
        numbers.normal(typed, "86")


def test_every_text_at_the_desk_is_sent_by_something() -> None:
    folders = (Path(templates.__file__).parent, Path(web.__file__).parent)
    files = [file for folder in folders for file in folder.glob("*.py") if file.name != "templates.py"]
    code = "".join(file.read_text("utf-8") for file in files)
    assert [event for event in Event if f"Event.{event.name}" not in code] == []


@pytest.mark.parametrize("event", Event)
def test_the_usual_texts_may_be_used_as_they_are(event: Event) -> None:
    for lang in ("zh", "en"):
        templates.check(event, templates.usual(event, lang))
        assert "{" not in templates.fill(templates.usual(event, lang), FORMS[event].places)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{numbr}号", "template_unknown"),
        ("快到了", "template_lacks"),
        ("{number", "template_braces"),
        ("{number.x}", "template_braces"),
        ("{number!r}", "template_braces"),
        (" ", "template_length"),
        ("{number}" + "长" * 400, "template_length"),
    ],
)
def test_a_text_that_cannot_be_filled_in_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        templates.check(Event.NEAR_TURN, text)
    assert refused.value.code == code


def test_a_long_text_is_cut_between_characters() -> None:
    text = "字" * 66 + "😀" + "字" * 40
    assert [len(piece.encode("utf-16-be")) // 2 <= OF_MANY for piece in parts(text)] == [True, True]
    assert "".join(parts(text)) == text
    assert parts("字" * 70) == ["字" * 70]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5", Rated(5, "")),
        (" ５　37。", Rated(5, "37")),
        ("37 1", Rated(1, "37")),
        ("满意", Rated(4, "")),
        ("退订", Stop()),
        ("Stop.", Stop()),
        ("恢复", Again()),
        ("6", Words("6")),
        ("预约 户口 3月5日", Words("预约 户口 3月5日")),
    ],
)
def test_an_answer_is_understood_however_it_is_typed(text: str, meant: object) -> None:
    assert meaning(text) == meant


def test_without_a_carrier_a_message_is_only_written_down(tmp_path: Path, caplog: Any) -> None:
    with post(tmp_path) as made, caplog.at_level(logging.DEBUG):
        one = made.write()
        assert (made.step().state, made.all()[0].cost) == (State.DROPPED, 0.0)
        made.write(key=one.key)
        assert len(made.all()) == 1
    assert NUMBER not in caplog.text
    assert NUMBER.encode() not in b"".join(file.read_bytes() for file in tmp_path.glob("hall.db*"))


def test_a_gateway_gets_the_form_its_makers_ask_for(tmp_path: Path, caplog: Any) -> None:
    with gateway() as (far, address), caplog.at_level(logging.DEBUG):
        settings = {
            "sms_carrier": "http",
            "sms_address": address,
            "sms_secret_file": secret_in(tmp_path),
            "sms_header": "X-Key: {secret}",
            "sms_body": BODY,
            "sms_ok": ("code=0",),
            "sms_id_field": "data.0.id",
            "sms_price": 0.05,
        }
        far.answer = lambda: (200, {"code": 0, "data": [{"id": "g-1"}]})
        with post(tmp_path, **settings) as made:
            made.write(Event.NEAR_TURN, to="+86 138 1234 5678", **{"zone": "{text}", "ahead": "2"})
            one = made.step()
            path, headers, body = far.asked[0]
            assert (path, headers["X-Key"]) == ("/send?v=1", "s3cr3t-of-the-gate")
            assert body == {"mobile": FULL[1:], "content": [made.text(one)], "ref": str(one.id)}
            assert (one.state, one.cost) == (State.SENT, pytest.approx(0.05))
            made.office.take(Delivered("g-1", True))
            assert made.all()[0].state is State.DELIVERED
    assert NUMBER not in caplog.text
    assert "s3cr3t" not in caplog.text


def test_what_is_not_taken_is_tried_again_later_and_then_given_up(tmp_path: Path) -> None:
    with gateway() as (far, address), post(tmp_path, sms_carrier="http", sms_address=address) as made:
        far.answer = lambda: (503, {})
        made.write()
        one = made.step()
        assert (one.state, one.why) == (State.WAITING, "http_503")
        assert made.step() == one, "it is not due yet"
        while one.state is State.WAITING:
            made.later = one.due_at - made.now() + made.later
            one = made.step()
        assert (one.state, len(far.asked), set(far.ids())) == (State.FAILED, 6, {str(one.id)})
        far.answer = lambda: (200, {})
        with made.store.writing() as c:
            assert rows.again(c, "hall", one.id, made.now(), made.now() + timedelta(hours=1))
        assert made.step().state is State.SENT


def test_what_a_gateway_refuses_for_good_is_not_tried_again(tmp_path: Path) -> None:
    with gateway() as (far, address), post(tmp_path, sms_carrier="http", sms_address=address) as made:
        far.answer = lambda: (422, {"error": "no such number"})
        made.write()
        assert made.step().state is State.FAILED
        assert len(far.asked) == 1


def test_killed_between_sending_and_noting_it_goes_out_under_the_same_id_and_never_after(
    tmp_path: Path,
) -> None:
    with gateway() as (far, address):
        with post(tmp_path) as made:
            first, second = made.write().id, made.write().id
        command = [sys.executable, "-m", "tests.controller.messaging.sender", str(tmp_path), address]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None

            def life(kills: bool) -> str:
                assert process.stdin is not None
                assert process.stdout is not None
                print("life", file=process.stdin, flush=True)
                pid = int(process.stdout.readline())
                asked = len(far.asked)

                def answer() -> tuple[int, Any]:
                    if kills and len(far.asked) == asked + 2:
                        os.kill(pid, signal.SIGKILL)
                    return 200, {"id": "x"}

                far.answer = answer
                print("go", file=process.stdin, flush=True)
                return process.stdout.readline().strip()

            assert life(kills=True) == "killed"
            assert life(kills=False) == "done"
            assert life(kills=False) == "done"
            process.stdin.close()
        assert far.ids() == [str(first), str(second), str(second)]


def test_a_message_centre_takes_parts_and_tells_what_became_of_them(tmp_path: Path, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    with centre() as (far, address):
        settings = {"sms_user": "hall", "sms_secret_file": secret_in(tmp_path, "pw"), "sms_sender": "1069"}
        with post(tmp_path, sms_carrier="smpp", sms_address=address, **settings) as made:
            made.write(Event.RATING, number="A001", code="37")
            far.status = 0x58  # throttled
            assert made.step().state is State.WAITING
            made.later = timedelta(seconds=6)
            one = made.step()
            assert (one.state, one.parts, far.bound) == (State.SENT, 2, [("hall", "pw")])
            said = b"".join(data[6:] for _, _, data in far.taken).decode("utf-16-be")
            assert said == made.text(one)
            assert {(number, esm_class) for number, esm_class, _ in far.taken} == {(FULL[1:], 0x40)}
            for n in (1, 2):
                far.deliver(FULL[1:], f"id:m{n} sub:001 stat:DELIVRD err:000".encode(), esm_class=4)
            until(lambda: made.step().state is State.DELIVERED)
            far.deliver(FULL[1:], "退订".encode("utf-16-be"), coding=8)
            until(lambda: made.step() and len(far.acked) == 3)
            with made.store.reading() as c:
                assert rows.refuses(c, made.office.desk.digest(FULL))
            far.cut()
            made.write(key="after", to="13900000000")
            until(lambda: is_sent_after_a_minute(made), timeout=30)
            assert len(far.bound) == 2
    assert NUMBER not in caplog.text


def is_sent_after_a_minute(made: Post) -> bool:
    made.later += timedelta(minutes=1)
    return made.step().state is State.SENT


def test_near_and_finished_are_told_once_to_who_asked(tmp_path: Path) -> None:
    with post(tmp_path) as made:
        mine, other = made.take(), made.take()
        for ticket in (mine, other):
            made.want(ticket)
        made.take()
        made.office.watch.step()
        assert made.all() == []
        made.live.submit(CallNext(1), SYSTEM)
        for _ in range(2):
            made.office.watch.step()
        assert [(one.event, one.ticket) for one in made.all()] == [(Event.NEAR_TURN, other)]
        assert "A002号快到了，前面还有0人，请到东区等候叫号" in made.text(made.all()[0])
        for command in (Start(1), Finish(1)):
            made.live.submit(command, SYSTEM)
        made.office.watch.step()
        assert made.all()[0].event == Event.RATING


def test_a_turn_that_has_come_is_not_announced_any_more(tmp_path: Path) -> None:
    with post(tmp_path) as made:
        made.take()
        ticket = made.take()
        made.want(ticket)
        for command in (CallNext(1), Start(1), Finish(1), CallNext(1)):
            made.live.submit(command, SYSTEM)
        made.office.watch.step()
        assert made.step().state is State.DROPPED


@pytest.fixture
def invited(tmp_path: Path) -> Any:
    """Somebody who left a number was served and is asked how it was."""
    with post(tmp_path) as made:
        made.want(made.take())
        for command in (CallNext(1), Start(1), Finish(1)):
            made.live.submit(command, SYSTEM)
        made.office.watch.step()
        yield made


def test_an_answer_from_the_number_that_was_asked_is_one_vote(invited: Any) -> None:
    code = invited.all()[0].code
    for text in (f"4 {code}", f"1 {code}"):
        invited.office.take(Received(NUMBER, text))
    assert [one.rating for one in invited.live.hall.tickets.values()] == [4]


def test_any_other_answer_is_kept_for_a_person_and_votes_nothing(invited: Any) -> None:
    for number, text in (("13900000000", "5"), (NUMBER, "5 99999"), (NUMBER, "好的")):
        invited.office.take(Received(number, text))
        assert [one.rating for one in invited.live.hall.tickets.values()] == [None]
        with invited.store.reading() as c:
            answer = rows.answers(c, "hall", 5)[0]
        assert answer.why in ("not_invited", "not_understood")
        assert invited.office.desk.open(answer.body) == text


def test_who_wants_no_more_gets_no_more_until_they_say_so(tmp_path: Path) -> None:
    with post(tmp_path) as made:
        made.write()
        made.office.take(Received(NUMBER, "退订"))
        assert made.all()[0].state is State.DROPPED
        made.write(key="later")
        assert len(made.all()) == 1
        made.office.take(Received(FULL, "恢复"))
        made.write(key="later")
        assert len(made.all()) == 2


def test_others_may_understand_words_and_answer(tmp_path: Path) -> None:
    with post(tmp_path) as made:
        made.office.listener.also(
            lambda number, words: Reply("hall", f"已约：{words}") if "约" in words else None
        )
        made.office.take(Received(NUMBER, "预约 户口"))
        assert "已约:预约 户口".replace(":", "：") in made.text(made.all()[0])


def test_numbers_and_texts_go_when_their_time_is_over(tmp_path: Path) -> None:
    with post(tmp_path) as made:
        made.write()
        sent = made.step()
        made.office.take(Received(NUMBER, "谢谢"))
        with made.store.writing() as c:
            assert rows.forget(c, made.now() + timedelta(seconds=1)) == 2
        left = made.all()[0]
        assert (left.address, left.body, left.digest, left.parts) == (None, None, "", sent.parts)
