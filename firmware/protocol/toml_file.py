"""One TOML file into the fields of one frozen dataclass: what a controller's and a unit's settings share.

Hides types, relative paths and how a mistake is named. Every function raises the error class it is given,
with one sentence naming the key and the file.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

KIND_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}


def table(path: Path, error: type[Exception]) -> dict[str, Any]:
    """What stands in the file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise error(f"settings file {path} cannot be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise error(f"settings file {path} is not UTF-8 text") from fault
    except tomllib.TOMLDecodeError as fault:
        raise error(f"settings file {path} is not TOML: {fault}") from fault


def values(found: Mapping[str, Any], kind: type, path: Path, error: type[Exception]) -> dict[str, Any]:
    """The values for fields of the dataclass `kind`; its fields that are not in the table are left out.

    path: the file it came from, where relative paths begin.
    """
    hints, known = get_type_hints(kind), [field.name for field in fields(kind)]
    for key in found:
        if key not in known:
            raise error(f"unknown setting '{key}' in {path}{_hint(key, known)}")
    return {key: _value(key, value, hints[key], path, error) for key, value in found.items()}


def _hint(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else f"; known settings are: {', '.join(known)}"


def _value(key: str, value: Any, hint: Any, path: Path, error: type[Exception]) -> Any:
    if hint == tuple[str, ...]:
        return _texts(key, value, path, error)
    if hint == Mapping[str, float]:
        return _numbers(key, value, path, error)
    kind = next(found for found in KIND_NAMES if found is hint or hint == found | None)
    wanted = str if kind is Path else kind
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        raise error(f"setting '{key}' in {path} must be {KIND_NAMES[kind]}, not {value!r}")
    return path.absolute().parent / str(value) if kind is Path else value


def _texts(key: str, value: Any, path: Path, error: type[Exception]) -> tuple[str, ...]:
    if not isinstance(value, list) or any(type(one) is not str for one in value):
        raise error(f"setting '{key}' in {path} must be a list of texts, not {value!r}")
    return tuple(value)


def _numbers(key: str, value: Any, path: Path, error: type[Exception]) -> dict[str, float]:
    if not isinstance(value, dict) or any(type(one) not in (int, float) for one in value.values()):
        raise error(f"setting '{key}' in {path} must be a table of numbers, not {value!r}")
    return {name: float(one) for name, one in value.items()}
