"""A small OpenID Connect provider, which vouches for whom the test says and keeps the rules of the code flow:
registered addresses, PKCE (S256), codes that are good once, ID tokens signed with its key."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Flask, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server

from controller.clock import real_now

CLIENT, SECRET = "servicehall", "a secret of the client"


@dataclass
class Provider:
    """who: the staff number it vouches for; None: it lets nobody in. said: claims instead of right ones."""

    url: str = ""
    back: str = ""
    who: str | None = "001"
    said: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    signs_with: RSAKey | None = None
    codes: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    def discovery(self) -> ResponseReturnValue:
        return jsonify(
            issuer=self.url,
            authorization_endpoint=f"{self.url}/authorize",
            token_endpoint=f"{self.url}/token",
            jwks_uri=f"{self.url}/keys",
        )

    def keys(self) -> ResponseReturnValue:
        return jsonify(KeySet([self.key]).as_dict(private=False))

    def authorize(self) -> ResponseReturnValue:
        asked = request.args.to_dict()
        self.asked.append(asked)
        if asked["client_id"] != CLIENT or asked["redirect_uri"] != self.back:
            return "who are you?", 400
        if asked["response_type"] != "code" or asked["code_challenge_method"] != "S256":
            return "not like that", 400
        if self.who is None:
            answer = {"error": "access_denied", "state": asked["state"]}
        else:
            code = secrets.token_urlsafe()
            self.codes[code] = asked
            answer = {"code": code, "state": asked["state"]}
        return redirect(f"{self.back}?{urlencode(answer)}")

    def token(self) -> ResponseReturnValue:
        asked = self.codes.pop(request.form["code"], None)
        verifier = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        login = request.authorization
        is_client = login is not None and (login.username, login.password) == (CLIENT, SECRET)
        if asked is None or asked["code_challenge"] != challenge or not is_client:
            return jsonify(error="invalid_grant"), 400
        now = int(real_now().timestamp())
        claims = {
            "iss": self.url,
            "sub": "an id of theirs",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "preferred_username": self.who,
        } | self.said
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.signs_with or self.key)
        return jsonify(access_token="t", token_type="Bearer", id_token=signed)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Requests are no news in a test."""


@contextmanager
def running() -> Iterator[Provider]:
    """The provider behind a real HTTP server."""
    provider, app = Provider(), Flask("provider")
    for path, view, method in (
        ("/.well-known/openid-configuration", provider.discovery, "GET"),
        ("/keys", provider.keys, "GET"),
        ("/authorize", provider.authorize, "GET"),
        ("/token", provider.token, "POST"),
    ):
        app.add_url_rule(path, view.__name__, view, methods=[method])
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
