"""Signing in with the account people have elsewhere already: OpenID Connect, code flow with PKCE.

Hides the provider's addresses, which it tells itself, and the checks of what it says: signature, issuer,
audience, time and nonce. What comes out is the staff number of a person of ours; who is none gets nowhere.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from controller.hall.model import Refused
from controller.settings import Settings

DISCOVERY = "/.well-known/openid-configuration"
ALGORITHMS = ["RS256", "PS256", "ES256", "RS384", "RS512", "ES384", "ES512", "EdDSA"]  # never none or HS256
VERIFIER_LENGTH = 64  # RFC 7636 section 4.1 asks for 43 to 128 characters
TIMEOUT_S = 5.0
LEEWAY_S = 60  # clocks of two machines
KNOWN_FOR_S = 3600.0  # the provider's addresses and keys


class BadAnswer(Refused):
    """The provider cannot be asked, or what it says is not to be trusted; the person signs in otherwise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What has to be known when the person comes back, and to nobody else."""

    address: str
    state: str
    nonce: str
    verifier: str


class Provider:
    """The provider of these settings. Every method raises BadAnswer."""

    def __init__(self, settings: Settings, back: str) -> None:
        """back: the address that people are sent back to, as it is registered there."""
        self._settings, self._back = settings, back
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, Any], KeySet] | None = None

    def ask(self) -> Asked:
        """Where to send the person, with new secrets for the way there and back."""
        metadata, _ = self._told()
        nonce, verifier = generate_token(32), generate_token(VERIFIER_LENGTH)
        with self._session() as session:
            address, state = session.create_authorization_url(
                metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        return Asked(address, state, nonce, verifier)

    def staff_number(self, code: str, asked: Asked) -> str:
        """Whom the provider vouches for, for the code it sent the person back with."""
        metadata, keys = self._told()
        try:
            with self._session() as session:
                tokens = session.fetch_token(
                    metadata["token_endpoint"],
                    code=code,
                    code_verifier=asked.verifier,
                    timeout=TIMEOUT_S,
                )
        except (RequestException, AuthlibBaseError, ValueError) as error:
            raise refused(error) from error
        claims = self._checked(tokens, keys, metadata["issuer"], asked.nonce)
        number = claims.get(self._settings.oidc_claim)
        if not isinstance(number, str) or not number.strip():
            raise refused(f"the ID token has no {self._settings.oidc_claim}")
        return number.strip()

    def _checked(self, tokens: dict[str, Any], keys: KeySet, issuer: str, nonce: str) -> CodeIDToken:
        """The claims of the ID token."""
        client = self._settings.oidc_client_id
        options = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client}}
        params = {"nonce": nonce, "client_id": client, "access_token": tokens.get("access_token")}
        try:
            token = jwt.decode(str(tokens.get("id_token")), keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, AuthlibBaseError, ValueError) as error:
            self._known = None  # its keys may have changed
            raise refused(error) from error
        return claims

    def _told(self) -> tuple[dict[str, Any], KeySet]:
        """What the provider says of itself, asked once an hour."""
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > KNOWN_FOR_S:
                issuer = self._settings.oidc_issuer.rstrip("/")
                try:
                    with self._session() as session:
                        metadata = self._get(session, f"{issuer}{DISCOVERY}")
                        keys = KeySet.import_key_set(self._get(session, metadata["jwks_uri"]))
                except (RequestException, JoseError, KeyError, ValueError) as error:
                    raise refused(error) from error
                if str(metadata.get("issuer")).rstrip("/") != issuer:
                    raise refused(f"it calls itself {metadata.get('issuer')}")
                self._known = (time.monotonic(), metadata, keys)
            return self._known[1], self._known[2]

    def _get(self, session: OAuth2Session, address: str) -> Any:
        answer = session.get(address, withhold_token=True, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.json()

    def _session(self) -> OAuth2Session:
        secret = self._settings.oidc_client_secret_file
        return OAuth2Session(
            self._settings.oidc_client_id,
            None if secret is None else secret.read_text(encoding="utf-8").strip(),
            scope=self._settings.oidc_scope,
            redirect_uri=self._back,
            code_challenge_method="S256",
            token_endpoint_auth_method="none" if secret is None else "client_secret_basic",
        )


def refused(why: object) -> BadAnswer:
    return BadAnswer("oidc_failed", f"the sign-in service: {why}")
