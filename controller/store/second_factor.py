"""The second factor: a code of six digits from a person's phone (TOTP, RFC 6238), or a recovery code.

Hides the secret, which is kept sealed and shown only until it was confirmed, and that no code is good
twice: of the phone's the step it was made for is remembered, of the recovery codes which are used up.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pyotp import TOTP, random_base32
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from controller.policy import DEFAULT, Policy
from controller.store import Store, tables
from controller.store.audit import audit
from controller.store.people import BadPassword, end_all, hash_of, locked
from controller.store.seal import Seal
from controller.store.standings import CODE_FAILED, is_locked

STEP_S = 30  # RFC 6238 section 5.2, and what every authenticator takes for granted
DRIFT = (0, -1, 1)  # steps a phone's clock may be off; RFC 6238 section 6
CODE_WITHIN = timedelta(minutes=10)  # after the password
RECOVERY_CODES = 10
RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH = 16  # letters: 79 bits, so that a plain hash is enough


@dataclass(frozen=True, slots=True)
class Factor:
    """A person's second factor that works. codes: recovery codes not used yet."""

    since: datetime
    codes: int


class SecondFactors:
    """The second factors of one store's people."""

    def __init__(self, store: Store, seal: Seal, policy: Policy = DEFAULT) -> None:
        self._store, self._seal, self._policy = store, seal, policy

    def of(self, id: str) -> Factor | None:
        """None while the person has none, or has not confirmed it."""
        with self._store.reading() as c:
            row = _row(c, id)
            if row.second_factor_at is None:
                return None
            t = tables.recovery_code.c
            unused = select(func.count()).where(t.person == id, t.used_at.is_(None))
            return Factor(row.second_factor_at, int(c.execute(unused).scalar_one()))

    # --- setting it up

    def begin(self, id: str) -> str:
        """The secret to be put into the phone; it counts when a code made with it is confirmed. One that
        waits for that stays the same."""
        with self._store.writing() as c:
            row = _row(c, id)
            if row.second_factor_at is not None:
                raise BadPassword("factor_there", "there is a second factor already")
            if row.second_factor is not None:
                return self._seal.open(row.second_factor)
            secret = random_base32()
            _set(c, id, second_factor=self._seal.close(secret), second_factor_step=None)
        return secret

    def confirm(self, id: str, code: str, now: datetime, session: str) -> list[str]:
        """From now on a code is asked for: the recovery codes, to be shown this once. Whoever is signed in as
        this person without a code is not any more, except in `session`. Raises BadPassword."""
        with self._store.writing() as c:
            row = _row(c, id)
            step = self._step(row, code, now)
            if row.second_factor_at is not None or step is None:
                raise BadPassword("code_wrong", "that is not the code the phone shows now")
            _set(c, id, second_factor_at=now, second_factor_step=step)
            end_all(c, id, now, session)
            audit(id, "person.second_factor_on", id, now)(c)
            return _new_codes(c, id)

    def new_codes(self, id: str, code: str, now: datetime) -> list[str]:
        """Other recovery codes, for a code of the phone; those before are void. Raises BadPassword."""
        self.check(id, code, now)
        with self._store.writing() as c:
            audit(id, "person.recovery_codes", id, now)(c)
            return _new_codes(c, id)

    def take_off(self, id: str, now: datetime, by: str = "system") -> None:
        """Back to the password alone; every session of the person ends unless it was their own wish."""
        with self._store.writing() as c:
            _set(c, id, second_factor=None, second_factor_at=None, second_factor_step=None)
            c.execute(delete(tables.recovery_code).where(tables.recovery_code.c.person == id))
            if by != id:
                end_all(c, id, now)
            audit(by, "person.second_factor_off", id, now)(c)

    # --- using it

    def awaiting(self, token: str, now: datetime) -> str | None:
        """Who gave the password or link of this session, and not yet the code."""
        t = tables.login_session.c
        query = select(t.person).where(
            t.token_hash == hash_of(token),
            t.awaits_code,
            t.ended_at.is_(None),
            t.created_at > now - CODE_WITHIN,
        )
        with self._store.reading() as c:
            found: str | None = c.execute(query).scalar()
        return found

    def complete(self, token: str, code: str, now: datetime) -> str:
        """The session of this token is signed in, for a code: whose it is. Raises BadPassword."""
        id = self.awaiting(token, now)
        if id is None:
            raise BadPassword("code_late", "the password was given too long ago: sign in anew")
        kind = self.check(id, code, now)
        t = tables.login_session.c
        with self._store.writing() as c:
            c.execute(
                update(tables.login_session).where(t.token_hash == hash_of(token)).values(awaits_code=False)
            )
            audit(id, "person.sign_in", id, now, by=kind)(c)
        return id

    def check(self, id: str, code: str, now: datetime) -> str:
        """What kind of code it was, "code" or "recovery_code"; it is used up. Raises BadPassword."""
        with self._store.reading() as c:
            if is_locked(c, id, now, self._policy):
                raise locked(self._policy)
        with self._store.writing() as c:
            if (step := self._step(_row(c, id), code, now)) is not None:
                _set(c, id, second_factor_step=step)
                return "code"
            if _use_recovery(c, id, code, now):
                return "recovery_code"
            audit("", CODE_FAILED, id, now)(c)
        raise BadPassword("code_wrong", "that is not the code the phone shows now")

    def _step(self, row: Row[Any], code: str, now: datetime) -> int | None:
        """The step the code was made for; None when it is no code, or one of a step that was used."""
        digits = re.sub(r"\s", "", code)
        if row.second_factor is None or not re.fullmatch(r"[0-9]{6}", digits):
            return None
        totp = TOTP(self._seal.open(row.second_factor))
        this = int(now.timestamp()) // STEP_S
        used = -1 if row.second_factor_step is None else row.second_factor_step
        fresh = (this + off for off in DRIFT if this + off > used)
        return next((step for step in fresh if hmac.compare_digest(totp.generate_otp(step), digits)), None)


def _row(c: Connection, id: str) -> Row[Any]:
    return c.execute(select(tables.person).where(tables.person.c.id == id)).one()


def _set(c: Connection, id: str, **values: object) -> None:
    c.execute(update(tables.person).where(tables.person.c.id == id).values(**values))


def _new_codes(c: Connection, id: str) -> list[str]:
    made = [
        "".join(secrets.choice(RECOVERY_LETTERS) for _ in range(RECOVERY_LENGTH))
        for _ in range(RECOVERY_CODES)
    ]
    c.execute(delete(tables.recovery_code).where(tables.recovery_code.c.person == id))
    c.execute(insert(tables.recovery_code), [{"person": id, "code_hash": _hash(code)} for code in made])
    return ["-".join(code[n : n + 4] for n in range(0, RECOVERY_LENGTH, 4)) for code in made]


def _use_recovery(c: Connection, id: str, code: str, now: datetime) -> bool:
    t = tables.recovery_code.c
    theirs = (t.person == id, t.code_hash == _hash(re.sub(r"[\s-]", "", code.lower())), t.used_at.is_(None))
    return c.execute(update(tables.recovery_code).where(*theirs).values(used_at=now)).rowcount == 1


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
