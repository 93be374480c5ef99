"""People of the site, their one-time links and sign-in sessions.

Hides the tables and that only hashes of secrets are kept: a copy of the database opens nothing.
Times are those of the wall, not of the hall's clock: a hall that runs fast does not sign people out fast.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.low_level import ARGON2_VERSION
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    insert,
    select,
    update,
)

from controller.hall.model import HallError, Refused
from controller.network import Network
from controller.people import Actor, ActorKind, Role
from controller.policy import DEFAULT, Policy
from controller.store import Store, tables
from controller.store.audit import audit
from controller.store.network import network
from controller.store.standings import FAILED, UNLOCK, Standing, is_locked, roles_in, standings

LINK_LASTS = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=1)  # a session's last use is written down at most this often
PASSWORD_LENGTH = 10
NOBODY = "?"  # in the trail for a word nobody goes by: it may be a password typed in the wrong place
LONGEST_NAME = 64
LONGEST_NUMBER = 32
EVERYWHERE = (None, None)  # neither one hall nor one centre
PERSON_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")


class UnknownPerson(HallError):
    """Nobody, or more than one, is called that."""


class BadLink(HallError):
    """The sign-in link was used, is too old or was never given."""


class BadPerson(Refused):
    """A person cannot be written down or changed like that; the message says why."""


class BadPassword(Refused):
    """Wrong name, password or code, too many tries, or a password too easy to guess."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works here. hall: the only hall they may act in; centre: the service point in all of whose
    halls they may; neither: in every hall. home_unit: the department that sent them (S4.24).

    halls_of_centre, points: what the network says of the centre; read with the person, and not written.
    has_given_password: somebody else set it, and they are to set one of their own before anything else.
    """

    id: str
    name: str
    staff_number: str | None
    hall: str | None
    roles: frozenset[Role]
    is_active: bool
    has_password: bool = False
    has_given_password: bool = False
    has_second_factor: bool = False
    centre: str | None = None
    home_unit: str | None = None
    halls_of_centre: frozenset[str] = frozenset()
    points: frozenset[str] = frozenset()

    @property
    def halls(self) -> frozenset[str] | None:
        if self.hall is not None:
            return frozenset({self.hall})
        return None if self.centre is None else self.halls_of_centre

    @property
    def is_everywhere(self) -> bool:
        return self.halls is None

    def works_in(self, hall: str) -> bool:
        return self.halls is None or hall in self.halls

    def covers(self, other: Person) -> bool:
        """Whether all places `other` works in are of this person's."""
        if self.halls is None:
            return True
        if other.hall is not None:
            return other.hall in self.halls
        return self.hall is None and other.centre in self.points

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.PERSON, self.id, self.roles, self.halls)


@dataclass(frozen=True, slots=True)
class Session:
    """Being signed in somewhere. id: names it, and opens nothing; is_here: it is the one that asks."""

    id: str
    begun_at: datetime
    seen_at: datetime
    is_here: bool


class People:
    """The people of one store."""

    def __init__(self, store: Store, policy: Policy = DEFAULT) -> None:
        self.store, self.policy = store, policy
        self._hasher = PasswordHasher()

    # --- who there is

    def all(self) -> list[Person]:
        """Everybody, by staff number and name."""
        with self.store.reading() as c:
            return everybody(c)

    def get(self, id: str) -> Person | None:
        with self.store.reading() as c:
            return _get(c, id)

    def find(self, word: str) -> Person:
        """Who has this id, staff number or name. Raises UnknownPerson when nobody or several do."""
        t = tables.person.c
        query = select(tables.person).where((t.id == word) | (t.staff_number == word) | (t.name == word))
        with self.store.reading() as c:
            found = [_read(c, row) for row in c.execute(query).all()]
        if len(found) != 1:
            count = "nobody" if not found else f"{len(found)} people"
            raise UnknownPerson(f"{count} here by the id, staff number or name {word!r}")
        return found[0]

    def names(self, ids: Collection[str]) -> dict[str, str]:
        """The names of these people, for lists that hold only ids."""
        query = select(tables.person.c.id, tables.person.c.name).where(tables.person.c.id.in_(list(ids)))
        with self.store.reading() as c:
            return {row.id: row.name for row in c.execute(query)}

    def add(self, person: Person, now: datetime, by: str = "system") -> Person:
        """Write a new person down. Raises BadPerson when the id or staff number is taken or not one."""
        if not PERSON_ID.fullmatch(person.id):
            raise BadPerson("person_id", f"{person.id!r} is no id: small letters, digits and - are")
        with self.store.writing() as c:
            _check_words(c, person, tables.person.c.id == person.id)
            c.execute(insert(tables.person).values(**_columns(person), created_at=now))
            scope = {"hall": person.hall, "centre": person.centre, "home_unit": person.home_unit}
            audit(by, "person.add", person.id, now, roles=sorted(person.roles), **scope)(c)
        return person

    def change(self, person: Person, now: datetime, by: str = "system") -> None:
        """Another name, staff number, hall or other roles for who has this id. Raises BadPerson, also when
        nobody would look after the people of a hall any more."""
        with self.store.writing() as c:
            _check_words(c, person)
            before, admins = _get(c, person.id), _admins(c)
            if before is None:
                raise UnknownPerson(f"nobody here by the id {person.id!r}")
            c.execute(update(tables.person).where(tables.person.c.id == person.id).values(**_words(person)))
            _check_admins(c, admins)
            audit(by, "person.change", person.id, now, **_changes(before, person))(c)

    def set_active(self, id: str, is_active: bool, now: datetime, by: str = "system") -> None:
        """Let somebody in again, or shut them out at once: their sessions and links end. Raises BadPerson
        when nobody would look after the people of a hall any more."""
        with self.store.writing() as c:
            admins = _admins(c)
            c.execute(update(tables.person).where(tables.person.c.id == id).values(is_active=is_active))
            if not is_active:
                _check_admins(c, admins)
                end_all(c, id, now)
            audit(by, "person.enable" if is_active else "person.disable", id, now)(c)

    def standings(self, now: datetime) -> dict[str, Standing]:
        """How each person's account stands now, by id."""
        with self.store.reading() as c:
            return standings(c, now, self.policy)

    def unlock(self, id: str, now: datetime, by: str = "system") -> None:
        """Let somebody try again at once who gave too many wrong passwords."""
        with self.store.writing() as c:
            audit(by, UNLOCK, id, now)(c)

    # --- one-time links

    def link(self, id: str, now: datetime, by: str = "system") -> str:
        """The token of a link that signs this person in once, within LINK_LASTS."""
        token = secrets.token_urlsafe(32)
        with self.store.writing() as c:
            if (person := _get(c, id)) is None or not person.is_active:
                raise UnknownPerson(f"{id} does not work here now")
            c.execute(
                insert(tables.link).values(token_hash=hash_of(token), person=id, expires_at=now + LINK_LASTS)
            )
            audit(by, "person.link", id, now)(c)
        return token

    def whose_link(self, token: str, now: datetime) -> Person:
        """Whom the link would sign in; using it is another step. Raises BadLink."""
        with self.store.reading() as c:
            return _whose_link(c, token, now)

    def use_link(self, token: str, now: datetime) -> str:
        """Sign in by the link, which is used up: the token of the new session. Raises BadLink."""
        with self.store.writing() as c:
            person = _whose_link(c, token, now)
            used = update(tables.link).where(tables.link.c.token_hash == hash_of(token)).values(used_at=now)
            c.execute(used)
            return begin(c, person, now, "link")

    # --- passwords, for those who want one

    def set_password(
        self, id: str, password: str, now: datetime, by: str = "system", session: str = ""
    ) -> None:
        """Raises BadPassword when it is too easy to guess, or was given and is to be kept. Whoever is
        signed in as this person is not any more, except in `session`: a password is changed when somebody
        else may know the old one."""
        check_password(password)
        if by == id and self._is_given(id, password):
            raise BadPassword("password_same", "the new password is the one that was given")
        changed = {"password_hash": self._hasher.hash(password), "is_password_given": by != id}
        with self.store.writing() as c:
            c.execute(update(tables.person).where(tables.person.c.id == id).values(changed))
            end_all(c, id, now, session)
            audit(by, "person.password", id, now)(c)

    def _is_given(self, id: str, password: str) -> bool:
        t = tables.person.c
        with self.store.reading() as c:
            given = c.execute(select(t.password_hash).where(t.id == id, t.is_password_given)).scalar()
        return given is not None and self._matches(given, password)

    def sign_in(self, word: str, password: str, now: datetime) -> str:
        """Sign in by staff number and password: the token of the new session. Raises BadPassword."""
        t = tables.person.c
        query = select(tables.person).where((t.id == word) | (t.staff_number == word), t.is_active)
        with self.store.reading() as c:
            row = c.execute(query).first()
            too_many = row is not None and is_locked(c, row.id, now, self.policy)
        if too_many:
            raise locked(self.policy)
        matches = self._matches(row.password_hash if row else None, password)
        with self.store.writing() as c:
            if row is not None and matches:
                return begin(c, _read(c, row), now, "password")
            audit("", FAILED, row.id if row else NOBODY, now)(c)
        raise BadPassword("password_wrong", "no such staff number with that password")

    def sign_in_as(self, number: str, now: datetime) -> tuple[str, Person]:
        """The token of a new session of who has this staff number, for whom another service vouches. Raises
        BadPassword when nobody here has it."""
        t = tables.person.c
        with self.store.writing() as c:
            row = c.execute(select(tables.person).where(t.staff_number == number, t.is_active)).first()
            if row is not None:
                person = _read(c, row)
                return begin(c, person, now, "oidc"), person
            audit("", FAILED, NOBODY, now, by="oidc")(c)
        raise BadPassword("oidc_unknown", "nobody who works here has the staff number the service names")

    def _matches(self, hashed: str | None, password: str) -> bool:
        """Takes as long for somebody unknown as for a wrong password."""
        try:
            return self._hasher.verify(hashed or _nobodys(self._hasher), password) and hashed is not None
        except (VerifyMismatchError, InvalidHashError):
            return False

    # --- sessions

    def signed_in(
        self, token: str, now: datetime, *, is_use: bool = False, is_looking: bool = False
    ) -> Person | None:
        """Whose session this is; None when it ended, was idle for too long or the person was shut out.

        is_use: the person did something, so the session's idle time starts anew. is_looking: a board is
        looked at, which goes on when the session was idle, until it is over altogether.
        """
        with self.store.asking() as c:
            row = c.execute(_SIGNED_IN, {"hash": hash_of(token)}).first()
            person = None if row is None else _read(c, row)
        if row is None or not row.is_active or row.ended_at is not None or row.awaits_code:
            return None
        is_idle = now - row.seen_at >= self.policy.idle_of(roles_in(row.roles))
        if (is_idle and not is_looking) or now - row.begun_at >= self.policy.longest:
            return None
        if is_use and not is_idle and row.seen_at < now - SEEN_EVERY:
            self._note_use(token, now)
        return person

    def is_idle(self, token: str, now: datetime) -> bool:
        """Whether this session would be signed in, had it been used."""
        person = self.signed_in(token, now, is_looking=True)
        return person is not None and self.signed_in(token, now) is None

    def _note_use(self, token: str, now: datetime) -> None:
        t = tables.login_session.c
        fresh = update(tables.login_session).where(
            t.token_hash == hash_of(token), t.seen_at < now - SEEN_EVERY, t.ended_at.is_(None)
        )
        with self.store.writing() as c:
            c.execute(fresh.values(seen_at=now))

    def sign_out(self, token: str, now: datetime) -> None:
        t = tables.login_session.c
        with self.store.writing() as c:
            session = c.execute(_session(token)).first()
            if session is not None and session.ended_at is None:
                ended = update(tables.login_session).where(t.token_hash == hash_of(token))
                c.execute(ended.values(ended_at=now))
                audit(session.person, "person.sign_out", session.person, now)(c)

    def sessions(self, id: str, now: datetime, token: str = "") -> list[Session]:
        """Where this person is signed in now, the last used first. token: of the session that asks."""
        t = tables.login_session.c
        query = select(t.token_hash, t.created_at, t.seen_at).where(
            t.person == id, t.ended_at.is_(None), ~t.awaits_code, t.created_at > now - self.policy.longest
        )
        with self.store.reading() as c:
            person = _get(c, id)
            idle = self.policy.idle_of(person.roles if person else ())
            rows = c.execute(
                query.where(t.seen_at > now - idle).order_by(t.seen_at.desc(), t.created_at.desc())
            ).all()
        return [Session(*row, is_here=row.token_hash == hash_of(token)) for row in rows]

    def end_session(self, id: str, session: str, now: datetime, by: str) -> None:
        """End one session of this person, by its Session.id; one of somebody else stays."""
        t = tables.login_session.c
        theirs = (t.token_hash == session, t.person == id, t.ended_at.is_(None))
        with self.store.writing() as c:
            if c.execute(update(tables.login_session).where(*theirs).values(ended_at=now)).rowcount:
                audit(by, "person.session_end", id, now)(c)

    def end_sessions(self, id: str, now: datetime, by: str = "system", but: str = "") -> None:
        """End all sessions of this person, except that of the token `but`, and the links not used yet."""
        with self.store.writing() as c:
            end_all(c, id, now, but)
            audit(by, "person.sessions_end", id, now, but_one=bool(but))(c)

    # --- the trail

    def trail(
        self, limit: int = 200, what: str | None = None, since: datetime | None = None
    ) -> list[dict[str, Any]]:
        """The newest audit rows, newest first; what: only those of one kind; since: none from before."""
        t = tables.audit.c
        order = (t.id.desc(),) if since is None else (t.at.desc(), t.id.desc())
        query = select(tables.audit).order_by(*order).limit(limit)
        if what is not None:
            query = query.where(t.what == what)
        if since is not None:
            query = query.where(t.at >= since)
        with self.store.reading() as c:
            return [dict(row._mapping) for row in c.execute(query)]


def everybody(c: Connection) -> list[Person]:
    """By staff number and name."""
    known = network(c)
    query = select(tables.person).order_by(tables.person.c.staff_number, tables.person.c.name)
    return [_person(row, known) for row in c.execute(query)]


def locked(policy: Policy) -> BadPassword:
    minutes = policy.lock_minutes
    return BadPassword("password_locked", f"too many wrong tries; wait {minutes} minutes", minutes=minutes)


def hash_of(token: str) -> str:
    """Tokens have 256 bits of chance, so a plain hash is enough to keep them from readers of the table."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_password(password: str) -> None:
    """Raises BadPassword when it is too easy to guess."""
    if len(password) < PASSWORD_LENGTH or len({_kind_of(letter) for letter in password}) < 2:
        raise BadPassword(
            "password_weak", f"a password has {PASSWORD_LENGTH} characters or more of two kinds at least"
        )


def _kind_of(letter: str) -> str:
    if letter.isdigit():
        return "digit"
    return "letter" if letter.isalpha() else "sign"


def _columns(person: Person) -> dict[str, object]:
    return {"id": person.id, "is_active": person.is_active, **_words(person)}


def _words(person: Person) -> dict[str, object]:
    """What people say of somebody, and may change."""
    return {
        "name": person.name,
        "staff_number": person.staff_number,
        "hall": person.hall,
        "centre": person.centre if person.hall is None else None,
        "home_unit": person.home_unit,
        "roles": sorted(person.roles),
    }


def _check_words(c: Connection, person: Person, or_taken: ColumnElement[bool] | None = None) -> None:
    """Raises BadPerson. or_taken: what else nobody may be already."""
    if not 0 < len(person.name.strip()) <= LONGEST_NAME:
        raise BadPerson("person_name", f"a person has a name, of {LONGEST_NAME} characters at most")
    if len(person.staff_number or "") > LONGEST_NUMBER:
        raise BadPerson("person_number", f"a staff number has {LONGEST_NUMBER} characters at most")
    t = tables.person.c
    others = (t.staff_number == (person.staff_number or "")) & (t.id != person.id)
    taken = select(t.name).where(others if or_taken is None else others | or_taken)
    if (name := c.execute(taken).scalar()) is not None:
        what = f"id {person.id} or staff number {person.staff_number} is already {name}'s"
        raise BadPerson("number_taken", what, name=name)


def _changes(before: Person, after: Person) -> dict[str, object]:
    """What is other than before, for the trail; of a name and number only that, for the trail is for ever."""
    words = {name for name in ("name", "staff_number") if getattr(before, name) != getattr(after, name)}
    changes: dict[str, object] = {"words": sorted(words)} if words else {}
    for name in ("hall", "centre", "home_unit"):
        if getattr(before, name) != getattr(after, name):
            changes[name] = [getattr(before, name), getattr(after, name)]
    if before.roles != after.roles:
        changes["roles"] = [sorted(before.roles), sorted(after.roles)]
    return changes


def _admins(c: Connection) -> set[tuple[str | None, str | None]]:
    """The halls and centres whose people somebody looks after; EVERYWHERE: those of the whole site."""
    t = tables.person.c
    active = c.execute(select(t.hall, t.centre, t.roles).where(t.is_active))
    return {(row.hall, row.centre) for row in active if Role.ADMIN in row.roles}


def _check_admins(c: Connection, before: set[tuple[str | None, str | None]]) -> None:
    """Raises BadPerson when the change under way took the last administrator away."""
    after = _admins(c)
    if EVERYWHERE not in after and before - after:
        raise BadPerson("last_admin", "this is the last administrator: make somebody else one first")


def _read(c: Connection, row: Row[Any]) -> Person:
    """The person of the row; the network is asked only for somebody who works for a centre."""
    return _person(row, network(c) if row.centre is not None else Network())


def _person(row: Row[Any], known: Network) -> Person:
    return Person(
        row.id,
        row.name,
        row.staff_number,
        row.hall,
        roles_in(row.roles),
        row.is_active,
        row.password_hash is not None,
        row.is_password_given,
        row.second_factor_at is not None,
        row.centre,
        row.home_unit,
        known.halls_of(row.centre) if row.centre is not None else frozenset(),
        known.below(row.centre) if row.centre is not None else frozenset(),
    )


_SIGNED_IN = (  # made once: every request of a person asks it
    select(
        tables.person,
        tables.login_session.c.seen_at,
        tables.login_session.c.ended_at,
        tables.login_session.c.awaits_code,
        tables.login_session.c.created_at.label("begun_at"),
    )
    .join(tables.login_session, tables.login_session.c.person == tables.person.c.id)
    .where(tables.login_session.c.token_hash == bindparam("hash"))
)


def _get(c: Connection, id: str) -> Person | None:
    row = c.execute(select(tables.person).where(tables.person.c.id == id)).first()
    return None if row is None else _read(c, row)


def _session(token: str) -> Any:
    return select(tables.login_session).where(tables.login_session.c.token_hash == hash_of(token))


def _whose_link(c: Connection, token: str, now: datetime) -> Person:
    row = c.execute(select(tables.link).where(tables.link.c.token_hash == hash_of(token))).first()
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise BadLink("this sign-in link was used or is too old; ask for a new one")
    person = _get(c, row.person)
    if person is None or not person.is_active:
        raise BadLink("this sign-in link belongs to nobody who works here now")
    return person


def begin(c: Connection, person: Person, now: datetime, by: str) -> str:
    """The token of a new session, which waits for a code when the person has a second factor."""
    token = secrets.token_urlsafe(32)
    awaits = person.has_second_factor
    row = {"token_hash": hash_of(token), "person": person.id, "created_at": now, "seen_at": now}
    c.execute(insert(tables.login_session).values(row | {"awaits_code": awaits}))
    audit(person.id, "person.code_asked" if awaits else "person.sign_in", person.id, now, by=by)(c)
    return token


def _nobodys(hasher: PasswordHasher) -> str:
    """A hash no password has, which takes the same work to find out."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (
        base64.b64encode(bytes(length)).decode().rstrip("=") for length in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def end_all(c: Connection, person: str, now: datetime, but: str = "") -> None:
    """End the person's sessions, except that of the token `but`, and the links not used yet."""
    sessions, links = tables.login_session.c, tables.link.c
    theirs = (sessions.person == person, sessions.ended_at.is_(None), sessions.token_hash != hash_of(but))
    c.execute(update(tables.login_session).where(*theirs).values(ended_at=now))
    c.execute(update(tables.link).where(links.person == person, links.used_at.is_(None)).values(used_at=now))
