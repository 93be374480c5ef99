"""A whole hall seen from outside: its nodes speak as documented, its figures count what happened."""

from __future__ import annotations

import json
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controller.demo.hall import HALL
from firmware.protocol import topics
from tests.controller.brokers import client
from tests.docs.wire import channel_of, check
from tests.hall_process import HallProcess
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


def read(hall: HallProcess, address: str) -> str:
    with urllib.request.urlopen(f"{hall.url}{address}", timeout=10) as answer:
        return answer.read().decode()  # type: ignore[no-any-return]


def figure(hall: HallProcess, name: str) -> float:
    """The sum of one figure over its labels."""
    families = text_string_to_metric_families(read(hall, "/metrics"))
    return sum(one.value for family in families for one in family.samples if one.name == name)


def test_what_real_nodes_say_is_as_documented(hall: HallProcess) -> None:
    with client(hall.works.settings, "controller", "", topics.up(HALL, "+", "#")) as tap:
        before = len(hall.slips())
        hall.press("C")
        until(lambda: len(hall.slips()) > before, 40, what="a slip")
        until(lambda: any(b'"Printed"' in payload for _, payload in list(tap.got)), 20)
        heard = [one for one in list(tap.got) if one[1]]
    for topic, payload in heard:
        check(channel_of(topic), payload)
    assert {channel_of(topic).name for topic, _ in heard} >= {"reports", "birth", "health", "unitState"}


def test_a_hall_that_runs_is_ready_and_counts_its_presses(hall: HallProcess) -> None:
    assert json.loads(read(hall, "/readyz"))["ready"]
    counted = figure(hall, "servicehall_slip_ordered_seconds_count")
    before = len(hall.slips())
    hall.press("C")
    until(lambda: len(hall.slips()) > before, 40, what="a slip")
    until(lambda: figure(hall, "servicehall_slip_ordered_seconds_count") == counted + 1, 10)
    until(lambda: figure(hall, "servicehall_order_answered_seconds_count") >= counted + 1, 10)
    assert figure(hall, "servicehall_unit_online") == 4
