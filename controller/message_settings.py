"""What is wrong with the settings of messages to citizens, if anything is: found when the program starts and
not when the first citizen waits for a message."""

from __future__ import annotations

import json
import re
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from controller.settings import Settings

CARRIERS = ("log", "http", "smpp", "modem")
PLACES = ("number", "digits", "text", "id", "sender", "user")  # what {…} in sms_body may name
FIELDS = ("number", "text", "id", "status", "delivered")  # what a gateway tells us
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def wrong(settings: Settings) -> str | None:
    """The setting and what it must be, as one sentence without its file; None when all is well."""
    if settings.sms_carrier not in CARRIERS:
        return f"'sms_carrier' must be one of {', '.join(CARRIERS)}, not {settings.sms_carrier!r}"
    for name in ("sms_secret_file", "sms_in_token_file"):
        file: Path | None = getattr(settings, name)
        if file is not None and not is_private(file):
            return f"'{name}' must name a file that only its owner may read (mode 0600), not {file}"
    if not re.fullmatch(r"[1-9]\d{0,2}", settings.sms_country):
        return f"'sms_country' must be a country's digits like 86, not {settings.sms_country!r}"
    return _wrong_address(settings) or _wrong_gateway(settings) or _wrong_networks(settings)


def _wrong_address(settings: Settings) -> str | None:
    carrier, address = settings.sms_carrier, settings.sms_address
    parts = urlsplit(address)
    if carrier == "http" and parts.scheme != "https" and not _is_here(parts):
        return f"'sms_address' must begin with https:// for a gateway, not {_bare(address)!r}"
    if carrier == "http" and (parts.username or parts.password):
        return "'sms_address' must not hold a password; put it into a file and name it in sms_secret_file"
    if carrier == "smpp" and not (parts.scheme in ("smpp", "smpps") and parts.hostname and parts.port):
        return f"'sms_address' must be smpp://host:port or smpps://host:port, not {_bare(address)!r}"
    if carrier == "smpp" and not (settings.sms_user and settings.sms_secret_file):
        return "'sms_user' and 'sms_secret_file' are needed for SMPP: system id and password"
    if carrier == "modem" and not address.startswith("serial:/"):
        return f"'sms_address' must be like serial:/dev/serial/by-id/...?baud=115200, not {address!r}"
    return None


def _wrong_gateway(settings: Settings) -> str | None:
    try:
        _fill(json.loads(settings.sms_body))
    except ValueError:
        return "'sms_body' must be JSON"
    except (KeyError, IndexError) as error:
        return f"'sms_body' has a place {error}; there is {', '.join(PLACES)}"
    name, colon, value = settings.sms_header.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9-]+", name.strip()) or "{secret}" not in value:
        return "'sms_header' must be like X-Api-Key: {secret}"
    for line in settings.sms_in_fields:
        if line.partition("=")[0] not in FIELDS or "=" not in line:
            return f"'sms_in_fields' has {line!r}; write NAME=THEIRS with a name of {', '.join(FIELDS)}"
    return None


def _fill(value: Any) -> None:
    """Raises KeyError or ValueError for a place that cannot be filled."""
    if isinstance(value, str):
        value.format_map(dict.fromkeys(PLACES, ""))
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _fill(one)


def is_private(file: Path) -> bool:
    """A file only its owner may read."""
    return file.is_file() and not file.stat().st_mode & 0o077


def _wrong_networks(settings: Settings) -> str | None:
    for network in settings.kiosk_networks:
        try:
            ip_network(network)
        except ValueError:
            return f"'kiosk_networks' has {network!r}, which is no network like 10.1.0.0/16"
    if settings.push_contact and urlsplit(settings.push_contact).scheme not in ("mailto", "https"):
        return "'push_contact' must begin with mailto: or https://"
    return None


def _is_here(parts: SplitResult) -> bool:
    """Unencrypted, to a program of this machine."""
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def _bare(address: str) -> str:
    """Without what may be a password."""
    return address.partition("?")[0].rpartition("@")[2]
