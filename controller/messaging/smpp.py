"""Messages through an operator's short message centre: SMPP 3.4 as a transceiver, in UCS-2 (smpplib).

Hides the connection: it is made when there is something to send or hear, kept alive, and made again after
it broke. A message in several parts that broke off in the middle goes on with the parts that are missing.
Source: SMPP Protocol Specification v3.4, 4.4 (submit_sm), 4.6 (deliver_sm), Appendix B (receipts).
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from smpplib import consts, exceptions
from smpplib.client import Client
from smpplib.smpp import make_pdu

from controller.messaging.carrier import Delivered, NotSent, Outgoing, Received, Take
from controller.messaging.gateway import secret
from controller.settings import Settings
from firmware.protocol.short_text import ENCODING, payloads

PATIENCE_S = 10.0  # for an answer to what we sent
QUIET_S = 30.0  # after so long without a word the centre is asked whether it is there
AGAIN_S = 10.0  # after a try to connect that failed
UCS2 = consts.SMPP_ENCODING_ISO10646
JOINED = 0x40  # esm_class: the text begins with a header (5.2.12)
RECEIPT = 0x3C  # the bits of esm_class that say so
WITH_RECEIPT = 1  # registered_delivery: tell us either way (5.2.17)
TON_INTERNATIONAL, TON_NATIONAL, TON_LETTERS, NPI_ISDN = 1, 2, 5, 1
PASSING = frozenset({0x08, 0x14, 0x58, 0x45})  # system error, queue full, throttled, submit failed
ARRIVED = frozenset({"DELIVRD", "ACCEPTD"})
STILL_OPEN = frozenset({"ENROUTE", "UNKNOWN"})
STATES = {2: "DELIVRD", 1: "ENROUTE", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 8: "REJECTD"}
_FIELDS = re.compile(r"\b(id|stat):(\S+)", re.IGNORECASE)
BROKEN = (exceptions.ConnectionError, exceptions.PDUError, OSError)

_logger = logging.getLogger("controller.messaging.smpplib")  # the library writes whole messages at DEBUG
_logger.setLevel(logging.WARNING)


class Smpp:
    """One bind. One thread at a time."""

    def __init__(self, settings: Settings, take: Take) -> None:
        self._settings, self._take = settings, take
        self._password = settings.sms_secret_file or Path()
        self._client: Any = None
        self._answers: dict[int, Any] = {}
        self._early: list[Delivered] = []  # receipts that came before we stored what they are about
        self._is_sending = False
        self._parts: dict[int, dict[int, str]] = {}  # of a message that broke off: what was taken
        self._heard_s = self._not_before_s = 0.0

    def send(self, message: Outgoing) -> Sequence[str]:
        taken = self._parts.setdefault(message.id, {})
        pieces = payloads(message.text, message.id & 0xFF)
        self._is_sending = True
        try:
            client = self._connected()
            for n, piece in enumerate(pieces):
                if n not in taken:
                    taken[n] = self._submit(client, message.address, piece, len(pieces) > 1)
        except NotSent as error:
            if error.is_final:
                self._parts.pop(message.id, None)
            raise
        except BROKEN as error:
            self.close()
            raise NotSent("unreachable", f"the connection broke: {type(error).__name__}") from error
        finally:
            self._is_sending = False
        return list(self._parts.pop(message.id).values())

    def listen(self) -> None:
        early, self._early = self._early, []
        for receipt in early:
            self._take(receipt)
        if time.monotonic() < self._not_before_s:
            return
        try:
            client = self._connected()
            client.poll(auto_send_enquire_link=False)
            if time.monotonic() - self._heard_s > QUIET_S:
                self._heard_s = time.monotonic()
                client.send_pdu(make_pdu("enquire_link", client=client))
        except BROKEN as error:
            self.close()
            raise NotSent("unreachable", f"the connection broke: {type(error).__name__}") from error

    def close(self) -> None:
        client, self._client = self._client, None
        self._answers.clear()
        if client is not None:
            client.disconnect()

    # --- the connection

    def _connected(self) -> Any:
        if self._client is None and time.monotonic() < self._not_before_s:
            raise NotSent("unreachable", "the message centre did not answer a moment ago")
        if self._client is None:
            self._client = self._bound()
            self._heard_s = time.monotonic()
        return self._client

    def _bound(self) -> Any:
        url = urlsplit(self._settings.sms_address)
        client = _Client(url.hostname or "", url.port or 0, url.scheme == "smpps")
        try:
            client.connect()
            client.bind_transceiver(
                system_id=self._settings.sms_user, password=secret(self._password), interface_version=0x34
            )
        except BROKEN as error:
            client.state = consts.SMPP_CLIENT_STATE_OPEN  # else disconnect() complains
            client.disconnect()
            self._not_before_s = time.monotonic() + AGAIN_S
            raise NotSent("unreachable", f"the message centre does not answer: {_why(error)}") from error
        client.set_message_received_handler(self._came)
        client.set_message_sent_handler(self._note)
        client.set_error_pdu_handler(self._note)
        return client

    def _note(self, pdu: Any) -> None:
        self._answers[pdu.sequence] = pdu

    # --- out

    def _submit(self, client: Any, number: str, piece: bytes, is_joined: bool) -> str:
        """What the centre calls this part. Raises NotSent."""
        sender = self._settings.sms_sender
        pdu = client.send_message(
            source_addr_ton=TON_NATIONAL if sender.isdigit() else TON_LETTERS,
            source_addr_npi=NPI_ISDN if sender.isdigit() else 0,
            source_addr=sender,
            dest_addr_ton=TON_INTERNATIONAL,
            dest_addr_npi=NPI_ISDN,
            destination_addr=number.removeprefix("+"),
            short_message=piece,
            data_coding=UCS2,
            esm_class=JOINED if is_joined else 0,
            registered_delivery=WITH_RECEIPT,
        )
        answer = self._answer_to(client, pdu.sequence)
        if answer.status:
            is_final = answer.status not in PASSING
            raise NotSent(
                f"smpp_{answer.status:x}", f"the message centre refuses: {answer.status:#x}", is_final
            )
        return _text(answer.message_id)

    def _answer_to(self, client: Any, sequence: int) -> Any:
        until_s = time.monotonic() + PATIENCE_S
        while sequence not in self._answers:
            if time.monotonic() > until_s:
                raise TimeoutError
            client.read_once(auto_send_enquire_link=False)
            self._heard_s = time.monotonic()
        return self._answers.pop(sequence)

    # --- in

    def _came(self, pdu: Any) -> None:
        """What the centre delivers; it is told that we have it when this returns."""
        self._heard_s = time.monotonic()
        if (pdu.esm_class or 0) & RECEIPT:
            if (receipt := _receipt(pdu)) is not None:
                self._early.append(receipt) if self._is_sending else self._take(receipt)
            return
        number = _text(pdu.source_addr)
        is_far = pdu.source_addr_ton == TON_INTERNATIONAL
        self._take(Received(f"+{number.lstrip('+')}" if is_far else number, _words(pdu)))


class _Client(Client):  # type: ignore[misc]  # smpplib has no types
    """smpplib's, over either version of IP, with a certificate that is checked, and quiet."""

    def __init__(self, host: str, port: int, is_tls: bool) -> None:
        super().__init__(
            host, port, timeout=PATIENCE_S, logger_name=_logger.name, allow_unknown_opt_params=True
        )
        self._is_tls = is_tls

    def connect(self) -> None:
        connection: Any = socket.create_connection((self.host, self.port), self.timeout)
        if self._is_tls:
            context = ssl.create_default_context()
            connection = context.wrap_socket(connection, server_hostname=self.host)
        self._socket: Any = connection
        self.state = consts.SMPP_CLIENT_STATE_OPEN

    def disconnect(self) -> None:
        """Without a word: the centre sees the connection end."""
        connection: Any = self._socket
        self._socket = None
        if connection is not None:
            connection.close()
        self.state = consts.SMPP_CLIENT_STATE_CLOSED


def _receipt(pdu: Any) -> Delivered | None:
    """From its optional parameters, else from its text; None while it is still on its way."""
    fields = {name.lower(): value for name, value in _FIELDS.findall(_words(pdu))}
    reference = _text(pdu.receipted_message_id) or fields.get("id", "")
    state = STATES.get(_number(pdu.message_state)) or fields.get("stat", "").upper()
    if not reference or state in STILL_OPEN:
        return None
    return Delivered(reference, state in ARRIVED, "" if state in ARRIVED else state.lower())


def _words(pdu: Any) -> str:
    said: bytes = pdu.short_message or pdu.message_payload or b""
    if (pdu.esm_class or 0) & JOINED and said:
        said = said[1 + said[0] :]
    coding = ENCODING if pdu.data_coding == UCS2 else "utf-8" if pdu.data_coding == 0 else "latin-1"
    return said.decode(coding, errors="replace")


def _text(value: bytes | str | None) -> str:
    text = value.decode("ascii", errors="replace") if isinstance(value, bytes) else value or ""
    return text.rstrip("\0")


def _number(value: Any) -> int:
    return value if isinstance(value, int) else value[0] if value else 0


def _why(error: BaseException) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
