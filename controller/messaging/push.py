"""Notices to the browser of a phone: encrypted for it, signed by us, handed to its maker's push service.

Hides the cryptography. Of the phone nothing is known but the address it was given there; only services that
the settings name are asked, so that nobody can make us send something elsewhere.
Source: RFC 8030 (push), RFC 8188 and 8291 (encryption), RFC 8292 (VAPID).
"""

from __future__ import annotations

import base64
import fnmatch
import json
import os
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from controller.clock import real_now
from controller.hall.model import HallError
from controller.message_settings import LOOPBACK
from controller.messaging.carrier import NotSent, Outgoing
from controller.settings import Settings

KEY_FILE = "vapid.pem"
KEEP_S = 1200  # the service keeps a notice for a phone that is off: as long as a turn is near
SIGNED_FOR_S = 12 * 3600  # at most 24 h (RFC 8292, 2)
PATIENCE_S = 10.0
RECORD = 4096  # octets; one record is enough, services take no more (RFC 8030, 7.2)
MOST_TEXT = 600  # characters: of 3 octets each they fit
LONGEST_ADDRESS = 1000
GONE = frozenset({404, 410})
PASSING = frozenset({429})
CURVE = ec.SECP256R1()


class BadSubscription(HallError):
    """What a browser sent is no subscription, or one of a service that is not asked from here."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a notice to one browser goes, and for whom it is encrypted. page: what a touch on it opens."""

    endpoint: str
    public: bytes
    secret: bytes
    page: str

    def __str__(self) -> str:
        """As it is kept, sealed."""
        return json.dumps([self.endpoint, _text(self.public), _text(self.secret), self.page])


def subscription(
    endpoint: object, p256dh: object, auth: object, page: str, settings: Settings
) -> Subscription:
    """What a browser sent, checked. Raises BadSubscription."""
    if not (isinstance(endpoint, str) and isinstance(p256dh, str) and isinstance(auth, str)):
        raise BadSubscription("a subscription has an endpoint and two keys")
    try:
        public, secret = _octets(p256dh), _octets(auth)
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public)
        is_known = len(endpoint) <= LONGEST_ADDRESS and _is_asked(urlsplit(endpoint), settings)
    except ValueError as error:
        raise BadSubscription("the keys of a subscription are a point and a secret") from error
    if not is_known or len(secret) != 16:
        raise BadSubscription("this push service is not asked from here")
    return Subscription(endpoint, public, secret, page)


def kept(text: str) -> Subscription:
    """A subscription as it was kept."""
    endpoint, public, secret, page = json.loads(text)
    return Subscription(endpoint, _octets(public), _octets(secret), page)


def _is_asked(url: SplitResult, settings: Settings) -> bool:
    host = url.hostname or ""
    is_safe = url.scheme == "https" and url.port in (None, 443)
    is_here = url.scheme == "http" and host in LOOPBACK
    return (is_safe or is_here) and any(fnmatch.fnmatch(host, one) for one in settings.push_hosts)


class Signature:
    """Who sends (VAPID): a key pair in the data folder that only its owner may read, made at first use."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / KEY_FILE
        self._lock = threading.Lock()
        self._public = ""

    @property
    def public(self) -> str:
        """What browsers subscribe with."""
        if not self._public:
            self._public = _text(_point(self._key().public_key()))
        return self._public

    def header(self, endpoint: str, contact: str) -> str:
        """The Authorization of a request to that service. contact: mailto: or https:."""
        from joserfc import jwt  # 2 MiB that are only needed where phones are told
        from joserfc.jwk import ECKey

        url = urlsplit(endpoint)
        until = int(real_now().timestamp()) + SIGNED_FOR_S
        claims = {"aud": f"{url.scheme}://{url.netloc}", "exp": until, "sub": contact}
        key = ECKey.import_key(self._key())
        return f"vapid t={jwt.encode({'alg': 'ES256', 'typ': 'JWT'}, claims, key)}, k={self.public}"

    def _key(self) -> ec.EllipticCurvePrivateKey:
        with self._lock:
            if not self._path.exists():
                self._make()
            read = serialization.load_pem_private_key(self._path.read_bytes(), None)
        assert isinstance(read, ec.EllipticCurvePrivateKey)
        return read

    def _make(self) -> None:
        form = serialization.PrivateFormat.PKCS8
        pem = ec.generate_private_key(CURVE).private_bytes(
            serialization.Encoding.PEM, form, serialization.NoEncryption()
        )
        made = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(made, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            os.fsync(file.fileno())
        made.rename(self._path)


class Push:
    """Hands notices to push services; nothing is heard of them later."""

    def __init__(self, settings: Settings, signature: Signature) -> None:
        self._settings, self._signature = settings, signature

    def send(self, message: Outgoing) -> Sequence[str]:
        to = kept(message.address)
        said = json.dumps({"text": message.text[:MOST_TEXT], "page": to.page}, ensure_ascii=False)
        headers = {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEEP_S),
            "Urgency": "high",
            "Authorization": self._signature.header(to.endpoint, self._contact()),
        }
        self._post(to.endpoint, encrypted(said.encode(), to.public, to.secret), headers)
        return ()

    def listen(self) -> None: ...

    def close(self) -> None: ...

    def _contact(self) -> str:
        return self._settings.push_contact or self._settings.slip_url

    def _post(self, endpoint: str, body: bytes, headers: dict[str, str]) -> None:
        url = urlsplit(endpoint)
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=PATIENCE_S)
        try:
            connection.request("POST", f"{url.path}{'?' + url.query if url.query else ''}", body, headers)
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise NotSent(
                "unreachable", f"the push service does not answer: {type(error).__name__}"
            ) from error
        finally:
            connection.close()
        if status in GONE:
            raise NotSent("gone", "the browser has withdrawn its subscription", is_final=True)
        if status >= 300:
            is_final = status < 500 and status not in PASSING
            raise NotSent(f"push_{status}", f"the push service answers {status}", is_final)


def encrypted(
    text: bytes,
    public: bytes,
    secret: bytes,
    ours: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """One record of aes128gcm for the browser with these keys. ours, salt: chance, but in a test."""
    ours, salt = ours or ec.generate_private_key(CURVE), salt or os.urandom(16)
    sender = _point(ours.public_key())
    shared = ours.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public))
    info = b"WebPush: info\0" + public + sender
    input_key = _derived(shared, secret, info, 32)
    key = _derived(input_key, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(input_key, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + struct.pack(">LB", RECORD, len(sender)) + sender
    return head + AESGCM(key).encrypt(nonce, text + b"\x02", None)


def _derived(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    form = serialization.PublicFormat.UncompressedPoint
    return key.public_bytes(serialization.Encoding.X962, form)


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
