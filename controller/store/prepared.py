"""Statements that a commit carries out every time, made ready once.

SQLAlchemy works out a statement's text and the form of its parameters at every execution, which takes longer
than SQLite takes to carry it out. Here both are worked out once per statement and set of columns, by
SQLAlchemy's own compiler and types, and the driver gets text and parameters. Hides the driver's order of
parameters. On PostgreSQL, where a round trip costs more than all this, statements go the usual way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler

Row = Mapping[str, Any]
_Slot = Callable[[Row], Any]


def execute(c: Connection, statement: Executable, rows: Sequence[Row]) -> None:
    """Carry the statement out for each row; they all have the same columns. Nothing comes back.

    The statement must be one that is kept: what is worked out about it is kept too.
    """
    if not rows:
        return
    if c.dialect.name != "sqlite":
        c.execute(statement, rows)
        return
    text, slots = _ready(c.dialect, statement, tuple(rows[0]))
    c.exec_driver_sql(text, [_parameters(slots, row) for row in rows])


def _parameters(slots: Sequence[_Slot], row: Row) -> tuple[Any, ...]:
    return tuple([slot(row) for slot in slots])


@cache
def _ready(dialect: Dialect, statement: Executable, names: tuple[str, ...]) -> tuple[str, tuple[_Slot, ...]]:
    """The text, and for each of its parameters in order how it is read from a row."""
    compiled: SQLCompiler = statement.compile(dialect=dialect, column_keys=names)  # type: ignore[attr-defined]
    binds = [compiled.binds[name] for name in compiled.positiontup or ()]
    return str(compiled), tuple(_slot(bind, dialect, names) for bind in binds)


def _slot(bind: BindParameter[Any], dialect: Dialect, names: tuple[str, ...]) -> _Slot:
    name, write = bind.key, bind.type.dialect_impl(dialect).bind_processor(dialect)
    if name not in names:  # a constant of the statement
        constant = bind.effective_value if write is None else write(bind.effective_value)
        return lambda row: constant
    if write is None:
        return itemgetter(name)
    return lambda row: write(row[name])
