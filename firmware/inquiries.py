"""What the unit's pages ask of the agent, over a socket file: boards, and tickets.

The pages are served by a process of their own (pages_server), so that no visitor of theirs can hold
up, fill up or crash the agent. One question a connection: a line of JSON, answered by another.

    {"ask": "board", "name": "k-main", "after": "3.17"}
        -> {"status": 200, "body": {...}, "cursor": "3.18", "age_s": 0, "hall_time": ..., "speed": 1}
        -> {"status": 204, "age_s": 12.5, ...} when nothing newer came in time;   404 for an unknown board
    {"ask": "ticket", "queue": "A", "item": "", "key": "..."}
        -> {"status": 201, "body": {"number": "A007", ...}} | 409, 503 with {"error": {code, zh, en}}
    {"ask": "ticket", "appointment": "12345678", "key": "..."}
        -> the same, for who has an appointment and checks in
    {"ask": "ticket", "card": 3, "key": "..."}
        -> the same, with the identity card of that number, which was laid on this unit's reader just now
    {"ask": "card"}
        -> {"status": 200, "body": {"reader": true, "card": 3}}: of the last card laid here; 0: none
    {"ask": "progress", "number": "A023", "token": "", "name": "k-main"}
        -> {"status": 200, "body": {"number": "A023", "look": "waiting", ...}}: a Progress; 429 while another
           question is under way
    {"ask": "matters"}
        -> {"status": 200, "body": {"matters": [{"code": ..., "name": ..., "queue": ...}]}}: those taken today
"""

from __future__ import annotations

import os
import socketserver
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from firmware.devices import Devices
from firmware.presses import Answer, Presses, PressRefused
from firmware.progress import Desk
from firmware.protocol.catalogue import Matter
from firmware.protocol.clock import UnitClock
from firmware.protocol.guard import Guard
from firmware.protocol.messages import Pressed
from firmware.protocol.outbox import StoreFault
from firmware.protocol.progress import Asked
from firmware.shelf import Shelf, cursor_of

KIOSK = "kiosk"  # input of presses at a page
MAX_QUESTION_BYTES = 4096
IDLE_S = 5.0  # a question not put by then is not coming
OUT_OF_SERVICE = (
    "out_of_service",
    "本机暂停服务，请到导办台",
    "This machine is out of service; please ask the guide desk",
)
CARD_GONE = ("card_gone", "请再放一次身份证", "Please lay your card down once more")
MATTER_ENDED = (
    "matter_ended",
    "该事项已不再办理，请到导办台",
    "This matter is no longer taken; please ask the guide desk",
)
ONE_AT_A_TIME = ("one_at_a_time", "请稍候再查一次", "Please wait a moment and ask again")
NO_ANSWER = ("no_answer", "还没有结果，请稍候", "No answer yet; please wait")


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a page asks."""

    ask: str
    name: str = ""
    after: str = ""
    queue: str = ""
    item: str = ""
    appointment: str = ""
    card: int = 0
    number: str = ""
    token: str = ""
    key: str = ""


_questions = msgspec.json.Decoder(Question)  # made by one thread: see messages.py


class Inquiries:
    """Answers pages until closed. matters: what can be found by search; devices: told each board a page asks
    for; desk: knows where tickets stand; silent_s: seconds since the controller was there, 0 while it is."""

    def __init__(
        self,
        path: Path,
        shelf: Shelf,
        presses: Presses,
        clock: UnitClock,
        guard: Guard,
        *,
        matters: Callable[[], Sequence[Matter]],
        devices: Devices,
        desk: Desk,
        silent_s: Callable[[], float],
        answer_wait_s: float,
        poll_wait_s: float,
    ) -> None:
        self.path = path
        self._shelf, self._presses, self._clock, self._guard = shelf, presses, clock, guard
        self._matters, self._devices, self._desk = matters, devices, desk
        self._silent_s, self._answer_wait_s, self._poll_wait_s = silent_s, answer_wait_s, poll_wait_s
        path.unlink(missing_ok=True)
        old = os.umask(0o077)
        try:
            self._server = _Server(str(path), self)
        finally:
            os.umask(old)
        self._thread = threading.Thread(target=self._server.serve_forever, name="inquiries", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.path.unlink(missing_ok=True)

    def answer(self, line: bytes) -> bytes:
        """The answer to one question, as a line."""
        answers: list[dict[str, Any]] = []
        self._guard.run("inquiry", lambda: answers.append(self._answer(line)))
        return msgspec.json.encode(answers[0] if answers else _error(500, *OUT_OF_SERVICE)) + b"\n"

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            question = _questions.decode(line)
        except msgspec.DecodeError as error:
            return _error(400, "bad_question", "请求有误", str(error))
        match question.ask:
            case "board":
                return self._board(question)
            case "ticket":
                return self._ticket(question)
            case "card":
                reader, card = self._devices.card()
                return {"status": 200, "body": {"reader": reader, "card": card}}
            case "progress":
                return self._progress(question)
            case "matters":
                today = self._devices.today()
                return {
                    "status": 200,
                    "body": {"matters": [one for one in self._matters() if one.is_taken(today)]},
                }
            case _:
                return _error(400, "bad_question", "请求有误", f"nobody can be asked for {question.ask!r}")

    def _board(self, question: Question) -> dict[str, Any]:
        self._devices.page_asked(question.name)
        wait_s = self._poll_wait_s if question.after else 0.0
        board = self._shelf.wait(question.name, question.after, wait_s)
        if board is None and self._shelf.get(question.name) is None:
            return _error(404, "unknown_board", "没有这个屏", f"there is no board {question.name!r}")
        found = {"status": 200 if board else 204, "age_s": round(self._silent_s(), 1), **self._hall_time()}
        return found if board is None else {**found, "cursor": cursor_of(board), "body": board}

    def _progress(self, question: Question) -> dict[str, Any]:
        asked = Asked(number=question.number, token=question.token, board=question.name)
        stands = self._desk.answer(asked)
        return _error(429, *ONE_AT_A_TIME) if stands is None else {"status": 200, "body": stands}

    def _hall_time(self) -> dict[str, Any]:
        hall = self._clock.hall()
        return {} if hall is None else {"hall_time": hall[0].isoformat(), "speed": hall[1]}

    def _ticket(self, question: Question) -> dict[str, Any]:
        who = self._devices.who(question.card) if question.card else ""
        if question.card and not who:
            return _error(409, *CARD_GONE)
        pressed = Pressed(
            input=KIOSK, choice=question.queue, item=question.item, appointment=question.appointment, who=who
        )
        if question.item and self._is_ended(question.item):
            return _error(409, *MATTER_ENDED)
        try:
            seq = self._presses.take(pressed, question.key)
        except PressRefused as refused:
            return _error(409, refused.code, refused.zh, refused.en)
        except StoreFault:  # F40: rather none than a number that a power cut takes back
            self._guard.count("store_faults")
            return _error(503, *OUT_OF_SERVICE)
        answer = self._presses.wait(seq, self._answer_wait_s)
        if answer.refusal is not None:
            return _error(409, answer.refusal.code, answer.refusal.zh, answer.refusal.en)
        if not answer.number:
            return _error(503, *NO_ANSWER)
        return {"status": 201, "body": self._told(question, answer)}

    def _is_ended(self, item: str) -> bool:
        today = self._devices.today()
        return any(one.code == item and not one.is_taken(today) for one in self._matters())

    def _told(self, question: Question, answer: Answer) -> dict[str, Any]:
        line = self._shelf.queue(question.queue) if answer.ahead is not None else None
        return {
            "number": answer.number,
            "queue": answer.queue or question.queue,
            "ahead": answer.ahead,
            "wait_min": line.wait_min if line else None,
            "wait_max": line.wait_max if line else None,
            "wait": line.wait if line else "none",
            "is_rough": line.is_rough if line else False,
            "url": answer.qr,
            "printed": answer.is_printed,
        }


def _error(status: int, code: str, zh: str, en: str) -> dict[str, Any]:
    return {"status": status, "body": {"error": {"code": code, "zh": zh, "en": en}}}


class _Handler(socketserver.StreamRequestHandler):
    timeout = IDLE_S
    server: _Server

    def handle(self) -> None:
        try:
            line = self.rfile.readline(MAX_QUESTION_BYTES)
            if line:
                self.wfile.write(self.server.inquiries.answer(line))
        except OSError:
            return  # The page went away.


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, path: str, inquiries: Inquiries) -> None:
        self.inquiries = inquiries
        super().__init__(path, _Handler)
