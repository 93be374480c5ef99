"""The tables of messages to citizens. Numbers, subscriptions and texts stand in them sealed (seal.py).

`digest` is a keyed hash of whom a message is for, so that a wish not to be written to, or an answer, can be
matched to it without opening anything. What names a person is taken out when its time is over; the rows
stay, so that counts and costs still add up.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from controller.store.tables import ID, Utc, metadata

DIGEST = String(64)

# key: what it tells, so that it is told once. version: of its template. ends_at: when it is worth nothing any
# more. code: what an answer repeats. cost: of all its parts, in the currency of sms_price.
message = Table(
    "message",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("hall", ID, nullable=False),
    Column("key", String(120), nullable=False),
    Column("event", String(24), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("lang", String(2), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("address", LargeBinary),  # null: erased
    Column("body", LargeBinary),  # null: erased
    Column("ticket", Integer),
    Column("code", String(8), nullable=False, server_default=text("''")),
    Column("state", String(12), nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("parts", Integer, nullable=False),
    Column("cost", Float, nullable=False, server_default=text("0")),
    Column("why", String(64), nullable=False, server_default=text("''")),
    Column("at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("ends_at", Utc, nullable=False),
    Column("sent_at", Utc),
    Column("settled_at", Utc),
    UniqueConstraint("hall", "key"),
    Index(
        "ix_message_open",
        "due_at",
        sqlite_where=text("settled_at IS NULL AND sent_at IS NULL"),
        postgresql_where=text("settled_at IS NULL AND sent_at IS NULL"),
    ),
    Index(None, "hall", "at"),
    Index(None, "digest", "at"),
)

# What a carrier calls each part it has taken, for the receipts that come later. is_delivered: null, unknown.
message_part = Table(
    "message_part",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("message", Integer, nullable=False),
    Column("reference", String(100), nullable=False),
    Column("is_delivered", Boolean),
    Index(None, "reference"),
    Index(None, "message"),
)

message_template = Table(
    "message_template",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("event", String(24), primary_key=True),
    Column("lang", String(2), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("by", ID, nullable=False),
    Column("at", Utc, nullable=False),
)

# Where the holder of a ticket wants to be told; the last wish counts.
message_contact = Table(
    "message_contact",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(8), nullable=False),
    Column("address", LargeBinary, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("lang", String(2), nullable=False),
    Column("at", Utc, nullable=False),
    Index(None, "at"),
)

# Who does not want to be written to. Only the digest, so it may be kept until the wish is taken back.
message_refusal = Table(
    "message_refusal",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("at", Utc, nullable=False),
)

# What was answered. hall: null when nobody knows which. meaning: of answers.Meaning.
message_answer = Table(
    "message_answer",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("hall", ID),
    Column("digest", DIGEST, nullable=False),
    Column("address", LargeBinary),
    Column("body", LargeBinary),
    Column("meaning", String(16), nullable=False),
    Column("why", String(64), nullable=False, server_default=text("''")),
    Column("at", Utc, nullable=False),
    Index(None, "at"),
)

# Tickets taken from home: by which device and from which address, both as digests.
home_ticket = Table(
    "home_ticket",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, nullable=False),
    Column("device", DIGEST, nullable=False),
    Column("origin", DIGEST, nullable=False),
    Column("at", Utc, nullable=False),
    Index(None, "hall", "device"),
    Index(None, "hall", "day", "origin"),
    Index(None, "at"),
)
