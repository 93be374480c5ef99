"""The tables of what matters are to the centre: standings, clean-ups, published lists, publications."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, String, Table, Text, false

from controller.store.tables import ID, Utc, metadata

# body: JSON of item_standing.Standing. is_applied: the row of `item` has taken its name and department.
item_standing = Table(
    "item_standing",
    metadata,
    Column("code", String(120), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("from_day", Date, nullable=False),
    Column("change", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("clean_up", Integer),  # that brought it
    Column("is_applied", Boolean, nullable=False, server_default=false()),
    Column("by", ID, nullable=False),
    Column("at", Utc, nullable=False),
    Index(None, "from_day"),
    Index(None, "change"),
)

# body: JSON of what the file says of each matter. confirmed: JSON, by department who agreed and when.
clean_up = Table(
    "item_clean_up",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("title", String(200), nullable=False),
    Column("decision", Text, nullable=False),
    Column("from_day", Date, nullable=False),
    Column("is_whole", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("confirmed", Text, nullable=False),
    Column("by", ID, nullable=False),
    Column("at", Utc, nullable=False),
    Column("settled_by", ID),
    Column("settled_at", Utc),
)

# The lists as they were published. body: JSON of every member. day: on which they hold so.
item_lists = Table(
    "item_lists",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, nullable=False),
    Column("body", Text, nullable=False),
    Column("by", ID, nullable=False),
    Column("at", Utc, nullable=False),
)

# Where something was published: who, when, which version, by which channel (S0.08). subject: a matter's code,
# or "" for the lists.
publication = Table(
    "item_publication",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("subject", String(120), nullable=False),
    Column("version", Integer, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("note", String(200), nullable=False),
    Column("by", ID, nullable=False),
    Column("at", Utc, nullable=False),
)
