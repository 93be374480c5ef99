"""Who may do what; links, passwords and sessions; the trail; and the command that looks after people."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import select

from controller import people
from controller.clock import real_now
from controller.hall import commands as c
from controller.hall.model import PauseReason, Slip, WindowMode
from controller.people import (
    CITIZEN,
    RIGHTS,
    SYSTEM,
    Actor,
    ActorKind,
    NotAllowed,
    Role,
    check,
    mask,
    unit_actor,
)
from controller.policy import Policy
from controller.settings import Settings
from controller.store import Store, tables
from controller.store.audit import audit
from controller.store.people import (
    LINK_LASTS,
    BadLink,
    BadPassword,
    BadPerson,
    People,
    Person,
    UnknownPerson,
    _nobodys,
)
from tests.halls import go, small
from tests.store.halls import MORNING, open_store

HALL = small().hall  # wang at window 1, li at window 2
LONGEST, IDLE = Policy().longest, Policy().idle_of([Role.CLERK])
LI = Person("li", "李强", "001", None, frozenset({Role.CLERK}), True)
PASSWORD = "correct horse 7"


def person(*roles: Role, id: str = "wang", hall: str | None = None) -> Actor:
    return Actor(ActorKind.PERSON, id, frozenset(roles), None if hall is None else frozenset({hall}))


def may(actor: Actor, command: c.Command) -> bool:
    try:
        check(actor, command, HALL)
    except NotAllowed:
        return False
    return True


# --- rights


def test_every_command_stands_in_the_table_of_rights() -> None:
    assert set(RIGHTS) == set(get_args(c.Command))


@pytest.mark.parametrize(
    "command", [c.TakeTicket("A", "t"), c.ReturnTicket(1), c.CancelTicket(1), c.LetPass(1)]
)
def test_a_guide_helps_with_tickets(command: c.Command) -> None:
    assert may(person(Role.GUIDE), command)


@pytest.mark.parametrize(
    "command", [c.CallNext(1), c.Finish(1), c.ChangeMode(1, WindowMode.GREEN), c.CloseDay()]
)
def test_a_guide_neither_calls_nor_manages(command: c.Command) -> None:
    assert not may(person(Role.GUIDE), command)


@pytest.mark.parametrize(
    "command",
    [
        c.CallNext(1),
        c.Recall(1),
        c.NoShow(1),
        c.Hold(1, "x"),
        c.Finish(1),
        c.Pause(1, PauseReason.BREAK),
        c.Logout(1),
    ],
)
def test_a_clerk_acts_at_the_own_window_only(command: c.Command) -> None:
    assert may(person(Role.CLERK, id="wang"), command)
    assert not may(person(Role.CLERK, id="li"), command)


def test_a_clerk_signs_only_the_own_person_in() -> None:
    assert may(person(Role.CLERK, id="sun"), c.Login(3, "sun"))
    assert not may(person(Role.CLERK, id="sun"), c.Login(3, "zhao"))
    assert may(person(Role.HALL_MANAGER, id="boss"), c.Login(3, "zhao"))


def test_a_clerk_transfers_only_who_is_at_the_own_window() -> None:
    hall = go(small("A A"), c.CallNext(1)).hall  # A001 is called to Wang's window
    transfer = c.Transfer(1, "x", to_queue="B")
    check(person(Role.CLERK, id="wang"), transfer, hall)
    check(person(Role.HALL_MANAGER, id="boss"), transfer, hall)
    with pytest.raises(NotAllowed):
        check(person(Role.CLERK, id="li"), transfer, hall)


def test_a_window_lead_may_pause_and_close_any_window_but_call_only_at_the_own() -> None:
    lead = person(Role.WINDOW_LEAD, id="li")
    assert may(lead, c.Unpause(1))
    assert may(lead, c.Logout(1))
    assert not may(lead, c.CallNext(1))


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DIRECTOR, Role.LEADER_VIEW, Role.TECHNICIAN])
def test_who_looks_changes_nothing(role: Role) -> None:
    command: c.Command
    for command in (c.TakeTicket("A", "t"), c.CallNext(1), c.CloseDay(), c.ChangeMode(1, WindowMode.GREEN)):
        assert not may(person(role), command)


def test_no_person_rates() -> None:
    assert not any(may(person(role), c.Rate(1, 5)) for role in Role)
    assert may(CITIZEN, c.Rate(1, 5))


def test_a_citizen_takes_and_gives_up_tickets_and_nothing_else() -> None:
    assert may(CITIZEN, c.TakeTicket("A", "t"))
    assert not may(CITIZEN, c.CallNext(1))
    assert not may(CITIZEN, c.LoseWindow(1))


def test_a_keypad_calls_for_its_own_window() -> None:
    keypad = unit_actor("node-1", window=1)
    assert may(keypad, c.CallNext(1))
    assert not may(keypad, c.CallNext(2))
    assert may(unit_actor("node-1"), c.RecordSlip(1, Slip.PRINTED))
    assert not may(keypad, c.ChangeMode(1, WindowMode.GREEN))


def test_the_system_may_do_what_only_it_does() -> None:
    assert may(SYSTEM, c.Tick())
    assert not may(person(Role.HALL_MANAGER), c.Tick())


def test_a_manager_of_another_hall_is_a_stranger_here() -> None:
    assert may(person(Role.HALL_MANAGER, hall="hall"), c.CloseDay())
    assert not may(person(Role.HALL_MANAGER, hall="north"), c.CloseDay())


def test_public_screens_show_only_the_surname() -> None:
    assert mask("张三丰") == "张*"
    assert mask("") == ""


# --- people, links, sessions


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


@pytest.fixture
def staff(store: Store) -> People:
    """Li works here."""
    staff = People(store)
    staff.add(LI, MORNING)
    return staff


def test_people_are_found_by_id_number_or_name(staff: People) -> None:
    assert staff.find("li") == staff.find("001") == staff.find("李强") == LI
    with pytest.raises(UnknownPerson, match="nobody"):
        staff.find("002")


@pytest.mark.parametrize("id", ["", "Li", "a b", "-x", "x" * 65])
def test_an_id_is_short_and_plain(staff: People, id: str) -> None:
    with pytest.raises(BadPerson):
        staff.add(Person(id, "新人", "9", None, frozenset({Role.GUIDE}), True), MORNING)


def test_ids_and_staff_numbers_are_given_once(staff: People) -> None:
    for id, number in (("li", "7"), ("other", "001")):
        with pytest.raises(BadPerson, match="李强"):
            staff.add(Person(id, "新人", number, None, frozenset(), True), MORNING)


def test_a_link_signs_in_once_and_within_its_time(staff: People) -> None:
    token = staff.link("li", MORNING)
    assert staff.whose_link(token, MORNING) == LI
    session = staff.use_link(token, MORNING + LINK_LASTS - timedelta(seconds=1))
    assert staff.signed_in(session, MORNING + LINK_LASTS) == LI
    with pytest.raises(BadLink):
        staff.use_link(token, MORNING)
    with pytest.raises(BadLink):
        staff.use_link(staff.link("li", MORNING), MORNING + LINK_LASTS)


def test_the_database_holds_no_secret_that_opens_anything(store: Store, staff: People) -> None:
    token = staff.link("li", MORNING)
    session = staff.use_link(token, MORNING)
    with store.reading() as connection:
        rows = [
            *connection.execute(select(tables.link.c.token_hash)).scalars(),
            *connection.execute(select(tables.login_session.c.token_hash)).scalars(),
        ]
    assert not {token, session} & set(rows)
    assert all(staff.signed_in(row, MORNING) is None for row in rows)


def test_an_idle_session_ends_and_use_keeps_it_alive(staff: People) -> None:
    session = staff.use_link(staff.link("li", MORNING), MORNING)
    staff.signed_in(session, MORNING + IDLE / 2, is_use=True)
    assert staff.signed_in(session, MORNING + IDLE) == LI
    assert staff.signed_in(session, MORNING + IDLE * 3 / 2) is None


def test_who_has_several_roles_is_idle_after_the_shortest_time() -> None:
    policy = Settings(idle_minutes={"clerk": 60.0}).policy
    assert policy.idle_of([Role.CLERK]) == timedelta(hours=1)
    assert policy.idle_of([Role.CLERK, Role.ADMIN]) == timedelta(minutes=15)
    assert policy.idle_of([Role.LEADER_VIEW]) == policy.longest


def test_a_board_goes_on_when_a_session_was_idle_and_revives_nothing(staff: People) -> None:
    session = staff.use_link(staff.link("li", MORNING), MORNING)
    later = MORNING + IDLE
    assert staff.signed_in(session, later, is_looking=True, is_use=True) == LI
    assert staff.is_idle(session, later)
    assert staff.signed_in(session, later) is None
    assert staff.signed_in(session, MORNING + LONGEST, is_looking=True) is None
    assert staff.standings(later)["li"].sessions == 0


def test_how_many_tries_lock_for_how_long_is_a_setting(store: Store) -> None:
    staff = People(store, Settings(sign_in_tries=2, sign_in_lock_minutes=30.0).policy)
    staff.add(LI, MORNING)
    staff.set_password("li", PASSWORD, MORNING)
    for _ in range(2):
        with pytest.raises(BadPassword, match="no such"):
            staff.sign_in("001", "wrong", MORNING)
    with pytest.raises(BadPassword, match="30 minutes"):
        staff.sign_in("001", PASSWORD, MORNING + timedelta(minutes=29))
    assert staff.sign_in("001", PASSWORD, MORNING + timedelta(minutes=31))


def test_no_session_outlives_a_working_day(staff: People) -> None:
    session = staff.use_link(staff.link("li", MORNING), MORNING)
    for hours in range(14):
        staff.signed_in(session, MORNING + timedelta(hours=hours), is_use=True)
    assert staff.signed_in(session, MORNING + LONGEST) is None


def test_signing_out_and_being_disabled_end_sessions_and_links(staff: People) -> None:
    first, second = (staff.use_link(staff.link("li", MORNING), MORNING) for _ in range(2))
    link = staff.link("li", MORNING)
    staff.sign_out(first, MORNING)
    assert staff.signed_in(first, MORNING) is None
    assert staff.signed_in(second, MORNING) == LI
    staff.set_active("li", False, MORNING)
    assert staff.signed_in(second, MORNING) is None
    with pytest.raises(BadLink):
        staff.use_link(link, MORNING)
    with pytest.raises(UnknownPerson):
        staff.link("li", MORNING)


def test_sessions_are_listed_while_they_last(staff: People) -> None:
    first, second = (staff.use_link(staff.link("li", MORNING), MORNING) for _ in range(2))
    later = MORNING + timedelta(minutes=30)
    staff.signed_in(second, later, is_use=True)
    listed = staff.sessions("li", later, first)
    assert [(one.seen_at, one.is_here) for one in listed] == [(later, False), (MORNING, True)]
    assert len(staff.sessions("li", MORNING + IDLE)) == 1  # the first was idle for too long
    staff.sign_out(second, later)
    assert [one.is_here for one in staff.sessions("li", later, first)] == [True]


def test_one_session_is_ended_and_only_of_the_own_person(staff: People) -> None:
    staff.add(Person("wang", "王芳", "002", None, frozenset({Role.CLERK}), True), MORNING)
    here, there = (staff.use_link(staff.link("li", MORNING), MORNING) for _ in range(2))
    [other] = [one.id for one in staff.sessions("li", MORNING, here) if not one.is_here]
    staff.end_session("wang", other, MORNING, by="wang")
    assert staff.signed_in(there, MORNING) == LI
    staff.end_session("li", other, MORNING, by="li")
    assert staff.signed_in(there, MORNING) is None
    assert staff.signed_in(here, MORNING) == LI
    assert [row["what"] for row in staff.trail(10, "person.session_end")] == ["person.session_end"]


def test_all_sessions_but_one_are_ended(staff: People) -> None:
    here, there = (staff.use_link(staff.link("li", MORNING), MORNING) for _ in range(2))
    staff.end_sessions("li", MORNING, by="li", but=here)
    assert staff.signed_in(here, MORNING) == LI
    assert staff.signed_in(there, MORNING) is None


def test_a_password_signs_in_by_staff_number(staff: People) -> None:
    staff.set_password("li", PASSWORD, MORNING)
    session = staff.sign_in("001", PASSWORD, MORNING)
    signed_in = staff.signed_in(session, MORNING)
    assert signed_in is not None
    assert signed_in.has_password


def test_a_password_somebody_else_set_is_to_be_replaced_by_another(staff: People) -> None:
    staff.set_password("li", PASSWORD, MORNING)
    assert staff.find("li").has_given_password
    with pytest.raises(BadPassword) as refused:
        staff.set_password("li", PASSWORD, MORNING, by="li")
    assert refused.value.code == "password_same"
    staff.set_password("li", "another horse 8", MORNING, by="li")
    assert not staff.find("li").has_given_password


def test_a_new_password_ends_every_session_but_the_one_it_was_set_in(staff: People) -> None:
    here, elsewhere = (staff.use_link(staff.link("li", MORNING), MORNING) for _ in range(2))
    link = staff.link("li", MORNING)
    staff.set_password("li", PASSWORD, MORNING, session=here)
    assert staff.signed_in(here, MORNING) is not None
    assert staff.signed_in(elsewhere, MORNING) is None
    with pytest.raises(BadLink):
        staff.use_link(link, MORNING)


def test_somebody_unknown_costs_the_same_work_as_a_wrong_password() -> None:
    hasher = PasswordHasher()
    unknown, known = (extract_parameters(one) for one in (_nobodys(hasher), hasher.hash(PASSWORD)))
    assert unknown == known
    with pytest.raises(VerifyMismatchError):
        hasher.verify(_nobodys(hasher), PASSWORD)


@pytest.mark.parametrize("weak", ["", "short 1", "abcdefghijklm", "1234567890"])
def test_an_easy_password_is_refused(staff: People, weak: str) -> None:
    with pytest.raises(BadPassword) as refused:
        staff.set_password("li", weak, MORNING)
    assert refused.value.code == "password_weak"


def test_wrong_passwords_lock_for_ten_minutes(staff: People) -> None:
    staff.set_password("li", PASSWORD, MORNING)
    for _ in range(5):
        with pytest.raises(BadPassword, match="no such"):
            staff.sign_in("001", "wrong", MORNING)
    with pytest.raises(BadPassword) as refused:
        staff.sign_in("001", PASSWORD, MORNING + timedelta(minutes=9))
    assert refused.value.code == "password_locked"
    assert staff.sign_in("001", PASSWORD, MORNING + timedelta(minutes=11))


def test_somebody_unknown_or_without_a_password_does_not_get_in(staff: People) -> None:
    for name in ("001", "nobody"):
        with pytest.raises(BadPassword) as refused:
            staff.sign_in(name, PASSWORD, MORNING)
        assert refused.value.code == "password_wrong"


def test_every_change_of_people_leaves_a_row_in_the_trail(staff: People) -> None:
    session = staff.use_link(staff.link("li", MORNING, by="boss"), MORNING)
    staff.sign_out(session, MORNING)
    said = [(row["actor"], row["what"]) for row in reversed(staff.trail())]
    assert said == [
        ("system", "person.add"),
        ("boss", "person.link"),
        ("li", "person.sign_in"),
        ("li", "person.sign_out"),
    ]


def test_an_audit_row_is_undone_with_its_transaction(store: Store, staff: People) -> None:
    before = len(staff.trail())
    with store.writing() as connection:
        audit("li", "try", "hall", MORNING)(connection)
        connection.rollback()
    assert len(staff.trail()) == before


# --- the command


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "controller.toml"
    file.write_text('public_url = "https://hall.example"\n')
    return file


def run(config: Path, *words: str) -> int:
    return people.main(["-c", str(config), *words])


def test_the_command_adds_lists_and_gives_out_links(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "add", "王芳", "--number", "017", "--role", "clerk", "--role", "guide") == 0
    assert run(config, "list") == 0
    assert "p017" in capsys.readouterr().out
    assert run(config, "link", "王芳") == 0
    address = capsys.readouterr().out.strip()
    assert address.startswith("https://hall.example/in/")
    store = Store.open(f"sqlite:///{config.parent / 'data' / 'hall.sqlite'}", real_now())
    assert People(store).whose_link(address.rpartition("/")[2], real_now()).name == "王芳"
    store.close()


def test_the_command_shuts_out_and_lets_in_again(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(config, "add", "王芳", "--id", "wang-fang", "--role", "clerk")
    assert run(config, "disable", "wang-fang") == 0
    assert run(config, "link", "wang-fang") == 1
    assert "does not work here" in capsys.readouterr().err
    assert run(config, "enable", "wang-fang") == 0
    assert run(config, "link", "wang-fang") == 0


def test_the_command_lists_sessions_and_ends_them(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(config, "add", "王芳", "--number", "017", "--role", "clerk")
    run(config, "link", "017")
    token = capsys.readouterr().out.split()[-1].rpartition("/")[2]
    with closing(Store.open(f"sqlite:///{config.parent / 'data' / 'hall.sqlite'}", real_now())) as store:
        session = People(store).use_link(token, real_now())
        assert run(config, "sessions", "017") == 0
        assert "last used" in capsys.readouterr().out
        assert run(config, "sign-out", "017") == 0
        assert People(store).signed_in(session, real_now()) is None


def test_the_command_sets_a_password_from_standard_input(config: Path) -> None:
    run(config, "add", "王芳", "--number", "017", "--role", "clerk")
    program = "import sys; from controller.people import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", program, "-c", str(config), "password", "017"]
    for password, code, said in ((PASSWORD, 0, ""), ("weak", 1, "10 characters")):
        done = subprocess.run(words, input=f"{password}\n", capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert said in done.stderr


def test_the_command_says_in_one_sentence_what_is_wrong(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config, "add", "王芳", "--role", "clerk") == 1
    assert run(config, "link", "nobody") == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 2
    assert "--number" in lines[0]
    assert "nobody here by" in lines[1]
