"""The document of the HTTP API (OpenAPI 3.1), made from the views that serve it and the types they use.

A view says what it takes and gives by `@operation`, which also routes it: what is served is documented,
and what is documented is served. Hides OpenAPI's own words.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import version
from types import FunctionType, ModuleType
from typing import Any, TypeVar

import msgspec
from flask import Blueprint

from web.shapes import Problem

OPENAPI = "3.1.0"
JSON, PROBLEM, PLAIN = "application/json", "application/problem+json", "text/plain"
SCHEMAS = "#/components/schemas/{name}"
RETRY_AFTER = frozenset({HTTPStatus.TOO_MANY_REQUESTS})
MEANINGS: Mapping[int, str] = {
    HTTPStatus.OK: "As asked for.",
    HTTPStatus.CREATED: "Done; asked again with the same key, the same answer.",
    HTTPStatus.NO_CONTENT: "Nothing has changed meanwhile; ask again.",
    HTTPStatus.NOT_MODIFIED: "It is as it was when this ETag was given.",
    HTTPStatus.BAD_REQUEST: "What was sent cannot be such a request.",
    HTTPStatus.UNAUTHORIZED: "Only for people who signed in, or programs with a token.",
    HTTPStatus.FORBIDDEN: "Not from another site, and not with this role.",
    HTTPStatus.NOT_FOUND: "There is none.",
    HTTPStatus.CONFLICT: "The hall's rules say no.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "It is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "It is not JSON.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many from one address.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not now; nothing was done unless the text says so.",
}

Answer = type | Mapping[str, type | None] | None
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Parameter:
    """A header or an argument of the address."""

    name: str
    where: str  # header | query
    meaning: str
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the API does. answers: by status, the type of the body; mistakes: statuses of `wrong`."""

    method: str
    rule: str
    tag: str
    answers: Mapping[int, type | None]
    mistakes: tuple[int, ...] = ()
    wrong: type = Problem
    media: str = JSON
    body: type | None = None
    parameters: tuple[Parameter, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)  # of a good answer, with their meaning

    @property
    def path(self) -> str:
        """The address with its parts in braces."""
        return re.sub(r"<(?:[a-z]+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", self.rule)

    @property
    def types(self) -> set[type]:
        known = {self.body, *self.answers.values(), *([self.wrong] if self.mistakes else [])}
        return {one for one in known if one is not None}


def operation(blueprint: Blueprint, told: Operation) -> Callable[[View], View]:
    """Route a view as `told` says and keep it with the view, for the document."""

    def decorate(view: View) -> View:
        view.operation = told  # type: ignore[attr-defined]
        return blueprint.route(told.rule, methods=[told.method])(view)

    return decorate


def operations(modules: Iterable[ModuleType]) -> list[tuple[Operation, Callable[..., Any]]]:
    """Every operation of these modules with its view, in the order they are written."""
    things = [thing for module in modules for thing in vars(module).values()]
    views = [thing for thing in things if isinstance(thing, FunctionType) and hasattr(thing, "operation")]
    return [(view.operation, view) for view in views]


def document(modules: Iterable[ModuleType]) -> dict[str, Any]:
    """The whole document as plain values."""
    known = operations(modules)
    paths: dict[str, dict[str, Any]] = {}
    for told, view in known:
        paths.setdefault(told.path, {})[told.method.lower()] = _operation(told, view)
    types = sorted({one for told, _ in known for one in told.types}, key=lambda one: one.__name__)
    _, schemas = msgspec.json.schema_components(types, ref_template=SCHEMAS)
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "servicehall",
            "version": version("servicehall"),
            "description": "A service hall: its queues, windows and boards, and tickets for them.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
        },
    }


def _operation(told: Operation, view: Callable[..., Any]) -> dict[str, Any]:
    doc = inspect.getdoc(view) or ""
    summary = doc.split("\n", 1)[0]
    made: dict[str, Any] = {
        "operationId": view.__name__,
        "tags": [told.tag],
        "summary": summary.rstrip("."),
        "description": doc,
        "parameters": [*_path_parameters(told), *map(_parameter, told.parameters)],
        "responses": {
            **{str(int(status)): _answer(told, status, kind) for status, kind in told.answers.items()},
            **{str(int(status)): _mistake(told, status) for status in told.mistakes},
        },
    }
    if told.body is not None:
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": _reference(told.body)}}}
    return made


def _path_parameters(told: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"\{(\w+)\}", told.path)
    ]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.is_required,
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
    }


def _answer(told: Operation, status: int, kind: type | None) -> dict[str, Any]:
    made: dict[str, Any] = {"description": MEANINGS[status]}
    if kind is not None:
        schema = {"type": "string"} if kind is str else _reference(kind)
        made["content"] = {told.media: {"schema": schema}}
        if told.headers:
            made["headers"] = {
                name: {"description": meaning, "schema": {"type": "string"}}
                for name, meaning in told.headers.items()
            }
    return made


def _mistake(told: Operation, status: int) -> dict[str, Any]:
    media = PROBLEM if told.wrong is Problem else JSON
    made: dict[str, Any] = {
        "description": MEANINGS[status],
        "content": {media: {"schema": _reference(told.wrong)}},
    }
    if status in RETRY_AFTER:
        seconds = {"description": "Seconds until it is worth asking again.", "schema": {"type": "string"}}
        made["headers"] = {"Retry-After": seconds}
    return made


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": SCHEMAS.format(name=kind.__name__)}
