"""The second step at sign-in: set up with a phone, asked for, never good twice, and taken off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pyotp import TOTP
from sqlalchemy import select

from controller.clock import real_now
from controller.people import Role
from controller.policy import TRIES
from controller.store import tables
from controller.store.people import BadPassword, People, Person
from controller.store.seal import BadSeal, Seal
from controller.store.second_factor import RECOVERY_CODES, SecondFactors
from tests.store.halls import MORNING, open_store
from tests.web.desk import Browser, Desk, words

LI = Person("li", "李强", "001", None, frozenset({Role.TECHNICIAN}), True)


@pytest.fixture
def factors(database: str, tmp_path: Path) -> Iterator[SecondFactors]:
    """Li works here."""
    store = open_store(database)
    People(store).add(LI, MORNING)
    yield SecondFactors(store, Seal(tmp_path))
    store.close()


def shown(secret: str, now: datetime = MORNING) -> str:
    """What the phone shows."""
    return TOTP(secret).at(now)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def set_up(factors: SecondFactors, now: datetime = MORNING) -> tuple[str, list[str]]:
    secret = factors.begin("li")
    return secret, factors.confirm("li", shown(secret, now), now, "")


def refused(factors: SecondFactors, code: str, now: datetime) -> str:
    with pytest.raises(BadPassword) as error:
        factors.check("li", code, now)
    return error.value.code


def test_a_code_is_good_once_and_none_before_it(factors: SecondFactors) -> None:
    secret, _ = set_up(factors)
    later = MORNING + timedelta(minutes=1)
    assert refused(factors, shown(secret), later - timedelta(seconds=40)) == "code_wrong"
    assert factors.check("li", shown(secret, later), later) == "code"
    assert refused(factors, shown(secret, later), later) == "code_wrong"
    assert refused(factors, shown(secret, later - timedelta(seconds=30)), later) == "code_wrong"


@pytest.mark.parametrize("off_s", [-30, 30])
def test_the_clock_of_a_phone_may_be_off_by_half_a_minute(factors: SecondFactors, off_s: int) -> None:
    secret, _ = set_up(factors)
    later = MORNING + timedelta(minutes=5)
    assert factors.check("li", shown(secret, later + timedelta(seconds=off_s)), later) == "code"
    assert refused(factors, shown(secret, later + 3 * timedelta(seconds=off_s)), later) == "code_wrong"


def test_a_recovery_code_is_good_once_however_it_is_typed(factors: SecondFactors) -> None:
    _, codes = set_up(factors)
    assert len(set(codes)) == RECOVERY_CODES
    assert factors.check("li", codes[0].upper().replace("-", " "), MORNING) == "recovery_code"
    assert refused(factors, codes[0], MORNING) == "code_wrong"
    assert factors.of("li").codes == RECOVERY_CODES - 1  # type: ignore[union-attr]


def test_new_recovery_codes_void_those_before(factors: SecondFactors) -> None:
    secret, codes = set_up(factors)
    later = MORNING + timedelta(minutes=1)
    fresh = factors.new_codes("li", shown(secret, later), later)
    assert refused(factors, codes[1], later) == "code_wrong"
    assert factors.check("li", fresh[1], later) == "recovery_code"


def test_wrong_codes_lock_the_account(factors: SecondFactors) -> None:
    secret, codes = set_up(factors)
    later = MORNING + timedelta(minutes=1)
    for _ in range(TRIES):
        assert refused(factors, wrong(shown(secret, later)), later) == "code_wrong"
    assert refused(factors, shown(secret, later), later) == "password_locked"
    assert refused(factors, codes[0], later) == "password_locked"
    assert factors.check("li", codes[0], later + timedelta(minutes=11)) == "recovery_code"


def test_the_secret_is_in_no_table_and_no_row_of_the_trail(factors: SecondFactors, tmp_path: Path) -> None:
    secret, codes = set_up(factors)
    with factors._store.reading() as c:
        rows = [*c.execute(select(tables.person)), *c.execute(select(tables.audit))]
        rows += [*c.execute(select(tables.recovery_code))]
    rows = [tuple(row) for row in rows]
    assert secret not in str(rows)
    assert not any(code.replace("-", "") in str(rows) for code in codes)
    assert (tmp_path / "seal.key").stat().st_mode & 0o077 == 0


def test_another_key_opens_nothing(factors: SecondFactors, tmp_path: Path) -> None:
    secret, codes = set_up(factors)
    (tmp_path / "seal.key").unlink()
    with pytest.raises(BadSeal):
        factors.check("li", shown(secret, MORNING + timedelta(minutes=1)), MORNING + timedelta(minutes=1))
    assert factors.check("li", codes[0], MORNING) == "recovery_code"


# --- the pages


@pytest.fixture
def secret(desk: Desk) -> str:
    """Of boss, who signs in with a second step since yesterday."""
    yesterday = real_now() - timedelta(days=1)
    secret = desk.site.second_factors.begin("boss")
    desk.site.second_factors.confirm("boss", shown(secret, yesterday), yesterday, "")
    return secret


def code_page(answer_location: str) -> bool:
    return answer_location.startswith("/sign-in/code")


def test_it_is_set_up_with_a_picture_a_secret_and_a_code(desk: Desk) -> None:
    browser, page = desk.browser("boss"), "/me/second-factor"
    begun = browser.post(f"{page}/begin", page=page).get_data(as_text=True)
    assert "<svg" in begun
    [secret] = re.findall(r'class="secret"[^>]*>([A-Z2-7 ]+)<', begun)
    secret = secret.replace(" ", "")
    code = shown(secret, real_now())
    answer = browser.post(f"{page}/confirm", page=page, code=wrong(code))
    assert answer.status_code == 409
    assert secret[:4] in words(answer)
    done = browser.post(f"{page}/confirm", page=page, code=shown(secret, real_now()))
    assert len(re.findall(r"<li>[a-z2-9]{4}(?:-[a-z2-9]{4}){3}</li>", done.get_data(as_text=True))) == 10
    assert secret[:4] not in words(browser.get(page))
    assert browser.get("/m/hall/").status_code == 200


def test_without_the_code_nobody_is_signed_in(desk: Desk, secret: str) -> None:
    browser = desk.browser("boss")
    assert browser.get("/m/hall/").headers["Location"].startswith("/sign-in")
    assert code_page(browser.get("/sign-in?next=/m/hall/").headers["Location"])
    assert (
        browser.post("/sign-in/code", page="/sign-in/code", code=wrong(shown(secret, real_now()))).status_code
        == 403
    )
    assert browser.get("/me").status_code == 302
    done = browser.post(
        "/sign-in/code", page="/sign-in/code", code=shown(secret, real_now()), next="/m/hall/"
    )
    assert done.headers["Location"] == "/m/hall/"
    assert browser.get("/m/hall/").status_code == 200


def test_a_password_leads_to_the_code_too(desk: Desk, secret: str) -> None:
    desk.site.people.set_password("boss", "correct horse 7", real_now(), by="boss")
    browser = desk.browser()
    answer = browser.post("/sign-in", number="900", password="correct horse 7", next="/m/hall/")
    assert answer.headers["Location"] == "/sign-in/code?next=/m/hall/"
    assert desk.site.people.sessions("boss", real_now()) == []


def test_it_is_taken_off_for_a_code_only(desk: Desk, secret: str) -> None:
    browser = signed_in(desk, secret)
    page = "/me/second-factor"
    assert browser.post(f"{page}/off", page=page, code="000000").status_code == 409
    [code] = desk.site.second_factors.new_codes(
        "boss", shown(secret, real_now() + timedelta(seconds=30)), real_now()
    )[:1]
    assert browser.post(f"{page}/off", page=page, code=code).status_code == 303
    assert desk.site.second_factors.of("boss") is None


def signed_in(desk: Desk, secret: str) -> Browser:
    browser = desk.browser("boss")
    browser.post("/sign-in/code", page="/sign-in/code", code=shown(secret, real_now()))
    return browser


def test_an_administrator_takes_it_off_for_somebody(desk: Desk, secret: str) -> None:
    browser = signed_in(desk, secret)
    desk.site.people.add(Person("admin", "管理员", "990", None, frozenset({Role.ADMIN}), True), real_now())
    desk.browser("admin").post("/people/boss/second_factor_off", page="/people/boss")
    assert browser.get("/me").status_code == 302
    assert desk.browser("boss").get("/m/hall/").status_code == 200
    [row] = desk.site.people.trail(1, "person.second_factor_off")
    assert (row["actor"], row["subject"]) == ("admin", "boss")


def test_who_needs_one_and_has_none_sets_it_up_before_anything_else(desk: Desk) -> None:
    desk.site.settings = replace(desk.site.settings, second_factor_roles=("hall_manager",))
    browser = desk.browser("boss")
    assert browser.get("/m/hall/").headers["Location"] == "/me/second-factor"
    assert browser.post("/m/hall/close", page="/me").status_code == 403
    assert "您的岗位登录时需要" in words(browser.get("/me/second-factor"))
    assert desk.browser("li").get("/w/hall/").status_code == 200
