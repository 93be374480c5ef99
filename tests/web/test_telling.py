"""The phone page: told by a message or a notice when one's turn is near, and nothing personal on it."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import select

from controller import progress
from controller.clock import real_now
from controller.hall.commands import CallNext, Login, NoShow, ReturnTicket
from controller.hall.model import Serves, Text, Ticket, Window
from controller.messaging.carrier import Received
from controller.messaging.push import CURVE, encrypted
from controller.store import messages as rows
from controller.store import tables
from controller.store.messages import Channel, State
from tests.controller.messaging.outside import gateway
from tests.web.desk import Desk, open_desk, words

NUMBER, MASKED = "13812345678", "138****5678"


@pytest.fixture
def texting(tmp_path: Path) -> Iterator[Desk]:
    """A hall that can send messages."""
    with open_desk(tmp_path, sms_carrier="http", sms_address="http://127.0.0.1:9") as desk:
        yield desk


def press(desk: Desk, ticket: Ticket, **form: str) -> Any:
    return desk.browser().post(f"/t/{ticket.token}/tell", page=f"/t/{ticket.token}", **form)


def page(desk: Desk, ticket: Ticket, lang: str = "zh") -> str:
    return words(desk.browser().get(f"/t/{ticket.token}?lang={lang}"))


def written(desk: Desk) -> list[rows.Stored]:
    with desk.site.store.reading() as c:
        return rows.last(c, "hall", 9)


def test_a_number_left_on_the_page_is_masked_there_sealed_in_the_store_and_in_no_log(
    texting: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ticket = texting.take()
    assert press(texting, ticket, number="138 1234 5678").status_code == 303
    assert MASKED in page(texting, ticket)
    with texting.site.store.reading() as c:
        everything = str(
            [tuple(row) for one in tables.metadata.sorted_tables for row in c.execute(select(one))]
        )
    assert NUMBER not in everything + caplog.text + page(texting, ticket)
    assert press(texting, ticket, stop="1").status_code == 303
    assert MASKED not in page(texting, ticket)


def test_who_is_near_already_is_told_at_once_and_once(texting: Desk) -> None:
    texting.take()
    ticket = texting.take()
    texting.give(Login(1, "li"), CallNext(1))
    for _ in range(2):
        press(texting, ticket, number=NUMBER)
    texting.site.messages.watch.step()
    assert [(one.event, one.ticket) for one in written(texting)] == [("near_turn", ticket.id)]


def test_a_number_that_is_none_or_wants_nothing_or_is_everywhere_is_not_taken(texting: Desk) -> None:
    tickets = [texting.take() for _ in range(6)]
    assert press(texting, tickets[0], number="12345").status_code == 409
    answers = [press(texting, ticket, number=NUMBER).status_code for ticket in tickets]
    assert answers == [303] * 5 + [409]
    texting.site.messages.take(Received(NUMBER, "退订"))
    assert MASKED not in page(texting, tickets[0])
    assert press(texting, tickets[0], number=NUMBER).status_code == 409


def test_without_a_carrier_no_number_is_asked_for(desk: Desk) -> None:
    ticket = desk.take()
    assert "tell-number" not in desk.browser().get(f"/t/{ticket.token}").get_data(as_text=True)
    assert press(desk, ticket, number=NUMBER).status_code == 404


def test_who_missed_the_call_is_offered_no_word_of_a_turn_until_back(texting: Desk) -> None:
    ticket = texting.take()
    assert "快到号时通知我" in page(texting, ticket)
    texting.give(Login(1, "li"), CallNext(1), NoShow(1, "left"))
    assert "快到号时通知我" not in page(texting, ticket)
    texting.give(ReturnTicket(ticket.id))
    assert "快到号时通知我" in page(texting, ticket)


def test_the_map_shows_the_windows_that_may_call_and_then_the_one(desk: Desk) -> None:
    ticket = desk.take()
    desk.give(Login(2, "wang"))
    assert "1 1 号窗口, 可能叫您, 未开 2 2 号窗口, 可能叫您" in page(desk, ticket)
    desk.give(CallNext(2))
    assert "2 2 号窗口, 您的窗口" in page(desk, ticket)


def test_of_a_large_area_the_map_shows_only_windows_that_may_call(desk: Desk) -> None:
    ticket, hall = desk.take(), desk.live.hall
    others = tuple(Window(n, Text("", ""), "east", (Serves("B"),)) for n in range(3, 301))
    large = replace(hall, plan=replace(hall.plan, windows=(*hall.plan.windows, *others)))
    assert [[place.number for place in windows] for _, windows in progress.places(large, ticket)] == [[1, 2]]


# --- notices to a browser


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_notice_is_encrypted_as_the_standard_says() -> None:
    """RFC 8291, Appendix A."""
    ours = octets("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    made = encrypted(
        b"When I grow up, I want to be a watermelon",
        octets("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        octets("BTBZMqHH6r4Tts7J_aSIgg"),
        ec.derive_private_key(int.from_bytes(ours), CURVE),
        octets("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert text_of(made) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w"
        "EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


class Phone:
    """A browser's side of a subscription."""

    def __init__(self, endpoint: str) -> None:
        self._key = ec.generate_private_key(CURVE)
        self._secret = b"0123456789abcdef"
        numbers = self._key.public_key().public_numbers()
        self._public = b"\x04" + numbers.x.to_bytes(32) + numbers.y.to_bytes(32)
        keys = {"p256dh": text_of(self._public), "auth": text_of(self._secret)}
        self.subscription = {"endpoint": endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> Any:
        salt, sender, sealed = body[:16], body[21:86], body[86:]
        shared = self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender))

        def derived(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
            return HKDF(hashes.SHA256(), length, salt, info).derive(key)

        secret = derived(shared, self._secret, b"WebPush: info\0" + self._public + sender, 32)
        key = derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = derived(secret, salt, b"Content-Encoding: nonce\0", 12)
        return json.loads(AESGCM(key).decrypt(nonce, sealed, None).removesuffix(b"\x02"))


def test_a_browser_is_told_once_by_its_own_service(tmp_path: Path) -> None:
    with gateway() as (far, address), open_desk(tmp_path, push_hosts=("127.0.0.1",)) as desk:
        desk.site.messages.watch.step()
        desk.take()
        ticket = desk.take()
        offered = desk.browser().get(f"/t/{ticket.token}").get_data(as_text=True)
        key = re.findall(r'data-key="([^"]+)"', offered)[0]
        browser = Phone(address)
        answer = desk.browser().client.post(f"/t/{ticket.token}/push", json=browser.subscription)
        assert answer.status_code == 201
        assert "本机通知" in page(desk, ticket)
        desk.give(Login(1, "li"), CallNext(1))
        desk.site.messages.watch.step()
        desk.site.messages.messenger.step()
        _, headers, body = far.asked[0]
        said = browser.read(body)
        assert "A002号快到了，前面还有0人" in said["text"]
        assert said["page"] == f"/t/{ticket.token}"
        token, _, ours = headers["Authorization"].removeprefix("vapid t=").partition(", k=")
        assert ours == key
        numbers = octets(key)
        signer = ECKey.import_key(
            {"kty": "EC", "crv": "P-256", "x": text_of(numbers[1:33]), "y": text_of(numbers[33:])}
        )
        claims = jwt.decode(token, signer, algorithms=["ES256"]).claims
        assert claims["aud"] == address.partition("/send")[0]
        assert claims["exp"] <= real_now().timestamp() + timedelta(hours=24).total_seconds()
        far.answer = lambda: (410, {})
        with desk.site.store.writing() as c:
            assert (
                rows.again(c, "hall", written(desk)[0].id, real_now(), real_now() + timedelta(days=1))
                is False
            )
        assert written(desk)[0].state is State.SENT
        assert written(desk)[0].channel is Channel.PUSH
        assert (tmp_path / "vapid.pem").stat().st_mode & 0o777 == 0o600


ELSEWHERE: tuple[dict[str, Any], ...] = (
    {"endpoint": "http://fcm.googleapis.com/x"},
    {"endpoint": "https://10.0.0.1/admin"},
    {"endpoint": "https://fcm.googleapis.com.evil.example/x"},
    {"endpoint": "https://fcm.googleapis.com:8443/x"},
    {"endpoint": None},
    {"keys": {"p256dh": "AAAA", "auth": "AAAA"}},
    {"keys": []},
)


def test_nobody_makes_us_send_something_elsewhere(desk: Desk) -> None:
    ticket, browser = desk.take(), desk.browser()
    for change in ELSEWHERE:
        sent = Phone("https://fcm.googleapis.com/x").subscription | change
        assert browser.client.post(f"/t/{ticket.token}/push", json=sent).status_code == 400, change


def test_the_worker_is_served_where_the_pages_are(desk: Desk) -> None:
    answer = desk.browser().get("/t/push.js")
    assert answer.mimetype == "text/javascript"
    assert b"showNotification" in answer.data
