"""The tables of the register of conduct (controller/conduct.py); the rest stands in tables.py."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, String, Table, Text, text, true

from controller.store.tables import ID, Utc, metadata

# Lists of rules: the centre's, which has no hall, and those of halls with their own; empty until written.
conduct_kind = Table(
    "conduct_kind",
    metadata,
    Column("hall", ID, primary_key=True, server_default=text("''")),
    Column("code", ID, primary_key=True),
    Column("place", Integer, nullable=False),  # in the list
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("points", Integer, nullable=False),
    Column("is_used", Boolean, nullable=False, server_default=true()),
)

# What was noted of somebody. key: of the form it came from, so that a doubled click writes it once.
conduct = Table(
    "conduct",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("hall", ID, nullable=False),
    Column("person", ID, nullable=False),
    Column("home_unit", String(64)),
    Column("day", Date, nullable=False),
    Column("key", String(180), unique=True),
    Index(None, "hall", "day"),
    Index(None, "person", "day"),
    Index(None, "home_unit", "day"),
)

# Every step of an entry, never changed; words go with the person they are about. name_zh, name_en: of its
# kind then, empty in rows from before these were kept.
conduct_step = Table(
    "conduct_step",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("by", ID, nullable=False),
    Column("what", String(16), nullable=False),
    Column("kind", ID, nullable=False),
    Column("points", Integer, nullable=False),
    Column("name_zh", Text, nullable=False, server_default=text("''")),
    Column("name_en", Text, nullable=False, server_default=text("''")),
    Column("words", Text, nullable=False, server_default=text("''")),
    Index(None, "entry"),
)
