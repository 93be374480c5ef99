"""Messages to citizens, and tickets taken from home."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import Utc

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _message()
    _message_part()
    _message_template()
    _message_contact()
    _message_refusal()
    _message_answer()
    _home_ticket()


def _message() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("event", sa.String(24), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("lang", sa.String(2), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("address", sa.LargeBinary()),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("ticket", sa.Integer()),
        sa.Column("code", sa.String(8), nullable=False, server_default=sa.text("''")),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False, server_default=sa.text("0")),
        sa.Column("why", sa.String(64), nullable=False, server_default=sa.text("''")),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("ends_at", Utc(), nullable=False),
        sa.Column("sent_at", Utc()),
        sa.Column("settled_at", Utc()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("hall", "key", name=op.f("uq_message_hall_key")),
    )
    op.create_index(op.f("ix_message_digest_at"), "message", ["digest", "at"])
    op.create_index(op.f("ix_message_hall_at"), "message", ["hall", "at"])
    is_open = sa.text("settled_at IS NULL AND sent_at IS NULL")
    op.create_index(
        op.f("ix_message_open"), "message", ["due_at"], sqlite_where=is_open, postgresql_where=is_open
    )


def _message_part() -> None:
    op.create_table(
        "message_part",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("message", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(100), nullable=False),
        sa.Column("is_delivered", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_part")),
    )
    op.create_index(op.f("ix_message_part_message"), "message_part", ["message"])
    op.create_index(op.f("ix_message_part_reference"), "message_part", ["reference"])


def _message_template() -> None:
    op.create_table(
        "message_template",
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("event", sa.String(24), nullable=False),
        sa.Column("lang", sa.String(2), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("hall", "event", "lang", "version", name=op.f("pk_message_template")),
    )


def _message_contact() -> None:
    op.create_table(
        "message_contact",
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("lang", sa.String(2), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("hall", "ticket", name=op.f("pk_message_contact")),
    )
    op.create_index(op.f("ix_message_contact_at"), "message_contact", ["at"])


def _message_refusal() -> None:
    op.create_table(
        "message_refusal",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_message_refusal")),
    )


def _message_answer() -> None:
    op.create_table(
        "message_answer",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("hall", sa.String(64)),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("address", sa.LargeBinary()),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("meaning", sa.String(16), nullable=False),
        sa.Column("why", sa.String(64), nullable=False, server_default=sa.text("''")),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_answer")),
    )
    op.create_index(op.f("ix_message_answer_at"), "message_answer", ["at"])


def _home_ticket() -> None:
    op.create_table(
        "home_ticket",
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("hall", "ticket", name=op.f("pk_home_ticket")),
    )
    op.create_index(op.f("ix_home_ticket_at"), "home_ticket", ["at"])
    op.create_index(op.f("ix_home_ticket_hall_day_origin"), "home_ticket", ["hall", "day", "origin"])
    op.create_index(op.f("ix_home_ticket_hall_device"), "home_ticket", ["hall", "device"])
