"""Secrets that have to be read again, sealed with a key that is not in the database.

Hides the key: a file of the data folder that only its owner may read, made at first use. A copy of the
database, such as a backup, opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from controller.hall.model import HallError

NAME = "seal.key"
DIGEST_CHARACTERS = 40  # 160 bits


class BadSeal(HallError):
    """What was sealed cannot be opened: it was sealed with another key, or is too old."""


class Seal:
    """Seals with the key in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def close(self, text: str) -> bytes:
        return Fernet(self._key()).encrypt(text.encode())

    def open(self, sealed: bytes, within_s: int | None = None) -> str:
        """What was sealed, at most `within_s` ago. Raises BadSeal."""
        try:
            return Fernet(self._key()).decrypt(sealed, within_s).decode()
        except InvalidToken as error:
            raise BadSeal(f"this was not sealed with the key in {self._path}, or too long ago") from error

    def digest(self, text: str, purpose: str) -> str:
        """A keyed hash of the text, good for comparing and for nothing else; another for each purpose."""
        key = hmac.digest(self._key(), f"digest:{purpose}".encode(), hashlib.sha256)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:DIGEST_CHARACTERS]

    def _key(self) -> bytes:
        """The key; of two programs that make it at once the first wins."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            pass
        made = self._path.with_name(f"{NAME}.{os.getpid()}.{threading.get_ident()}")
        descriptor = os.open(made, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            os.fsync(file.fileno())
        try:
            os.link(made, self._path)
        except FileExistsError:
            pass
        made.unlink()
        return self._path.read_bytes()
