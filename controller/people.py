"""Who acts in the hall and what each may do. Hides the rights table.

Every command goes through `check` where it is submitted, whatever page, key or message it came from.
The table follows the roles of the requirements and the actor columns of the state machines. Below it:
`servicehall person`, which adds people and gives out their sign-in links.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from controller import commandline
from controller.clock import real_now
from controller.hall import commands as c
from controller.hall.model import Hall, HallError, Refused
from controller.hall.ratings import Channel
from controller.roles import Role as Role
from controller.settings import Settings, load

if TYPE_CHECKING:
    from controller.store.people import People, Person


class ActorKind(StrEnum):
    PERSON = "person"
    UNIT = "unit"
    CITIZEN = "citizen"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks for something. halls: where a person may act, None = everywhere.

    window: of a unit, the window its keypad stands at.
    """

    kind: ActorKind
    id: str
    roles: frozenset[Role] = frozenset()
    halls: frozenset[str] | None = None
    window: int | None = None


SYSTEM = Actor(ActorKind.SYSTEM, "system")
CITIZEN = Actor(ActorKind.CITIZEN, "citizen")


def unit_actor(unit: str, window: int | None = None) -> Actor:
    """The edge node itself, or the keypad it has at `window`."""
    return Actor(ActorKind.UNIT, unit, window=window)


class NotAllowed(Refused):
    """The person may not do this; code `not_allowed` or `not_your_window`."""


@dataclass(frozen=True, slots=True)
class Right:
    """Who may give a command. own: only at the window they are signed in at. kinds: who else may."""

    anywhere: frozenset[Role] = frozenset()
    own: frozenset[Role] = frozenset()
    kinds: frozenset[ActorKind] = field(default_factory=frozenset)


_FLOOR = frozenset({Role.GUIDE, Role.CLERK, Role.WINDOW_LEAD, Role.HALL_MANAGER})
_GUIDES = frozenset({Role.GUIDE, Role.HALL_MANAGER})
_WINDOW = frozenset({Role.CLERK, Role.WINDOW_LEAD})
_LEADS = frozenset({Role.WINDOW_LEAD, Role.HALL_MANAGER})
_MANAGER = frozenset({Role.HALL_MANAGER})
_PAPER = frozenset({Role.GUIDE})  # enters the slips that citizens filled in (S0.23), and no other rating
_UNIT = frozenset({ActorKind.UNIT})
_PUBLIC = frozenset({ActorKind.UNIT, ActorKind.CITIZEN})
_AT_WINDOW = Right(own=_WINDOW, kinds=_UNIT)
_SEATED = Right(anywhere=_LEADS, own=_WINDOW, kinds=_UNIT)
_DEVICES = Right(kinds=_UNIT)
UNIT_WRITERS = frozenset({Role.DEPARTMENT_ADMIN, Role.WINDOW_LEAD})  # who decide for their home unit
CENTRE_WRITERS = frozenset({Role.ADMIN, Role.HALL_MANAGER})

RIGHTS: Mapping[type[c.Command], Right] = {
    c.ChangePlan: Right(anywhere=_MANAGER | {Role.ADMIN}),
    c.OpenDay: Right(anywhere=_MANAGER),
    c.ReckonDay: Right(),
    c.CloseDay: Right(anywhere=_MANAGER),
    c.Tick: Right(),
    c.TakeTicket: Right(anywhere=_FLOOR, kinds=_PUBLIC),
    c.AcceptOffline: _DEVICES,
    c.LeaseNumbers: _DEVICES,
    c.PassOverNumbers: _DEVICES,
    c.RecordSlip: _DEVICES,
    c.ReturnTicket: Right(anywhere=_FLOOR, kinds=_PUBLIC),
    c.CancelTicket: Right(anywhere=_GUIDES, kinds=_PUBLIC),
    c.TakeUpAgain: Right(kinds=frozenset({ActorKind.CITIZEN})),
    c.LetPass: Right(anywhere=_GUIDES, kinds=_PUBLIC),
    c.Rate: Right(anywhere=_PAPER, kinds=_PUBLIC),  # never from a clerk's session (rating G2)
    c.RatePast: Right(anywhere=_PAPER, kinds=_PUBLIC),
    c.VoidRating: Right(anywhere=frozenset({Role.SUPERVISOR})),
    c.CallNext: _AT_WINDOW,
    c.Recall: _AT_WINDOW,
    c.Start: _AT_WINDOW,
    c.NoShow: _AT_WINDOW,
    c.Delay: _AT_WINDOW,
    c.Hold: _AT_WINDOW,
    c.Resume: _AT_WINDOW,
    c.Transfer: _SEATED,
    c.Finish: _AT_WINDOW,
    c.JumpCall: Right(anywhere=_MANAGER, own=_WINDOW, kinds=_UNIT),
    c.Reopen: _AT_WINDOW,
    c.Login: Right(anywhere=_MANAGER, own=_WINDOW),
    c.Pause: _SEATED,
    c.Unpause: _SEATED,
    c.ChangeMode: Right(anywhere=_MANAGER),
    c.Logout: _SEATED,
    c.LoseWindow: Right(),
    c.RestoreWindow: Right(),
    c.PlanShifts: Right(anywhere=_MANAGER),
    c.TakeMeasure: Right(anywhere=_MANAGER),
    c.BookAppointment: Right(anywhere=_GUIDES, kinds=_PUBLIC),
    c.RequestAppointment: Right(anywhere=_GUIDES, kinds=_PUBLIC),
    c.ApproveAppointment: Right(anywhere=_MANAGER),
    c.RejectAppointment: Right(anywhere=_MANAGER),
    c.MoveAppointment: Right(anywhere=_GUIDES, kinds=_PUBLIC),
    c.CancelAppointment: Right(anywhere=_GUIDES, kinds=_PUBLIC),
    c.CheckIn: Right(anywhere=_GUIDES, kinds=_PUBLIC),
    c.CancelSlots: Right(anywhere=_MANAGER),
    c.TakeBack: Right(),
    c.ReopenSlots: Right(anywhere=_MANAGER),
    c.LiftBlock: Right(anywhere=_MANAGER),
}


def check(actor: Actor, command: c.Command, hall: Hall) -> None:
    """Returns when `actor` may give `command` in `hall`. Raises NotAllowed otherwise."""
    if actor.kind is ActorKind.SYSTEM:
        return
    right = RIGHTS[type(command)]
    if actor.kind is ActorKind.PERSON:
        _check_person(actor, command, hall, right)
    elif actor.kind not in right.kinds or not _is_units_window(actor, command, hall):
        raise _not_allowed(command)


def check_looks_after(by: Person, other: Person) -> None:
    """Returns when `by` may change `other` where they work. Raises NotAllowed."""
    if Role.ADMIN not in by.roles:
        raise NotAllowed("not_allowed", "your role does not include looking after people")
    if not by.covers(other):
        raise NotAllowed("not_your_hall", "this hall is not yours")


def check_writes_for(by: Person, department: str, keepers: Collection[str]) -> None:
    """Returns when `by` may decide what is told of this department's matters. Raises NotAllowed.

    Business is the home unit's and daily work the hall's (S4.24): a department with writers of its own, which
    `keepers` names, is written for by them alone, whoever runs the hall. Publishing is the centre's.
    """
    is_theirs = by.home_unit == department and bool(by.roles & UNIT_WRITERS)
    is_nobodys = department not in keepers and (by.home_unit is None or bool(by.roles & CENTRE_WRITERS))
    if not is_theirs and not is_nobodys:
        raise NotAllowed("not_your_unit", "another unit decides about its own matters")


def _check_person(actor: Actor, command: c.Command, hall: Hall, right: Right) -> None:
    if actor.halls is not None and hall.id not in actor.halls:
        raise NotAllowed("not_your_hall", "this hall is not yours")
    if isinstance(command, c.Rate | c.RatePast) and command.channel is not Channel.PAPER:
        raise _not_allowed(command)
    if actor.roles & right.anywhere:
        return
    if not actor.roles & right.own:
        raise _not_allowed(command)
    if not _is_own(actor, command, hall):
        raise NotAllowed("not_your_window", "you are not signed in at this window")


def _is_own(actor: Actor, command: c.Command, hall: Hall) -> bool:
    if isinstance(command, c.Login):
        return command.clerk == actor.id
    session = hall.sessions.get(window) if (window := window_of(command, hall)) is not None else None
    return session is not None and session.clerk == actor.id


def _is_units_window(actor: Actor, command: c.Command, hall: Hall) -> bool:
    window = window_of(command, hall)
    return actor.window is None or window is None or window == actor.window


def window_of(command: c.Command, hall: Hall) -> int | None:
    """The window a command is given for; of a transfer, the one its ticket is at."""
    if isinstance(command, c.Transfer):
        ticket = hall.tickets.get(command.ticket)
        return None if ticket is None else ticket.window
    window: int | None = getattr(command, "window", None)
    return window


def _not_allowed(command: c.Command) -> NotAllowed:
    return NotAllowed("not_allowed", f"your role does not include {type(command).__name__}")


def mask(name: str) -> str:
    """The name as public screens show it: "张三丰" -> "张*" (P.33)."""
    return f"{name[:1]}*" if name else ""


# --- the command


def main(argv: list[str]) -> int:
    """Add people, give out one-time sign-in links, list and disable people, end their sessions."""
    words = _parser().parse_args(argv)
    return commandline.finish("person", lambda: _with_people(load(words.config), words))


def _with_people(settings: Settings, words: argparse.Namespace) -> None:
    from controller.store import Store  # the store itself needs the names above
    from controller.store.people import People

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with closing(Store.open(settings.database_url, real_now())) as store:
        words.run(People(store), settings, words, real_now())


def _parser() -> argparse.ArgumentParser:
    parser = commandline.parser("person", main.__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    add = verbs.add_parser("add", help="write a new person down")
    add.add_argument("name", help="as on the plate, such as 王芳")
    add.add_argument("--id", help="short name in small letters; made from the staff number unless given")
    add.add_argument("--number", help="staff number, as on the plate")
    where = add.add_mutually_exclusive_group()
    where.add_argument("--hall", help="the only hall they work in; without it, every hall")
    where.add_argument("--centre", help="id of the centre in all of whose halls they work")
    add.add_argument("--unit", help="the department that sent them, as the catalogue names it")
    add.add_argument(
        "--role", action="append", required=True, choices=sorted(Role), help="may be given more than once"
    )
    add.set_defaults(run=_add)
    for verb, run, text in (
        ("link", _link, "print a link that signs somebody in once, within 15 minutes"),
        ("unlock", _unlock, "let somebody try again who gave too many wrong passwords"),
        ("second-factor-off", _second_factor_off, "let somebody sign in without the phone that was lost"),
        ("disable", _disable, "shut somebody out at once"),
        ("enable", _enable, "let somebody in again"),
        ("sessions", _sessions, "where somebody is signed in now"),
        ("sign-out", _sign_out, "end all sessions of somebody, who may sign in again"),
        ("password", _password, "set a password, asked for on the terminal or read from standard input"),
    ):
        one = verbs.add_parser(verb, help=text)
        one.add_argument("who", help="id, staff number or name")
        one.set_defaults(run=run)
    verbs.add_parser("list", help="everybody, with their roles").set_defaults(run=_list)
    return parser


def _add(people: People, settings: Settings, words: argparse.Namespace, now: datetime) -> None:
    from controller.store.people import Person

    id = words.id or (f"p{words.number.lower()}" if words.number else "")
    if not id:
        raise HallError("give a staff number (--number 017) or a short name (--id wang-fang)")
    roles = frozenset(Role(role) for role in words.role)
    person = Person(id, words.name, words.number, words.hall, roles, is_active=True)
    person = people.add(replace(person, centre=words.centre, home_unit=words.unit), now)
    print(f"{person.id}: {person.name}; sign-in link: servicehall person link {person.id}")


def _link(people: People, settings: Settings, words: argparse.Namespace, now: datetime) -> None:
    person = people.find(words.who)
    print(f"{settings.slip_url}/in/{people.link(person.id, now)}")


def _disable(people: People, settings: Settings, words: argparse.Namespace, now: datetime) -> None:
    people.set_active(people.find(words.who).id, False, now)


def _enable(people: People, settings: Settings, words: argparse.Namespace, now: datetime) -> None:
    people.set_active(people.find(words.who).id, True, now)


def _unlock(people: People, settings: Settings, words: argparse.Namespace, now: datetime) -> None:
    people.unlock(people.find(words.who).id, now)


def _second_factor_off(people: People, settings: Settings, words: argparse.Namespace, now: datetime) -> None:
    from controller.store.seal import Seal
    from controller.store.second_factor import SecondFactors

    SecondFactors(people.store, Seal(settings.data_dir)).take_off(people.find(words.who).id, now)


def _sessions(people: People, settings: Settings, words: argparse.Namespace, now: datetime) -> None:
    for session in people.sessions(people.find(words.who).id, now):
        begun, seen = (at.astimezone(settings.zone) for at in (session.begun_at, session.seen_at))
        print(f"{session.id[:8]}  since {begun:%m-%d %H:%M}  last used {seen:%m-%d %H:%M}")


def _sign_out(people: People, settings: Settings, words: argparse.Namespace, now: datetime) -> None:
    people.end_sessions(people.find(words.who).id, now)


def _password(people: People, settings: Settings, words: argparse.Namespace, now: datetime) -> None:
    person = people.find(words.who)
    is_asked = sys.stdin.isatty()
    password = getpass.getpass("new password: ") if is_asked else sys.stdin.readline().rstrip("\n")
    people.set_password(person.id, password, now)


def _list(people: People, settings: Settings, words: argparse.Namespace, now: datetime) -> None:
    for person in people.all():
        print(_row(person))


def _row(person: Person) -> str:
    state = "" if person.is_active else "  (disabled)"
    number, hall = person.staff_number or "-", person.hall or person.centre or "every hall"
    return f"{person.id:<20} {number:<8} {person.name:<12} {hall:<16} {' '.join(sorted(person.roles))}{state}"
