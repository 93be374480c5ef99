"""Signing in by OpenID Connect: the code flow against a real provider, and what must not be believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from joserfc.jwk import RSAKey
from pyotp import TOTP
from werkzeug.test import TestResponse

from controller.clock import real_now
from controller.settings import BadSettings, load
from tests.web import provider as providers
from tests.web.desk import Browser, Desk, words
from tests.web.provider import CLIENT, SECRET, Provider
from web.app import create_app


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providers.running() as running:
        yield running


@pytest.fixture
def hall(desk: Desk, provider: Provider, tmp_path: Path) -> Desk:
    """A desk that lets people of the provider in."""
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    desk.site.settings = replace(
        desk.site.settings,
        oidc_issuer=provider.url,
        oidc_client_id=CLIENT,
        oidc_client_secret_file=secret,
        public_url="http://hall.example",
    )
    provider.back = "http://hall.example/sign-in/oidc/back"
    desk.app = create_app(desk.site)
    return desk


def sent_off(browser: Browser, where: str = "/sign-in/oidc") -> str:
    """Where the provider sends the browser back to, as a path of ours."""
    off = browser.get(where)
    assert off.status_code == 302, words(off)
    back = requests.get(off.headers["Location"], allow_redirects=False, timeout=5).headers["Location"]
    return back.removeprefix("http://hall.example")


def signs_in(browser: Browser) -> TestResponse:
    return browser.get(sent_off(browser))


def test_somebody_the_provider_knows_by_a_staff_number_is_signed_in(hall: Desk) -> None:
    browser = hall.browser()
    assert 'href="/sign-in/oidc' in browser.get("/sign-in").get_data(as_text=True)
    assert signs_in(browser).headers["Location"] == "/w/hall/"
    assert "李强" in words(browser.get("/me"))
    [row] = hall.site.people.trail(1, "person.sign_in")
    assert (row["actor"], row["details"]) == ("li", {"by": "oidc"})


def test_one_comes_back_to_where_one_was_going(hall: Desk) -> None:
    browser = hall.browser()
    back = sent_off(browser, "/sign-in/oidc?next=/me")
    assert browser.get(back).headers["Location"] == "/me"


def test_the_second_step_is_asked_for_all_the_same(hall: Desk) -> None:
    yesterday = real_now() - timedelta(days=1)
    secret = hall.site.second_factors.begin("li")
    hall.site.second_factors.confirm("li", TOTP(secret).at(yesterday), yesterday, "")
    assert signs_in(hall.browser()).headers["Location"].startswith("/sign-in/code")


def test_each_way_there_has_secrets_of_its_own(hall: Desk, provider: Provider) -> None:
    for _ in range(2):
        sent_off(hall.browser())
    first, second = provider.asked
    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))
    assert first["code_challenge_method"] == "S256"
    assert first["scope"] == "openid profile"


@pytest.mark.parametrize(
    "said",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another client"},
        {"nonce": "of another sign-in"},
        {"exp": 1_000_000},
        {"preferred_username": None},
        {"preferred_username": 17},
    ],
    ids=lambda said: next(iter(said)),
)
def test_what_the_token_says_is_checked(hall: Desk, provider: Provider, said: dict[str, object]) -> None:
    provider.said = said
    answer = signs_in(hall.browser())
    assert answer.status_code == 403
    assert "统一登录没有成功" in words(answer)


def test_a_token_signed_by_somebody_else_is_not_believed(hall: Desk, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "1"})
    assert signs_in(hall.browser()).status_code == 403


def test_who_is_nobody_here_or_was_shut_out_gets_nowhere(hall: Desk, provider: Provider) -> None:
    provider.who = "555"
    assert "没有对应的工号" in words(signs_in(hall.browser()))
    provider.who = "001"
    hall.site.people.set_active("li", False, real_now())
    assert "没有对应的工号" in words(signs_in(hall.browser()))


def test_an_answer_for_another_browser_is_not_taken(hall: Desk) -> None:
    """Neither without the cookie of the way there nor with another one's state (login CSRF)."""
    victim, attacker = hall.browser(), hall.browser()
    back = sent_off(attacker)
    assert victim.get(back).status_code == 403
    sent_off(victim)
    assert victim.get(back).status_code == 403
    assert attacker.get(back).status_code == 302


def test_an_answer_is_good_once(hall: Desk) -> None:
    browser = hall.browser()
    back = sent_off(browser)
    cookie = browser.client.get_cookie("oidc")
    assert cookie is not None
    browser.get(back)
    browser.client.set_cookie("oidc", cookie.value)
    assert browser.get(back).status_code == 403


def test_who_is_not_let_in_there_is_told_so(hall: Desk, provider: Provider) -> None:
    provider.who = None
    assert "没有让您登录" in words(signs_in(hall.browser()))


def test_a_provider_that_is_out_leaves_the_other_ways_in(hall: Desk, provider: Provider) -> None:
    hall.site.settings = replace(hall.site.settings, oidc_issuer="http://127.0.0.1:9")
    hall.app = create_app(hall.site)
    answer = hall.browser().get("/sign-in/oidc")
    assert answer.status_code == 403
    assert 'name="password"' in answer.get_data(as_text=True)


def test_a_site_without_a_provider_has_no_such_page(desk: Desk) -> None:
    browser = desk.browser()
    assert "/sign-in/oidc" not in browser.get("/sign-in").get_data(as_text=True)
    assert browser.get("/sign-in/oidc").status_code == 404


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('oidc_issuer = "http://id.example"\noidc_client_id = "x"', "https"),
        ('oidc_issuer = "https://id.example"', "oidc_client_id"),
    ],
)
def test_a_provider_is_named_in_full_and_reached_encrypted(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "controller.toml").write_text(text)
    with pytest.raises(BadSettings, match=said):
        load(tmp_path / "controller.toml")
