"""Messages through a gateway over HTTP: one POST with JSON for each, in the form that its makers ask for.

Hides the connection. The form is a template of JSON in the settings, whose strings have places: {number},
{text}, {id}, {sender} and {user}; the secret stands in one header and nowhere else. A redirect is not
followed, for it would carry the header to somebody else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from controller.messaging.carrier import NotSent, Outgoing
from controller.settings import Settings

PATIENCE_S = 10.0
MOST_BYTES = 64 * 1024  # of an answer
BUSY = frozenset({408, 425, 429})  # what passes by itself, besides everything from 500 on


class Gateway:
    """One gateway, as the settings describe it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = urlsplit(settings.sms_address)
        self._body: Any = json.loads(settings.sms_body)
        self._ok = dict(part.partition("=")[::2] for part in settings.sms_ok)

    def send(self, message: Outgoing) -> Sequence[str]:
        settings = self._settings
        places = {
            "number": message.address,  # +8613800138000
            "digits": message.address.removeprefix("+"),
            "text": message.text,
            "id": str(message.id),
            "sender": settings.sms_sender,
            "user": settings.sms_user,
        }
        said = self._post(json.dumps(filled(self._body, places)).encode(), str(message.id))
        for field, wanted in self._ok.items():
            if str(found(said, field)) != wanted:
                raise NotSent("refused", f"the gateway's answer has {field} other than {wanted}")
        reference = found(said, settings.sms_id_field) if settings.sms_id_field else None
        return [] if reference in (None, "") else [str(reference)[:100]]

    def listen(self) -> None: ...  # a gateway calls us: web/gateway.py

    def close(self) -> None: ...

    def _post(self, body: bytes, key: str) -> Any:
        url = self._url
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=PATIENCE_S)
        target = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        try:
            connection.request("POST", target, body, self._headers(key))
            answer = connection.getresponse()
            status, said = answer.status, answer.read(MOST_BYTES)
        except (OSError, HTTPException) as error:
            raise NotSent("unreachable", f"the gateway does not answer: {type(error).__name__}") from error
        finally:
            connection.close()
        if status >= 300:
            is_final = 400 <= status < 500 and status not in BUSY and status not in (401, 403)
            raise NotSent(f"http_{status}", f"the gateway answers {status}", is_final)
        return _decoded(said)

    def _headers(self, key: str) -> Mapping[str, str]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if self._settings.sms_secret_file is not None:
            name, _, value = self._settings.sms_header.partition(":")
            headers[name.strip()] = value.strip().replace("{secret}", secret(self._settings.sms_secret_file))
        return headers


def secret(file: Path) -> str:
    """What stands in the file, read anew each time so that it can be exchanged. Raises NotSent."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NotSent("secret", f"the secret in {file} cannot be read: {error.strerror}") from error


def filled(value: Any, places: Mapping[str, str]) -> Any:
    """The template with its places filled in; only strings have any, and a text never becomes a place."""
    match value:
        case str():
            return value.format_map(places)
        case dict():
            return {name: filled(one, places) for name, one in value.items()}
        case list():
            return [filled(one, places) for one in value]
        case _:
            return value


def found(said: Any, path: str) -> Any:
    """What stands at "data.0.id" in decoded JSON; None where there is no such thing."""
    for part in path.split("."):
        match said:
            case dict():
                said = said.get(part)
            case list() if part.isdigit() and int(part) < len(said):
                said = said[int(part)]
            case _:
                return None
    return said


def _decoded(said: bytes) -> Any:
    try:
        return json.loads(said) if said.strip() else {}
    except ValueError:
        return {}
