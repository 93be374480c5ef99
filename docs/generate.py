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
import tempfile
import tomllib
import types
import typing
from collections.abc import Iterable
from contextlib import ExitStack, closing
from datetime import timedelta
from enum import StrEnum
from importlib import import_module
from pathlib import Path

import msgspec

from controller.clock import real_now
from controller.hall import commands, effects, events, model, sessions
from controller.people import RIGHTS, NotAllowed, Role, check_writes_for
from controller.settings import Settings
from controller.site import Site
from controller.store import Store
from controller.store.people import Person
from firmware.cli import summaries
from firmware.drivers import KINDS, led_frames
from firmware.protocol import faults as known_faults
from firmware.protocol import messages, pictures, progress, topics
from firmware.protocol.faults import FAULTS
from firmware.settings import NodeSettings
from web import access, asyncapi, openapi
from web.api import DOCUMENTED as API
from web.app import create_app
from web.home import GUIDE_WRITERS

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
        ("faults.md", _faults()),
        ("devices.md", _devices()),
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
    kinds += [pictures.Picture, progress.Asked, progress.Told, progress.Progress]
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
    model.Sitting,
    sessions.Extended,
    model.Department,
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
    commands_of = _table(("command", "may anywhere", "at their own window", "others"), rows)
    return _page(
        "Rights",
        intro,
        [
            *(commands_of, "## Guides of a department", "", GUIDES_INTRO, "", _writers()),
            *("## What is a home unit's", "", UNITS_INTRO, "", _of_home_unit()),
            *("## Pages", "", PAGES_INTRO, "", _pages_of_roles()),
        ],
    )


GUIDES_INTRO = (
    "Who may write what is told of a department's matters (S4.24): by the writer's own home unit, and by\n"
    "whether the department has writers of its own. Publishing, rosters and windows are not the home unit's."
)
UNITS = {  # of the matter's department as the writer sees it: the writer's home unit, who writes for it
    "their own unit": ("own", {"own"}),
    "another, with writers": ("other", {"own"}),
    "another, without": ("other", set()),
    "no home unit, with writers": (None, {"own"}),
    "no home unit, without": (None, set()),
}


def _writers() -> str:
    rows = [(role, *(_may_write(role, *of) for of in UNITS.values())) for role in sorted(GUIDE_WRITERS)]
    return _table(("writer", *UNITS), rows)


def _may_write(role: Role, unit: str | None, keepers: set[str]) -> str:
    person = Person("", "", None, None, frozenset({role}), is_active=True, home_unit=unit)
    try:
        check_writes_for(person, "own", keepers)
    except NotAllowed:
        return ""
    return "yes"


UNITS_INTRO = (
    "A window lead or a department's administrator, in a hall of theirs: of the matters, bad ratings and\n"
    "entries on daily conduct of which home unit they may open what. Matters and ratings that no unit\n"
    "answers for are everybody's who may open the page; lists and files leave out what is another unit's."
)


def _of_home_unit() -> str:
    rows = [
        (f"`{address}`", "yes", "", "yes" if is_anybodys else "")
        for address, is_anybodys in access.OF_HOME_UNIT.items()
    ]
    return _table(("of a home unit", "their own unit", "another unit", "no home unit"), rows)


PAGES_INTRO = (
    "Who may open which address. `hall`: in the hall they work in, those of a centre in all its halls,\n"
    "those without either in every hall, and of `<person>` for people who work there; `yes`: of the site,\n"
    "each seeing of it what is theirs; `site`: only those who work in every hall.\n"
    "Everything else is shut: who is not signed in is asked to (a program gets 401), a role or hall that\n"
    "does not fit gets 403. What a form on a page asks for is a command, as above."
)


def _pages_of_roles() -> str:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        with closing(Store.open(settings.database_url, real_now())) as store:
            rows = access.matrix(create_app(Site(settings, store, 1, ExitStack())))
    head = ("address", "not signed in", *Role)
    return _table(head, ((f"`{row.method} {row.address}`", *_cells(row)) for row in rows))


def _cells(row: access.Access) -> Iterable[str]:
    if row.roles is None:
        return ("yes",) * (1 + len(Role))
    may = "site" if row.is_of_site else "hall" if row.is_of_hall else "yes"
    return ("", *(may if role in row.roles else "" for role in Role))


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
    intro = (
        "What units and controller promise each other over MQTT, in the words of the tests that show it.\n"
        "Those of `contract/` run on nats-server and on Mosquitto, with a network in between that loses,\n"
        "doubles, holds and cuts. F numbers are faults that are put in on purpose."
    )
    rules = _shown_by("R")
    parts = (
        part
        for rule in sorted(rules, key=lambda rule: int(rule[1:]))
        for part in (f"## {rule}", "", _table(("what holds", "shown by"), rules[rule]))
    )
    return _page("The contract", intro, parts)


def _shown_by(letter: str) -> dict[str, list[tuple[str, str]]]:
    """The tests that bear an id, as (sentence, name): "R4" of test_r04_..., "F07" of test_f07_... and of a
    test whose docstring names F07."""
    found: dict[str, list[tuple[str, str]]] = {}
    for file in sorted(TESTS.rglob("test_*.py")):
        for test in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                for id in _ids(test, letter):
                    row = (_sentence(test), f"`{file.relative_to(TESTS)}::{test.name}`")
                    found.setdefault(id, []).append(row)
    return found


def _ids(test: ast.FunctionDef, letter: str) -> list[str]:
    head = re.match(r"test((?:_[rf]\d\d)*)_", test.name)
    named = re.findall(rf"_{letter.lower()}(\d\d)", head[1] if head else "")
    if letter == "R":
        return [f"R{int(number)}" for number in named]
    said = re.findall(r"\bF(\d\d)\b", ast.get_docstring(test) or "")
    return [f"F{number}" for number in dict.fromkeys((*named, *said))]


def _sentence(test: ast.FunctionDef) -> str:
    """What the test shows, as its docstring or its name says it."""
    plain = re.sub(r"^test(?:_[rf]\d\d)*_", "", test.name).replace("_", " ")
    return (ast.get_docstring(test) or f"{plain.capitalize()}.").replace("\n", " ")


# --- devices ----------------------------------------------------------------------------------------


WIRES = ("lines", "pins", "sound", "spi", "screens", "pictures")


def _devices() -> str:
    """Each kind of device in the words of its driver, each kind of wire in those of who opens it."""
    intro = (
        "What stands in a position's `devices`, each a `DeviceConfig` (messages.md): its `kind` chooses the\n"
        "driver, its `wire` says where it hangs, `options` the rest. What is not said there is found out: a\n"
        "unit tells what its devices can do in its `Birth`, and again when one is found to be other."
    )
    parts = ["## Wires", ""]
    for name in WIRES:
        parts += [_whole(import_module(f"firmware.wires.{name}")), ""]
    for kind, (module, _) in KINDS.items():
        parts += [f"## {kind}", "", _whole(import_module(module)), ""]
    parts += ["## Protocols of LED bars", "", _whole(led_frames), ""]
    parts += [_doc(led_frames.TemplateProtocol), "", _doc(led_frames.Protocol), ""]
    return _page("Devices", intro, parts)


def _whole(module: types.ModuleType) -> str:
    """A module's docstring with its indented examples as they stand."""
    return (module.__doc__ or "").strip()


# --- faults -----------------------------------------------------------------------------------------


def _faults() -> str:
    """What breaks, what is expected then and which tests show it; and the codes people are told."""
    shown = _shown_by("F")
    catalogue = tomllib.loads((Path(__file__).parent / "faults.toml").read_text(encoding="utf-8"))["fault"]
    intro = (
        "What breaks in a hall, what is expected then, and the tests that break it on purpose. Deadlines\n"
        "are compressed in most of them; `make soak` shows them with a hall's own. What only a real\n"
        "Raspberry Pi can show is said so and not claimed."
    )
    parts: list[str] = []
    for area in dict.fromkeys(one["area"] for one in catalogue):
        parts += [f"## {area}", ""]
        parts += [part for one in catalogue if one["area"] == area for part in _fault(one, shown)]
    return _page("Faults", intro, [*parts, *_codes()])


def _fault(one: dict[str, str], shown: dict[str, list[tuple[str, str]]]) -> Iterable[str]:
    yield from (f"### {one['id']} {one['fault']}", "", f"Expected: {one['expected']}.", "")
    if one["id"] in shown:
        yield _table(("what holds", "shown by"), shown[one["id"]])
    for word, lead in (("only", "Only on real hardware"), ("later", "Not shown yet")):
        if word in one:
            yield from (f"{lead}: {one[word]}.", "")


def _codes() -> Iterable[str]:
    rows = [
        (f"`{code}`", known.severity, *(f"{each.zh}<br>{each.en}" for each in (known.what, known.remedy)))
        for code, known in FAULTS.items()
    ]
    yield from ("## What people are told", "", _doc(known_faults), "")
    yield _table(("code", "who notices", "what it is", "what to do"), rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
