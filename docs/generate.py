"""Writes docs/reference from the product itself: messages, topics, rules, commands, events, rights, settings.

python docs/generate.py           writes the files
python docs/generate.py --check   fails when a file is not what the product would write
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re
import sys
import types
import typing
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from controller.hall import commands, effects, events, model
from controller.people import RIGHTS
from controller.settings import Settings
from firmware.cli import summaries
from firmware.protocol import messages, topics
from firmware.settings import NodeSettings
from web import asyncapi, openapi
from web.api import DOCUMENTED as API

HERE = Path(__file__).parent / "reference"
TESTS = Path(__file__).parents[1] / "tests"


def main(argv: list[str]) -> int:
    stale = [name for name, text in pages() if not _same_or_write(HERE / name, text, "--check" in argv)]
    for name in stale:
        print(f"docs/reference/{name} is not what the product says: run python docs/generate.py")
    return 1 if stale else 0


def pages() -> list[tuple[str, str]]:
    """Each reference page as (file name, text)."""
    return [
        ("messages.md", _messages()),
        ("topics.md", _topics()),
        ("hall.md", _hall()),
        ("rights.md", _rights()),
        ("settings.md", _settings()),
        ("commands.md", _commands()),
        ("contract.md", _contract()),
        ("openapi.json", _json(openapi.document(API))),
        ("asyncapi.json", _json(asyncapi.document())),
    ]


def _json(document: dict[str, object]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _same_or_write(path: Path, text: str, check: bool) -> bool:
    if check:
        return path.exists() and path.read_text(encoding="utf-8") == text
    path.write_text(text, encoding="utf-8")
    return True


def _page(title: str, intro: str, parts: Iterable[str]) -> str:
    return "\n".join([f"# {title}", "", intro, "", *parts]).rstrip() + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def _doc(thing: object) -> str:
    """The docstring a programmer wrote; nothing for the signature a dataclass makes up."""
    text = inspect.cleandoc(thing.__doc__ or "")
    made_up = isinstance(thing, type) and text.startswith(f"{thing.__name__}(")
    return "" if made_up or "Struct" in text[:12] else text


def _type(annotation: object) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    if not isinstance(annotation, type) or typing.get_origin(annotation) is not None:
        text = str(annotation)
    bare = re.sub(r"[a-z_.]+\.(?=[A-Z]|date|time)", "", text)
    return f"`{bare}`"


def _default(value: object) -> str:
    return "" if value in (dataclasses.MISSING, msgspec.NODEFAULT) else f"`{_plain(value)}`"


def _plain(value: object) -> str:
    match value:
        case StrEnum():
            return value.value
        case timedelta():
            seconds = int(value.total_seconds())
            return f"{seconds // 60} min" if seconds and seconds % 60 == 0 else f"{seconds} s"
        case model.Text():
            return f"{value.zh} / {value.en}"
        case model.Rules() | model.Balance():
            return "as below"
        case msgspec.Raw():
            return bytes(value).decode()
        case "":
            return '""'
        case _:
            return str(value)


# --- messages and topics --------------------------------------------------------------------------


def _messages() -> str:
    kinds = [
        kind
        for _, kind in inspect.getmembers(messages, inspect.isclass)
        if issubclass(kind, messages.Struct) and kind is not messages.Struct
    ]
    kinds.sort(key=lambda kind: inspect.getsourcelines(kind)[1])
    intro = "UTF-8 JSON over MQTT. A report is the `d` of an `Envelope`, an order that of a `Command`."
    return _page("Messages", intro, (part for kind in kinds for part in _message(kind)))


def _message(kind: type[messages.Struct]) -> list[str]:
    role = (
        "report" if kind.__name__ in messages.REPORTS else "order" if kind.__name__ in messages.ORDERS else ""
    )
    title = f"## {kind.__name__}" + (f" ({role})" if role else "")
    rows = [(f"`{f.name}`", _type(f.type), _struct_default(f)) for f in msgspec.structs.fields(kind)]
    table = [_table(("field", "type", "default"), rows)] if rows else []
    return [title, "", *([_doc(kind), ""] if _doc(kind) else []), *table]


def _struct_default(field: msgspec.structs.FieldInfo) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{field.default_factory()}`"
    return _default(field.default)


def _topics() -> str:
    unit, controller = topics.unit_rights("HALL", "UNIT"), topics.controller_rights()
    rows = [
        (who, verb, "<br>".join(f"`{name}`" for name in names))
        for who, rights in (("a unit", unit), ("the controller", controller))
        for verb, names in (("publish", rights.publish), ("subscribe", rights.subscribe))
    ]
    intro = (inspect.getdoc(topics) or "") + "\n\nEverything not listed is denied by the broker."
    leaves = [_doc(topics.up), "", _doc(topics.down)]
    return _page("Topics", intro, [_table(("who", "may", "on"), rows), "## Leaves", "", *leaves])


# --- the hall -------------------------------------------------------------------------------------


PLAN = (
    model.Plan,
    model.CallingDomain,
    model.Zone,
    model.Queue,
    model.Window,
    model.Serves,
    model.Clerk,
    model.Text,
    model.Rules,
    model.Balance,
)


def _hall() -> str:
    parts = [
        "## The plan",
        "",
        "What a hall file holds (`servicehall hall`). Lengths of time are written as ISO 8601: PT6M.",
        "",
    ]
    for kind in PLAN:
        notes = _comments(kind)
        rows = [
            (f"`{f.name}`", _type(f.type), _field_default(f), notes.get(f.name, ""))
            for f in dataclasses.fields(kind)
        ]
        parts += [
            f"### {kind.__name__}",
            "",
            _doc(kind),
            "",
            _table(("key", "type", "default", "meaning"), rows),
        ]
    for title, module in (("Commands", commands), ("Events", events), ("Effects", effects)):
        parts += [f"## {title}", "", _doc(module), "", _table(("name", "carries", "meaning"), _words(module))]
    return _page(
        "The hall's words",
        "What a hall is, what it may be asked, what happens in it, and whom it concerns.",
        parts,
    )


def _words(module: types.ModuleType) -> Iterable[tuple[str, str, str]]:
    for kind in _own_classes(module):
        fields = ", ".join(f.name for f in dataclasses.fields(kind) if f.name != "at")
        yield f"`{kind.__name__}`", fields, _doc(kind) or _row_of(kind)


def _row_of(kind: type) -> str:
    """The state machine's row, which stands as a comment on the class line."""
    comment = re.search(r"#\s*(.+)", inspect.getsource(kind).splitlines()[1])
    return comment.group(1) if comment else ""


def _own_classes(module: types.ModuleType) -> list[type]:
    found = [k for _, k in inspect.getmembers(module, inspect.isclass) if k.__module__ == module.__name__]
    return sorted(found, key=lambda kind: inspect.getsourcelines(kind)[1])


def _rights() -> str:
    rows = [
        (
            f"`{command.__name__}`",
            ", ".join(sorted(right.anywhere)),
            ", ".join(sorted(right.own)),
            ", ".join(sorted(right.kinds)) or ("" if right.anywhere or right.own else "the system only"),
        )
        for command, right in RIGHTS.items()
    ]
    intro = "Checked once, where a command is submitted, whatever page, key or message it came from."
    return _page(
        "Rights", intro, [_table(("command", "may anywhere", "at their own window", "others"), rows)]
    )


# --- settings and commands ------------------------------------------------------------------------


def _settings() -> str:
    parts: list[str] = []
    for title, kind in (("controller.toml", Settings), ("unit.toml", NodeSettings)):
        notes = _comments(kind)
        rows = [
            (f"`{f.name}`", _type(f.type), _field_default(f), notes.get(f.name, ""))
            for f in dataclasses.fields(kind)
        ]
        parts += [f"## {title}", "", _doc(kind), "", _table(("key", "type", "default", "meaning"), rows)]
    return _page("Settings", "One TOML file a process. An unknown key is an error that names it.", parts)


def _field_default(field: dataclasses.Field[object]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return f"`{_plain(field.default_factory())}`"
    return _default(field.default)


def _comments(kind: type) -> dict[str, str]:
    """The comment beside each field, which says what it is."""
    found = re.findall(r"^    (\w+):[^#\n]*#\s*(.+)$", inspect.getsource(kind), re.MULTILINE)
    return dict(found)


def _commands() -> str:
    rows = [(f"`servicehall {name}`", summary) for name, summary in summaries()]
    return _page(
        "Commands", "`servicehall COMMAND --help` tells more.", [_table(("command", "what it does"), rows)]
    )


# --- the contract -----------------------------------------------------------------------------------


def _contract() -> str:
    """Each rule with the sentences and names of the tests that show it."""
    rules: dict[int, list[tuple[str, str]]] = {}
    for file in sorted(TESTS.rglob("test_*.py")):
        for test in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            ids = (
                re.match(r"test((?:_r\d\d)+)_(\w+)", test.name) if isinstance(test, ast.FunctionDef) else None
            )
            if ids is not None and isinstance(test, ast.FunctionDef):
                sentence = ast.get_docstring(test) or ids[2].replace("_", " ").capitalize() + "."
                shown_by = f"`{file.relative_to(TESTS)}::{test.name}`"
                for rule in re.findall(r"\d\d", ids[1]):
                    rules.setdefault(int(rule), []).append((sentence.replace("\n", " "), shown_by))
    intro = (
        "What units and controller promise each other over MQTT, in the words of the tests that show it.\n"
        "Those of `contract/` run on nats-server and on Mosquitto, with a network in between that loses,\n"
        "doubles, holds and cuts. F numbers are faults that are put in on purpose."
    )
    parts = (
        part
        for rule in sorted(rules)
        for part in (f"## R{rule}", "", _table(("what holds", "shown by"), rules[rule]))
    )
    return _page("The contract", intro, parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
