"""Every cell of the table of rights: each role on each address, in its own hall, in another, and nobody.

The table is docs/reference/rights.md; that it is what the code says is another test's matter.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from controller.clock import real_now
from controller.hall import commands as c
from controller.hall import model as m
from controller.hall.bookings import Slot, Way
from controller.hall.model import Text
from controller.hall.ratings import Channel
from controller.item_standing import Standing
from controller.network import Level, Point
from controller.people import CITIZEN, UNIT_WRITERS, Actor, ActorKind, NotAllowed, Role, check, unit_actor
from controller.store import clean_ups, conduct, network
from controller.store.clean_ups import Body, CleanUp, State
from controller.store.items import Item, put_items
from controller.store.people import Person
from controller.store.tables import item
from tests.store.halls import DAY, MORNING, PLAN
from tests.web.desk import Browser, Desk
from tests.web.rated import served, staff
from web.access import matrix
from web.visit import shut_to

REFERENCE = Path(__file__).parents[2] / "docs/reference/rights.md"
ROLES = tuple(Role)
OWN, OTHER, EVERY = "hall", "elsewhere", None
CENTRE, FAR_CENTRE = "centre:", "centre:far"  # the one the hall belongs to by way of a township, and another
COLLEAGUE = Person("colleague", "某人", "555", OWN, frozenset(), True)
CLOSED = {"not_your_role", "not_your_hall"}


def table(title: str) -> list[list[str]]:
    """The rows of the table with this heading, as their cells."""
    lines = iter(REFERENCE.read_text(encoding="utf-8").splitlines())
    next(line for line in lines if line.startswith(f"| {title} |"))
    next(lines)
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in rows]


# --- pages


@dataclass(frozen=True)
class Cell:
    """May `role` (None: nobody signed in), who works in `hall`, send this to the hall "hall"?"""

    method: str
    address: str
    role: Role | None
    hall: str | None
    may: str

    @property
    def expected(self) -> str | None:
        if self.may == "" and self.role is None:
            return "401"
        if self.may == "":
            return "not_your_role"
        is_elsewhere = (
            self.hall in (OTHER, FAR_CENTRE)
            if self.may == "hall"
            else self.may == "site" and self.hall is not EVERY
        )
        return "not_your_hall" if is_elsewhere else None


SCOPES = (OWN, OTHER, EVERY, CENTRE, FAR_CENTRE)


def cells() -> Iterator[Cell]:
    """Every cell in every scope."""
    for named, nobody, *of_roles in table("address"):
        method, _, address = named.partition(" ")
        yield Cell(method, address, None, None, nobody)
        for (role, may), hall in itertools.product(zip(ROLES, of_roles, strict=True), SCOPES):
            yield Cell(method, address, role, hall, may)


def tried() -> Iterator[Cell]:
    """Those that a browser tries: what makes a difference to the view itself, which looks at whom it names;
    every other scope is decided at the door, and tried there."""
    for cell in cells():
        scopes = {"hall": (OWN, OTHER), "site": (OWN, EVERY), "yes": (OWN,), "": (EVERY,)}[cell.may]
        names_somebody = cell.may == "hall" and "<person>" in cell.address
        names_somebody = names_somebody and (cell.method == "GET" or cell.expected is not None)
        if cell.role is None or cell.hall in scopes or names_somebody:
            yield cell


def test_every_cell_of_the_table_of_pages_holds_in_every_scope(desk: Desk) -> None:
    """At the door of every view: one hall, another, every hall, the hall's centre, another centre."""
    views = {(row.method, row.address): row.view for row in matrix(desk.app) if row.view}
    wrong = []
    for cell in cells():
        if cell.role is None or "<person>" in cell.address:
            continue
        told = shut_to(
            views[cell.method, cell.address], somebody(cell.role, cell.hall), hall_in(cell.address)
        )
        if told != cell.expected:
            wrong.append((cell, told))
    assert not wrong


def hall_in(address: str) -> str | None:
    return OWN if "<hall>" in address else None


def somebody(role: Role, scope: str | None) -> Person:
    at_centre = (scope or "").startswith("centre:")
    halls = frozenset({OWN, "annex"} if scope == CENTRE else {OTHER})
    one = Person("x", "某人", "1", None if at_centre else scope, frozenset({role}), True)
    return replace(one, centre=scope, halls_of_centre=halls) if at_centre else one


FILLED = {
    "hall": "hall",
    "number": "1",
    "ticket": "1",
    "id": "1",
    "unit": "node-1",
    "token": "no-such-token",
    "what": "x",
    "action": "x",
    "name": "x",
    "board": "x",
    "code": "no-such-matter",
    "kind": "all",
    "form": "csv",
    "key": "1",
    "day": "2026-03-02",
    "filename": "style.css",
    "person": "colleague",
    "seq": "1",
    "event": "test",
}


def filled(address: str) -> str:
    """An address with something in each of its places; of several words the first."""
    address = re.sub(r"<any\((\w+)[^)]*\):\w+>", r"\1", address)
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda place: FILLED.get(place[1], "1"), address)


def browser_of(desk: Desk, role: Role | None, hall: str | None) -> Browser:
    """Of one who has just this role."""
    if role is None:
        return desk.browser()
    place = (hall or "every").rstrip(":").replace(":", "-")
    id = f"{role.replace('_', '-')}-{place}"
    if desk.site.people.get(id) is None:
        at_centre = (hall or "").startswith("centre:")
        one = Person(id, "某人", id, None if at_centre else hall, frozenset({role}), True)
        desk.site.people.add(
            replace(one, centre=centre_of(desk, str(hall)) if at_centre else None), real_now()
        )
    return desk.browser(id)


def centre_of(desk: Desk, which: str) -> str:
    """The county whose township has the hall, or another without halls."""
    with desk.site.store.writing() as c:
        known = network.network(c)
        found = {one.name.zh: one.id for one in known.points.values()}
        if not found:
            for name in (CENTRE, FAR_CENTRE):
                found[name] = network.add(c, Point("", Text(name, ""), Level.COUNTY), "x", MORNING).id
            below = Point("", Text("乡", ""), Level.TOWNSHIP, found[CENTRE])
            network.place(c, OWN, network.add(c, below, "x", MORNING).id, "x", MORNING)
    return found[which]


def answer(desk: Desk, browser: Browser, csrf: str, cell: Cell) -> str | None:
    """What the door says to an empty form: None when it is open, whatever the room says then."""
    headers = {"Accept": "application/json", "X-CSRF": csrf}
    sent = browser.client.open(filled(cell.address), method=cell.method, headers=headers)
    with closing(sent):  # of a stream, only how it begins
        assert sent.status_code < 500, (cell, sent.get_data(as_text=True))
        if sent.status_code in (401, 403) and sent.is_json:
            told = (sent.json or {}).get("error", sent.json)
            return str(told["code"]) if str(told.get("code")) in {"401", *CLOSED} else None
        return "401" if sent.status_code == 401 else None


@pytest.mark.parametrize("role", [None, *ROLES])
def test_every_cell_of_the_table_of_pages_is_as_it_says(desk: Desk, role: Role | None) -> None:
    """Those that are shut first, for an open one may change the hall."""
    mine = [cell for cell in tried() if cell.role == role]
    assert len(mine) > 60
    desk.site.people.add(COLLEAGUE, real_now())
    wrong, knock = [], cache(partial(at_the_door, desk, role))
    for cell in sorted(mine, key=lambda cell: (cell.expected is None, cell.method, str(cell.hall))):
        is_harmless = cell.expected is not None or cell.method == "GET"
        browser, csrf = knock(cell.hall) if is_harmless else at_the_door(desk, role, cell.hall)
        if (told := answer(desk, browser, csrf, cell)) != cell.expected:
            wrong.append((cell, told))
    assert not wrong


def at_the_door(desk: Desk, role: Role | None, hall: str | None) -> tuple[Browser, str]:
    """A browser of one with this role, and what its forms carry."""
    browser = browser_of(desk, role, hall)
    return browser, browser.hidden("/sign-in" if role is None else "/me")["csrf"]


def test_only_what_is_meant_for_everybody_is_open_to_everybody(desk: Desk) -> None:
    """A view that forgot to ask would be in this list."""
    open_to_all = {named.partition(" ")[2] for named, nobody, *_ in table("address") if nobody == "yes"}
    assert all(one.startswith(PUBLIC) or one in EXACTLY for one in open_to_all), open_to_all


PUBLIC = (
    "/h/<hall>",
    "/t/<token>",
    "/a/<token>",
    "/api/",
    "/in/<token>",
    "/first/<token>",
    "/static",
    "/hall/<hall>",
    "/items/",
)
EXACTLY = {
    "/t/push.js",
    "/sms/<any(answer, report):what>",
    *("/", "/sign-in", "/sign-in/code", "/sign-in/oidc", "/sign-in/oidc/back", "/sign-out"),
    *("/healthz", "/readyz", "/metrics", "/wires"),
}


# --- what is told of a department's matters (S4.24)


UNITS = (("甲局", True), ("乙局", True), ("乙局", False), (None, True), (None, False))


def test_every_cell_of_the_table_of_guides_is_as_it_says(desk: Desk) -> None:
    """Of a matter of 甲局: written by who has this home unit; with and without a writer of its own."""
    with desk.site.store.writing() as c:
        c.execute(insert(item).values(code="m1", name="事", department="甲局"))
    keeper = Person("keeper", "某人", "556", OWN, frozenset({Role.DEPARTMENT_ADMIN}), True, home_unit="甲局")
    desk.site.people.add(keeper, real_now())
    desk.site.people.add(Person("root", "某人", "557", None, frozenset({Role.ADMIN}), True), real_now())
    wrong = []
    for role, *of_units in table("writer"):
        for (unit, has_writers), may in zip(UNITS, of_units, strict=True):
            id = f"{role}-{UNITS.index((unit, has_writers))}".replace("_", "-")
            desk.site.people.set_active("keeper", has_writers, real_now())
            one = Person(id, "某人", id, None, frozenset({Role(role)}), True, home_unit=unit)
            desk.site.people.add(one, real_now())
            sent = desk.browser(id).post("/catalogue/m1/save", page="/me", duties=id)
            if (sent.status_code == 303) != (may == "yes"):
                wrong.append((role, unit, has_writers, sent.status_code))
            desk.site.people.set_active(id, False, real_now())
    assert not wrong


RELATIONS = {"their own unit": "税务局", "another unit": "不动产", "no home unit": None}


@pytest.mark.parametrize("role", sorted(UNIT_WRITERS))
def test_every_cell_of_the_table_of_home_units_is_as_it_says(desk: Desk, role: Role) -> None:
    """Of a matter, a bad rating and an entry of the register, all of 税务局."""
    belongings(staff(desk))
    wrong = []
    for address, *of_units in table("of a home unit"):
        method, _, path = address.partition(" ")
        for (relation, unit), may in zip(RELATIONS.items(), of_units, strict=True):
            id = f"{role}-{relation}".replace("_", "-").replace(" ", "-")
            if desk.site.people.get(id) is None:
                one = Person(id, "某人", id, None, frozenset({role}), True, home_unit=unit)
                desk.site.people.add(one, real_now())
            browser = desk.browser(id)
            if reaches(browser, method, path, id) != (may == "yes"):
                wrong.append((address, relation))
    assert not wrong


def belongings(desk: Desk) -> None:
    """Window 1, li and a matter are 税务局's; a keeper of 不动产's is there too."""
    served(desk, 1, "13900001111")
    people, now = desk.site.people, real_now()
    people.change(replace(people.find("li"), home_unit="税务局"), now)
    with desk.site.store.writing() as c:
        put_items(c, [Item("m1", "事", "税务局")])
        standing = {"m1": Standing("新名", "税务局")}
        facts = ("清理", "x", DAY, False, State.PROPOSED, Body(standing), "boss", MORNING)
        clean_ups.propose(c, CleanUp(0, *facts))
        conduct.enter(c, OWN, people.find("li"), "late", DAY, "", people.find("boss"), now, DAY)


UNIT_FILLED = {"code": "m1", "hall": "hall", "id": "1"}


def reaches(browser: Browser, method: str, path: str, text: str) -> bool:
    """Whether the room says something: neither refused as another unit's nor hidden. text: that is new."""
    path = re.sub(r"<any\((\w+)[^)]*\):\w+>", r"\1", path)
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda place: UNIT_FILLED[place[1]], path)
    if method == "GET":
        return browser.get(path).status_code == 200
    form: dict[str, Any] = {**browser.hidden("/me"), "department": "税务局", "duties": text, "text": text}
    if path.endswith("bring-in"):
        form["file"] = (BytesIO(f"item_code,duties\nm1,{text}-file\n".encode()), "guides.csv")
    return browser.client.post(path, data=form).status_code not in (403, 404)


# --- commands, where they are submitted

SLOT = Slot(DAY, MORNING, MORNING + timedelta(hours=1), 1)
COMMANDS: tuple[c.Command, ...] = (
    c.ChangePlan(PLAN),
    c.OpenDay(DAY, MORNING + timedelta(hours=8)),
    c.CloseDay(),
    c.Tick(),
    c.ReckonDay(DAY, ()),
    c.TakeTicket("A", "t"),
    c.AcceptOffline(m.Press("node-1", "e", 1), "A", "A001", "t", None),
    c.LeaseNumbers("node-1", "A", 5),
    c.PassOverNumbers("A", 5),
    c.RecordSlip(1, m.Slip.PRINTED),
    c.ReturnTicket(1),
    c.CancelTicket(1),
    c.TakeUpAgain(1),
    c.LetPass(1),
    c.Rate(1, 5, Channel.PAPER),
    c.RatePast(1, 5, Channel.PAPER, "A001", MORNING),
    c.VoidRating(1),
    c.CallNext(1),
    c.Recall(1),
    c.Start(1),
    c.NoShow(1),
    c.Delay(1),
    c.Hold(1, "x"),
    c.Resume(1, 1),
    c.Transfer(1, "x", to_queue="B"),
    c.Finish(1),
    c.JumpCall(1, 1, "x"),
    c.Reopen(1, 1, "x"),
    c.Login(1, "li"),
    c.Pause(1, m.PauseReason.BREAK),
    c.Unpause(1),
    c.ChangeMode(1, m.WindowMode.GREEN),
    c.Logout(1),
    c.LoseWindow(1),
    c.RestoreWindow(1),
    c.PlanShifts(1, ()),
    c.TakeMeasure(m.Measure(m.MeasureKind.OPEN, 1, ("A",))),
    c.BookAppointment("A", SLOT, "00000001", "t", ("p",), Way.WEB),
    c.RequestAppointment("A", SLOT, "00000001", "t", ("p",), Way.WEB, "x"),
    c.ApproveAppointment(1, SLOT),
    c.RejectAppointment(1, "x"),
    c.MoveAppointment(1, SLOT),
    c.CancelAppointment(1),
    c.CheckIn(1, "t"),
    c.CancelSlots(MORNING, MORNING + timedelta(hours=1), (), "x"),
    c.TakeBack((1,), "x"),
    c.ReopenSlots(1),
    c.LiftBlock(1),
)


@pytest.fixture
def at_window(desk: Desk) -> Desk:
    """li is signed in at window 1 and has called a ticket there."""
    desk.take()
    desk.give(c.Login(1, "li"), c.CallNext(1))
    return desk


def actors() -> Iterator[tuple[str, Actor]]:
    """Everybody there is, as the word that stands for them in the table; li's is window 1."""
    centre, far_centre = frozenset({OWN, "annex"}), frozenset[str]()
    scopes = (frozenset({OWN}), frozenset({OTHER}), EVERY, centre, far_centre)
    for role, halls, id in itertools.product(ROLES, scopes, ("li", "wang")):
        yield role, Actor(ActorKind.PERSON, id, frozenset({role}), halls)
    yield "citizen", CITIZEN
    yield "unit", unit_actor("node-1")
    yield "unit", unit_actor("node-1", window=1)
    yield "unit", unit_actor("node-1", window=2)


def may(row: list[str], word: str, actor: Actor, command: c.Command) -> bool:
    """What the row of the table says."""
    anywhere, own, others = (set(cell.split(", ")) for cell in row[1:])
    if actor.kind is not ActorKind.PERSON:
        at = getattr(command, "window", 1 if isinstance(command, c.Transfer) else None)
        return word in others and (actor.window is None or at in (None, actor.window))
    is_here = actor.halls is None or OWN in actor.halls
    return is_here and (word in anywhere or (word in own and actor.id == "li"))


def test_every_cell_of_the_table_of_commands_is_as_it_says(at_window: Desk) -> None:
    """Who may not is refused where commands are submitted, and nothing happens."""
    rows = {row[0]: row for row in table("command")}
    assert set(rows) == {type(command).__name__ for command in COMMANDS}
    live, seq = at_window.live, at_window.live.seq
    for command, (word, actor) in itertools.product(COMMANDS, actors()):
        if may(rows[type(command).__name__], word, actor, command):
            check(actor, command, live.hall)
        else:
            with pytest.raises(NotAllowed):
                live.submit(command, actor)
    assert live.seq == seq
