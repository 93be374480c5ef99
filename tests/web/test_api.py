"""The JSON API: what it gives, what it says when asked wrongly, and that its document tells the truth."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from controller.hall.commands import CallNext, Login
from tests.web.desk import Desk, words
from web.openapi import PROBLEM

KEY = {"Idempotency-Key": "tap-0001-of-a-test"}
OUTSIDE = ("/healthz", "/readyz", "/metrics")


def post(
    desk: Desk, body: object, address: str = "/api/v1/halls/hall/tickets", **headers: str
) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return desk.app.test_client().post(  # type: ignore[no-any-return]
        address, data=data, headers={"Content-Type": "application/json", **KEY, **named}
    )


def document(desk: Desk) -> dict[str, Any]:
    return desk.browser().get("/api/openapi.json").json  # type: ignore[return-value]


# --- the document and what is served


def test_the_document_is_openapi(desk: Desk) -> None:
    validate(document(desk))
    assert document(desk)["openapi"].startswith("3.1")


def test_what_is_documented_is_served_and_what_is_served_is_documented(desk: Desk) -> None:
    told = {(path, method.upper()) for path, methods in document(desk)["paths"].items() for method in methods}
    served = {
        (braced(rule.rule), method)
        for rule in desk.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if ("/api/" in rule.rule or rule.rule in OUTSIDE) and rule.endpoint not in DOCUMENTS
    }
    assert told == served


DOCUMENTS = {"api.documents", "api.openapi_document", "api.asyncapi_document"}


def braced(rule: str) -> str:
    return rule.replace("<", "{").replace(">", "}")


def test_no_other_address_answers_with_json(desk: Desk) -> None:
    """Every page that needs no argument is asked for as a manager; only the API speaks JSON."""
    browser, told = desk.browser("boss"), document(desk)["paths"]
    plain = [
        rule.rule for rule in desk.app.url_map.iter_rules() if not rule.arguments and "GET" in rule.methods
    ]
    speaking = [one for one in plain if "json" in (browser.get(one).content_type or "")]
    assert set(speaking) - {"/api/openapi.json", "/api/asyncapi.json"} <= set(told)


def test_the_page_for_people_needs_no_other_site(desk: Desk) -> None:
    page = desk.browser().get("/api/?lang=zh").get_data(as_text=True)
    assert "接口" in page
    assert "/api/v1/halls/{hall}/tickets" in page
    assert "https://" not in page
    assert "//cdn" not in page


# --- reading


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/halls",
        "/api/v1/halls/hall",
        "/api/v1/halls/hall/queues",
        "/api/v1/halls/hall/windows",
        "/api/v1/halls/hall/boards",
        "/api/v1/halls/hall/boards/w1",
        "/api/v1/halls/hall/matters",
        "/healthz",
        "/readyz",
    ],
)
def test_what_everybody_may_read_is_as_its_schema_says(desk: Desk, address: str) -> None:
    desk.take("A")
    answer, told = desk.browser().get(address), document(desk)
    pattern = address.replace("/hall", "/{hall}").replace("/{hall}s", "/halls").replace("w1", "{board}")
    content = told["paths"][pattern]["get"]["responses"]["200"]["content"]["application/json"]
    jsonschema.Draft202012Validator({**content["schema"], "components": told["components"]}).validate(
        answer.json
    )


def test_an_answer_that_has_not_changed_is_not_sent_again(desk: Desk) -> None:
    browser = desk.browser()
    first = browser.get("/api/v1/halls/hall/queues")
    again = browser.get("/api/v1/halls/hall/queues", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    desk.take("A")
    changed = browser.get("/api/v1/halls/hall/queues", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


# --- a ticket


def test_a_ticket_is_taken_and_followed(desk: Desk) -> None:
    taken = post(desk, {"queue": "A"})
    assert taken.status_code == 201
    where = taken.headers["Location"]
    assert desk.browser().get(where).json["state"] == "waiting"  # type: ignore[index]
    desk.give(Login(1, "li"), CallNext(1))
    now = desk.browser().get(where).json
    assert (now["state"], now["window"], now["number"]) == ("called", 1, taken.json["number"])  # type: ignore[index]


def test_a_ticket_asked_for_twice_is_one_ticket(desk: Desk) -> None:
    first, second = post(desk, {"queue": "A"}), post(desk, {"queue": "A"})
    assert first.json == second.json
    assert first.headers["Location"] == second.headers["Location"]
    assert len(desk.live.hall.tickets) == 1


WRONG: list[tuple[object, dict[str, str], int, str, str]] = [
    ({"queue": "A"}, {"Idempotency_Key": "short"}, 400, "Idempotency-Key", "key_needed"),
    (b"{", {}, 400, "$", "not_json"),
    (b"\xff\xfe", {}, 400, "$", "not_json"),
    (b"[" * 5000, {}, 400, "$", "body_wrong"),
    ({}, {}, 400, "$", "body_wrong"),
    ({"queue": 7}, {}, 400, "$.queue", "queue_needed"),
    ({"queue": ""}, {}, 400, "$.queue", "queue_needed"),
    ({"queue": "A", "item": []}, {}, 400, "$.item", "item_wrong"),
    ({"queue": "A", "priority": 1}, {}, 400, "$", "body_wrong"),
    ({"queue": "ZZ"}, {}, 409, "", "unknown_queue"),
    ({"queue": "A"}, {"Content_Type": "text/plain"}, 415, "", "415"),
    ({"queue": "A"}, {"Origin": "https://elsewhere.example"}, 403, "", "other_origin"),
    ({"queue": "A" * 100_000}, {}, 413, "", "413"),
]


@pytest.mark.parametrize(("body", "headers", "status", "field", "code"), WRONG)
def test_what_is_wrong_is_said_with_what_to_do(
    desk: Desk, body: object, headers: dict[str, str], status: int, field: str, code: str
) -> None:
    answer = post(desk, body, **headers)
    told = json.loads(answer.data)
    assert (answer.status_code, answer.mimetype) == (status, PROBLEM)
    assert (told["status"], told["code"], told["field"] or "") == (status, code, field)
    assert told["detail"]
    assert told["detail_zh"]
    assert told["remedy"]
    assert not desk.live.hall.tickets


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api/v1/halls/nowhere", 404),
        ("GET", "/api/v1/halls/hall/boards/w99", 404),
        ("GET", "/api/v1/tickets/unknown", 404),
        ("GET", "/api/v2/halls", 404),
        ("DELETE", "/api/v1/halls", 405),
        ("POST", "/api/v1/halls/hall/queues", 405),
    ],
)
def test_what_is_not_there_is_a_problem_too(desk: Desk, method: str, address: str, status: int) -> None:
    answer = desk.app.test_client().open(address, method=method)
    assert (answer.status_code, answer.mimetype) == (status, PROBLEM)
    assert answer.json["status"] == status
    assert status != 405 or "GET" in answer.headers["Allow"]


def test_a_key_of_another_queue_is_told(desk: Desk) -> None:
    post(desk, {"queue": "A"})
    answer = post(desk, {"queue": "B"})
    assert (answer.status_code, json.loads(answer.data)["code"]) == (409, "key_used")


def test_a_hall_that_is_stopped_says_so(desk: Desk) -> None:
    desk.live.stop()
    answer = post(desk, {"queue": "A"})
    assert (answer.status_code, answer.mimetype) == (503, PROBLEM)


def test_every_problem_is_explained_on_the_page(desk: Desk) -> None:
    page = desk.browser().get("/api/").get_data(as_text=True)
    for answer in (post(desk, {"queue": "ZZ"}), desk.browser().get("/api/v1/halls/nowhere")):
        anchor = json.loads(answer.data)["type"].partition("#")[2]
        assert f'id="{anchor}"' in page
    assert "unknown_queue" in words(desk.browser().get("/api/"))
