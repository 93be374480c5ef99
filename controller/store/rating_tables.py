"""The tables of ratings and of what follows bad ones; the rest stands in tables.py."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
    text,
)

from controller.store.tables import ID, Utc, metadata

# One a visit, however it came; its level stands in the log too. reasons: of the plan's list, as of its
# revision plan_rev, each {id, zh, en}; ids alone in rows from before names were kept. words and contact (a
# sealed phone number): what a citizen added, while it is kept.
rating = Table(
    "rating",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, nullable=False),  # of the visit
    Column("level", Integer, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("at", Utc, nullable=False),
    Column("queue", ID, nullable=False),
    Column("window", Integer),
    Column("clerk", ID),
    Column("item", String(120)),
    Column("reasons", JSON, nullable=False),
    Column("plan_rev", Integer),
    Column("words", Text, nullable=False, server_default=text("''")),
    Column("contact", LargeBinary),
    Column("told_at", Utc),  # when reasons and words came
    Column("is_void", Boolean, nullable=False, server_default=false()),
    Index(None, "hall", "clerk", "day"),
    Index(None, "hall", "at"),
    Index(
        "ix_rating_contact",
        "at",
        sqlite_where=text("contact IS NOT NULL"),
        postgresql_where=text("contact IS NOT NULL"),
    ),
    Index("ix_rating_words", "at", sqlite_where=text("words != ''"), postgresql_where=text("words != ''")),
    sqlite_with_rowid=False,
)

# A negative rating on its way (hall/followups.py: Case).
followup = Table(
    "followup",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("hall", ID, nullable=False),
    Column("ticket", Integer, nullable=False),
    Column("number", String(32), nullable=False),
    Column("level", Integer, nullable=False),
    Column("is_named", Boolean, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("call_due", Utc, nullable=False),
    Column("queue", ID, nullable=False),
    Column("window", Integer),
    Column("department", ID),
    Column("clerk", ID),
    Column("attempts", Integer, nullable=False),
    Column("verified_at", Utc),
    Column("appeal_due", Utc),
    Column("fix_due", Utc),
    Column("is_extended", Boolean, nullable=False),
    Column("fixed_at", Utc),
    Column("fixed_by", ID, nullable=False),
    Column("is_called", Boolean, nullable=False),
    Column("closed_at", Utc),
    Column("told_zh", Text, nullable=False),
    Column("told_en", Text, nullable=False),
    Index(None, "hall", "ticket"),
    Index(None, "hall", "stage"),
    Index(None, "hall", "opened_at"),
)

# Every step of a case, never changed: who did what, and what it became.
followup_step = Table(
    "followup_step",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("what", String(24), nullable=False),  # "opened", or the kind of the deed
    Column("former", String(16), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("by", ID, nullable=False),
    Column("said", JSON, nullable=False),
    Index(None, "case"),
)
