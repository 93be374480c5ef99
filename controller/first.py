"""How the first administrator gets in, while nobody can sign in yet: by a link only this machine tells.

The link lies in a file of the data folder that only its owner reads, and works until there is a person.
Hides the file; the database has only the hash of what opens it.
"""

from __future__ import annotations

import hmac
import os
import secrets

from sqlalchemy import Connection, func, select

from controller.settings import Settings
from controller.store import Store, records, tables
from controller.store.people import hash_of

NAME = "first_administrator"  # of the hash, among the named values of the site


def invite(store: Store, settings: Settings) -> None:
    """Write the link down while there is nobody, and take it away when there is somebody."""
    path = settings.first_link
    with store.writing() as c:
        if not _is_empty(c):
            path.unlink(missing_ok=True)
            return
        token = secrets.token_urlsafe(32)
        records.put_meta(c, NAME, hash_of(token))
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{settings.web_url}/first/{token}\n")


def is_invited(store: Store, token: str) -> bool:
    """Whether this is the link's token and there is still nobody."""
    with store.reading() as c:
        return _is_empty(c) and hmac.compare_digest(records.get_meta(c, NAME) or "", hash_of(token))


def _is_empty(c: Connection) -> bool:
    return not c.execute(select(func.count()).select_from(tables.person)).scalar_one()
