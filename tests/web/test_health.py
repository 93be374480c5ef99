"""Seen from outside: alive, ready, and in figures, for who may read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from controller.hall.commands import CallNext, Login, Start
from tests.web.desk import Desk

TOKEN = "a-token-of-the-monitoring"


def figures(answer: TestResponse) -> dict[str, float]:
    """Every sample by its name and labels: 'servicehall_events_total hall=hall'."""
    families = text_string_to_metric_families(answer.get_data(as_text=True))
    return {
        " ".join(
            [sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))]
        ): sample.value
        for family in families
        for sample in family.samples
    }


def ask(desk: Desk, address: str = "/metrics", *, whose: str = "127.0.0.1", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return desk.app.test_client().get(  # type: ignore[no-any-return]
        address, headers=named, environ_base={"REMOTE_ADDR": whose}
    )


# --- alive and ready


def test_the_process_is_alive_even_when_the_store_is_not(desk: Desk) -> None:
    desk.site.store.close()
    answer = ask(desk, "/healthz")
    assert (answer.status_code, answer.json) == (200, {"ok": True, "halls": ["hall"]})


def test_a_site_that_works_is_ready(desk: Desk) -> None:
    answer = ask(desk, "/readyz")
    assert answer.status_code == 200
    assert [(check["part"], check["ok"]) for check in answer.json["checks"]] == [  # type: ignore[index]
        ("store", True),
        ("hall hall", True),
    ]


def broken(answer: TestResponse) -> dict[str, str]:
    assert answer.status_code == 503
    checks = answer.json["checks"]  # type: ignore[index]
    assert all(check["remedy"] for check in checks if not check["ok"])
    return {check["part"]: check["why"] for check in checks if not check["ok"]}


def test_a_store_that_takes_nothing_is_the_reason(desk: Desk) -> None:
    desk.site.store.close()
    assert broken(ask(desk, "/readyz")) == {"store": "the store takes no rows"}


def test_a_hall_whose_writer_is_stopped_is_the_reason(desk: Desk) -> None:
    desk.live.stop()
    assert broken(ask(desk, "/readyz")) == {"hall hall": "its writer does not answer"}


def test_looking_costs_one_commit_however_many_ask(desk: Desk) -> None:
    before = desk.live.timings.commit.totals().buckets[-1]
    for _ in range(20):
        ask(desk, "/readyz")
    assert desk.live.timings.commit.totals().buckets[-1] == before + 1


# --- figures


def test_the_figures_are_those_of_the_hall(desk: Desk) -> None:
    desk.take("A")
    desk.take("A")
    desk.give(Login(1, "li"), CallNext(1), Start(1))
    desk.time.pass_by(minutes=2)
    found = figures(ask(desk))
    assert found["servicehall_queue_waiting hall=hall queue=A"] == 1
    assert found["servicehall_queue_longest_wait_seconds hall=hall queue=A"] == pytest.approx(120, abs=5)
    assert found["servicehall_events_total hall=hall"] == desk.live.seq
    assert found["servicehall_windows hall=hall state=busy"] == 1
    assert found["servicehall_commit_seconds_count hall=hall"] >= 6
    assert found["servicehall_build_info store=sqlite version=0.1.0"] == 1
    assert found["process_resident_memory_bytes"] > 0


def test_every_step_is_a_histogram(desk: Desk) -> None:
    found = figures(ask(desk))
    for step, _ in desk.live.timings.items():
        assert f"servicehall_{step}_seconds_bucket hall=hall le=+Inf" in found


def test_a_key_of_the_console_is_measured(desk: Desk) -> None:
    desk.take("A")
    clerk = desk.browser("li")
    clerk.post("/w/hall/1/login", page="/w/hall/?choose=1")
    clerk.press(1, "next")
    assert figures(ask(desk))["servicehall_action_seconds_count hall=hall"] == 1


# --- who may read them


def test_nobody_elsewhere_reads_them_without_a_token(desk: Desk) -> None:
    assert ask(desk, whose="10.0.0.7").status_code == 403


def test_who_a_proxy_of_this_machine_asks_for_is_not_here(desk: Desk) -> None:
    assert ask(desk, X_Forwarded_For="10.0.0.7").status_code == 403


@contextmanager
def token(desk: Desk, folder: Path) -> Iterator[None]:
    file = folder / "metrics.token"
    file.write_text(f"{TOKEN}\n")
    before = desk.site.settings
    desk.site.settings = replace(before, metrics_token_file=file)
    yield
    desk.site.settings = before


def test_who_has_the_token_reads_them_from_elsewhere(desk: Desk, tmp_path: Path) -> None:
    with token(desk, tmp_path):
        assert ask(desk, whose="10.0.0.7", Authorization=f"Bearer {TOKEN}").status_code == 200
        for wrong in ("Bearer wrong", "Bearer ", TOKEN[:-1], "Basic abc", "Bearer é"):
            assert ask(desk, whose="10.0.0.7", Authorization=wrong).status_code == 401
        asked = ask(desk, whose="10.0.0.7")
        assert (asked.status_code, asked.headers["WWW-Authenticate"]) == (401, "Bearer realm=metrics")
        assert ask(desk).status_code == 200
