"""How a rating is given, whatever it came by, and how the case of a bad one goes on.

Hides where a visit is remembered: today's are the hall's, those of the last working days rows of the store.
A rating, its row and the case it opens become true together, or not at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection

from controller.hall import followups as f
from controller.hall.commands import Command, Rate, RatePast, VoidRating
from controller.hall.model import Hall, Refused, Rules, TicketState
from controller.hall.ratings import LONGEST_WORDS, NEGATIVE, Channel, WorkDays
from controller.hall.refusals import refuse
from controller.live import Live
from controller.people import CITIZEN, UNIT_WRITERS, Actor, Role
from controller.store import followups, projections, ratings
from controller.store.audit import Record
from controller.store.followups import Step
from controller.store.people import Person
from controller.store.projections import TicketRow
from controller.store.seal import Seal

PHONE = re.compile(r"\+?\d{5,15}")
MOST_OPEN = 500  # cases that are looked through
BETWEEN_DIGITS = re.compile(r"[\s\-()/.]+")


# --- rating


def rate(
    live: Live,
    after: WorkDays,
    ticket: int,
    level: int,
    channel: Channel,
    *,
    by: Actor = CITIZEN,
    key: str | None = None,
    records: Sequence[Record] = (),
) -> None:
    """Give a visit its rating. Raises Refused, such as already_rated or rating_too_late."""
    command = _command(live, after, ticket, level, channel)
    live.submit(command, by, key=key, records=[record(live, after, ticket, level, channel), *records])


def _command(live: Live, after: WorkDays, ticket: int, level: int, channel: Channel) -> Command:
    if ticket in live.hall.tickets:
        return Rate(ticket, level, channel)
    with live.store.reading() as c:
        visit = projections.find_ticket(c, live.id, ticket)
    if visit is None:
        raise refuse("unknown_ticket", ticket=ticket)
    if visit.state is not TicketState.COMPLETED or visit.finished_at is None:
        raise refuse("not_finished", number=visit.number, state=visit.state.value)
    return RatePast(ticket, level, channel, visit.number, rated_until(after, visit, live.hall.plan.rules))


def rated_until(after: WorkDays, visit: TicketRow, rules: Rules) -> datetime:
    """When the time to rate a visit that is over ends (G3)."""
    return after(visit.finished_at or visit.issued_at, rules.rating_days)


def record(live: Live, after: WorkDays, ticket: int, level: int, channel: Channel) -> Record:
    """What is kept beside the event of a rating: its row, and the case of a negative one (G4)."""
    hall, now = live.hall, live.clock.now()

    def keep(c: Connection) -> None:
        visit = projections.find_ticket(c, live.id, ticket)
        if visit is None:
            raise refuse("unknown_ticket", ticket=ticket)
        if visit.rating is not None or ratings.find(c, live.id, ticket) is not None:
            raise refuse("already_rated", number=visit.number)
        ratings.add(c, live.id, visit, level, channel, now)
        if level in NEGATIVE:
            followups.open_case(c, live.id, _opened(hall, visit, level, now, after))

    return keep


def _opened(hall: Hall, visit: TicketRow, level: int, now: datetime, after: WorkDays) -> f.Case:
    window, queue = hall.windows.get(visit.window or 0), hall.queues.get(visit.queue)
    of = [one.department for one in (window, queue) if one is not None and one.department is not None]
    return f.Case(
        id=0,
        ticket=visit.id,
        number=visit.number,
        level=level,
        is_named=False,
        stage=f.Stage.OPEN,
        opened_at=now,
        call_due=after(now, hall.plan.rules.call_back_days),
        queue=visit.queue,
        window=visit.window,
        department=of[0] if of else None,
        clerk=visit.clerk,
    )


# --- what the citizen adds


def tell(
    live: Live, after: WorkDays, seal: Seal, ticket: int, reasons: Collection[str], words: str, phone: str
) -> None:
    """Reasons, words and a number to be called at, once. Only who rated badly is asked for the last.

    Raises Refused: told_before, rating_too_late, bad_phone.
    """
    plan, now = live.hall.plan, live.clock.now()
    known = [one for one in plan.rating_reasons if one.id in reasons]
    contact = seal.close(plain_phone(phone)) if phone.strip() else None

    def add(c: Connection) -> None:
        visit, rated = projections.find_ticket(c, live.id, ticket), ratings.find(c, live.id, ticket)
        if visit is None or rated is None:
            raise refuse("unknown_ticket", ticket=ticket)
        if now >= rated_until(after, visit, plan.rules):
            raise refuse("rating_too_late", number=visit.number)
        is_bad = rated.level in NEGATIVE
        said, number = known if is_bad else [], contact if is_bad else None
        if not ratings.tell(c, live.id, ticket, said, plan.rev, words.strip()[:LONGEST_WORDS], number, now):
            raise Refused(
                "told_before", f"what was said about {visit.number} is kept already", number=visit.number
            )
        if number is not None:
            followups.set_named(c, live.id, ticket)

    live.submit(None, CITIZEN, records=[add])


def plain_phone(text: str) -> str:
    """The number without what people write between its digits. Raises Refused("bad_phone")."""
    number = BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", text))
    if not PHONE.fullmatch(number):
        raise Refused("bad_phone", "this is no phone number")
    return number


def masked_phone(number: str) -> str:
    """A number as pages show it: 138****5678 (P.33)."""
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 9 else "****" + number[-2:]


def answered(live: Live, after: WorkDays, seal: Seal, ticket: int, text: str, phone: str) -> int:
    """A rating by SMS (S2.23): the level, which the answer begins with; what stands behind it are its words.

    text: as it came, "5" or "2 等太久". phone: who sent it, kept with a negative one so that it can be called
    back. Raises Refused: bad_rating for an answer without a level, and what `rate` raises.
    """
    level, words = level_in(text)
    rate(live, after, ticket, level, Channel.SMS)
    if words or (level in NEGATIVE and phone):
        tell(live, after, seal, ticket, (), words, phone if level in NEGATIVE else "")
    return level


def level_in(text: str) -> tuple[int, str]:
    """Level and words of an answer. Raises Refused("bad_rating")."""
    plain = unicodedata.normalize("NFKC", text).strip()
    found = re.fullmatch(r"([1-5])(?!\d)[\s,.:;、,。:;]*(.*)", plain, re.DOTALL)
    if found is None:
        raise refuse("bad_rating", level=plain[:10])
    return int(found[1]), found[2].strip()


# --- the case of a negative one


def act(
    live: Live,
    after: WorkDays,
    case: int,
    deed: f.Deed,
    by: f.Handler,
    actor: Actor,
    trail: Record,
    key: str | None,
) -> None:
    """Take a step of a case. trail: its row in the audit trail. Raises Refused."""
    rules, now = live.hall.plan.rules, live.clock.now()

    def step(c: Connection) -> None:
        former = followups.find(c, live.id, case)
        if former is None:
            raise Refused("no_case", f"there is no case {case}", case=case)
        found = f.advance(former, deed, by, now, rules, after)
        said = asdict(deed)
        followups.change(c, found, Step(now, type(deed).__name__, former.stage, found.stage, by.id, said))
        if found.stage is f.Stage.VOID:
            ratings.void(c, live.id, found.ticket)
        trail(c)

    command = VoidRating(_ticket(live, case)) if isinstance(deed, f.Uphold) else None
    live.submit(command, actor, key=key, records=[step])


def _ticket(live: Live, case: int) -> int:
    with live.store.reading() as c:
        found = followups.find(c, live.id, case)
    if found is None:
        raise Refused("no_case", f"there is no case {case}", case=case)
    return found.ticket


# --- whose case it is


def department_of(hall: Hall, person: Person) -> str | None:
    """The department of the hall that somebody answers for; None: they answer for all of it. Who was sent by
    a department that the hall does not know answers for none of its departments."""
    clerk = hall.clerks.get(person.id)
    named = (one.id for one in hall.plan.departments if person.home_unit in (one.id, one.name.zh))
    return next(named, None) or (clerk.department if clerk else None) or person.home_unit


def is_of(case: f.Case, department: str | None) -> bool:
    return None in (department, case.department) or department == case.department


def handler(hall: Hall, case: f.Case, person: Person) -> f.Handler:
    """Somebody's parts in a case."""
    parts = set()
    if person.roles & UNIT_WRITERS and is_of(case, department_of(hall, person)):
        parts.add(f.Part.UNIT)
    if Role.SUPERVISOR in person.roles:
        parts.add(f.Part.SUPERVISOR)
    if Role.HALL_MANAGER in person.roles:
        parts.add(f.Part.MANAGER)
    return f.Handler(person.id, frozenset(parts))


def turns(live: Live, person: Person) -> int:
    """In how many cases it is somebody's turn."""
    now, hall = live.clock.now(), live.hall
    wanted = followups.Wanted(stages=frozenset(f.Stage) - f.OVER, not_of=person.id)
    with live.store.reading() as c:
        cases = followups.listed(c, live.id, wanted, MOST_OPEN)
    return sum(bool(f.possible(case, handler(hall, case, person), now)) for case in cases)
