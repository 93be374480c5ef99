"""What an administrator changes of people: checked, written down, and taken over into the halls' plans.

Hides whom somebody looks after (the people of their hall or centre, or everybody), that nobody takes away
their own right to, and that who works at windows is a clerk of the hall's plan. Nobody is ever deleted: what
they did stays theirs.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from controller.hall.commands import ChangePlan
from controller.hall.model import Clerk, Hall, Refused
from controller.keeping import PERSON, need_reason
from controller.people import Role, check_looks_after
from controller.site import Site
from controller.store.audit import audit
from controller.store.erasure import erase_person
from controller.store.people import Person, UnknownPerson

AT_WINDOWS = frozenset({Role.CLERK, Role.WINDOW_LEAD})
SYLLABLES = "bdfghjkmnprstvwz", "aeiou"  # of given passwords: no letter that looks like another
PASSWORD_SYLLABLES = 9  # with two digits more than 60 bits


class Administration:
    """What `by` may do for others. Every method raises NotAllowed for people of another hall."""

    def __init__(self, site: Site, by: Person) -> None:
        self._people, self._second_factors, self._halls = site.people, site.second_factors, site.halls
        self._by = by

    def everybody(self) -> list[Person]:
        """Those `by` looks after."""
        return [one for one in self._people.all() if self._by.covers(one)]

    def get(self, id: str) -> Person:
        """Raises UnknownPerson."""
        person = self._people.get(id)
        if person is None:
            raise UnknownPerson(f"nobody here by the id {id!r}")
        check_looks_after(self._by, person)
        return person

    def add(self, person: Person, now: datetime) -> Person:
        """A new person, whose id is made from the staff number. Raises BadPerson."""
        check_looks_after(self._by, person)
        added = self._people.add(replace(person, id=self._new_id(person)), now, self._by.id)
        self._keep_plans(now)
        return added

    def change(self, person: Person, now: datetime) -> None:
        """Another name, staff number, hall or other roles. Raises BadPerson, UnknownPerson, Refused."""
        self.get(person.id)
        check_looks_after(self._by, person)
        is_moved = (person.hall, person.centre) != (self._by.hall, self._by.centre)
        if person.id == self._by.id and (Role.ADMIN not in person.roles or is_moved):
            raise own_right()
        self._people.change(person, now, self._by.id)
        self._keep_plans(now)

    def set_active(self, id: str, is_active: bool, now: datetime) -> None:
        """Let somebody in again, or shut them out at once."""
        if self.get(id).id == self._by.id and not is_active:
            raise own_right()
        self._people.set_active(id, is_active, now, self._by.id)
        self._keep_plans(now)

    def give_password(self, id: str, now: datetime) -> str:
        """A new password, to be told to the person, who replaces it at first use; the old one is void."""
        password = new_password()
        self._people.set_password(self.get(id).id, password, now, self._by.id)
        return password

    def give_link(self, id: str, now: datetime) -> str:
        """The token of a link that signs the person in once."""
        return self._people.link(self.get(id).id, now, self._by.id)

    def end_sessions(self, id: str, now: datetime) -> None:
        self._people.end_sessions(self.get(id).id, now, self._by.id)

    def unlock(self, id: str, now: datetime) -> None:
        self._people.unlock(self.get(id).id, now, self._by.id)

    def take_off_second_factor(self, id: str, now: datetime) -> None:
        """For somebody whose phone is lost."""
        self._second_factors.take_off(self.get(id).id, now, self._by.id)

    def erase(self, id: str, reason: str, now: datetime) -> None:
        """Take the name, number and secrets of somebody out of everything that is kept, at their request;
        what they did stays, under the id. Raises Refused while a window is staffed in their name."""
        need_reason(reason)
        if self.get(id).id == self._by.id:
            raise own_right()
        for live in self._halls.values():
            window = next((one.window for one in live.hall.sessions.values() if one.clerk == id), None)
            if window is not None:
                raise Refused("at_window", f"window {window} is still staffed in that name", window=window)
        self._people.set_active(id, False, now, self._by.id)
        self._keep_plans(now)
        with self._people.store.writing() as c:
            rows = erase_person(c, id)
            audit(self._by.id, PERSON, id, now, reason=reason, rows=rows)(c)

    def _new_id(self, person: Person) -> str:
        """It stays in the trail for ever, so it is no name."""
        number = f"p{person.staff_number or ''}".lower()
        is_usable = person.staff_number and number.isascii() and number.isalnum()
        return number if is_usable and self._people.get(number) is None else f"p-{secrets.token_hex(4)}"

    def _keep_plans(self, now: datetime) -> None:
        """Make the clerks of each hall's plan those who work at its windows."""
        people = {one.id: one for one in self._people.all()}
        for live in self._halls.values():
            clerks = tuple(clerks_of(live.hall, people))
            if self._by.works_in(live.id) and clerks != live.hall.plan.clerks:
                plan = replace(live.hall.plan, clerks=clerks, rev=live.hall.plan.rev + 1)
                row = audit(self._by.id, "ChangePlan", f"{live.id}/clerks", now, rev=plan.rev)
                live.submit(ChangePlan(plan), self._by.actor, records=[row])


def clerks_of(hall: Hall, people: Mapping[str, Person]) -> Iterator[Clerk]:
    """Those who work at windows, in the order of the plan so far. One whose account is shut stays as long
    as a window is staffed in that name; so does one without an account."""
    busy = {session.clerk for session in hall.sessions.values()}
    for clerk in hall.plan.clerks:
        person = people.get(clerk.id)
        if person is None or clerk.id in busy or is_clerk(person, hall.id):
            yield clerk if person is None else _as_clerk(person, clerk)
    for person in people.values():
        if person.id not in hall.clerks and is_clerk(person, hall.id):
            yield _as_clerk(person, Clerk(person.id, "", ""))


def is_clerk(person: Person, hall: str) -> bool:
    return person.is_active and person.works_in(hall) and bool(person.roles & AT_WINDOWS)


def _as_clerk(person: Person, clerk: Clerk) -> Clerk:
    return replace(clerk, staff_number=person.staff_number or "", name=person.name)


def new_password() -> str:
    """One that is easy to read out and to type, and hard to guess."""
    syllables = ["".join(secrets.choice(letters) for letters in SYLLABLES) for _ in range(PASSWORD_SYLLABLES)]
    words = ["".join(syllables[n : n + 3]) for n in range(0, PASSWORD_SYLLABLES, 3)]
    return "-".join([*words, f"{secrets.randbelow(90) + 10}"])


def own_right() -> Refused:
    return Refused("own_right", "somebody else has to take your own right to look after people from you")
