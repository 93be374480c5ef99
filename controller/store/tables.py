"""Every table of the controller, as SQLAlchemy Core, the same on SQLite and PostgreSQL.

Queries are written against these names and nowhere else is a column spelled out. Times are stored by
`Utc`, which takes and gives only aware datetimes in UTC. The migrations make exactly this schema.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
    true,
)

from controller.hall.tallies import FIGURES

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

ID = String(64)  # hall, unit, person, device, queue: short names people read


class Utc(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC. A naive one is refused: it would mean somebody's local time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; stored times are aware")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# --- the hall's log and what is committed with it ---------------------------------------------------

# Append-only. seq counts per hall from 1 without gaps; body is the whole event as JSON, the other columns
# repeat what is searched for. Clustered by its key (no rowid): a commit appends to one place.
event = Table(
    "event",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("ticket", Integer),  # the ticket it is about, when it is about one
    Column("window", Integer),
    Column("actor_kind", String(16), nullable=False),  # person | unit | citizen | system
    Column("actor_id", ID, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "hall", "ticket", "seq"),
    Index(None, "hall", "at"),
    Index(
        "ix_event_plans",
        "hall",
        "seq",
        sqlite_where=text("kind = 'PlanChanged'"),
        postgresql_where=text("kind = 'PlanChanged'"),
    ),
    sqlite_with_rowid=False,
)

# What an idempotency key was answered with: events first_seq..last_seq; both null when it decided nothing.
answer = Table(
    "answer",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("first_seq", Integer),
    Column("last_seq", Integer),
    Index(None, "at"),
    sqlite_with_rowid=False,
)

# Orders to devices. state: null (sent, unheard of), or messages.ResultState; settled_at: when it was final.
orders = Table(
    "orders",
    metadata,
    Column("cid", String(64), primary_key=True),
    Column("hall", ID, nullable=False),
    Column("unit", ID, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("ttl_ms", Integer, nullable=False),
    Column("issued_at", Utc, nullable=False),
    Column("state", String(16)),
    Column("code", String(64), nullable=False, server_default=text("''")),
    Column("settled_at", Utc),
    Index(
        "ix_orders_pending",
        "hall",
        "unit",
        "issued_at",
        sqlite_where=text("settled_at IS NULL"),
        postgresql_where=text("settled_at IS NULL"),
    ),
    Index(
        "ix_orders_settled",
        "hall",
        "settled_at",
        sqlite_where=text("settled_at IS NOT NULL"),
        postgresql_where=text("settled_at IS NOT NULL"),
    ),
)

# Per unit and life of its store: everything up to hi is committed here.
heard = Table(
    "heard",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("unit", ID, primary_key=True),
    Column("epoch", String(64), primary_key=True),
    Column("hi", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    sqlite_with_rowid=False,
)

# The hall after event seq; body is compressed JSON of hall.snapshot.HallSnapshot, of that format number.
snapshot = Table(
    "snapshot",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False),
    Column("format", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

# --- projections: what lists and reports read; could be made again from the log -----------------------

ticket = Table(
    "ticket",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, nullable=False),  # service day it was issued in
    Column("number", String(16), nullable=False),
    Column("domain", ID, nullable=False),
    Column("queue", ID, nullable=False),  # of its last leg
    Column("klass", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("slip", String(16), nullable=False),
    Column("token", String(64), nullable=False),
    Column("item", String(120)),
    Column("cases", Integer, nullable=False),
    Column("window", Integer),  # last window that called it
    Column("clerk", ID),  # who served it last (Clerk.id)
    Column("legs", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("misses", Integer, nullable=False),
    Column("issued_at", Utc, nullable=False),
    Column("called_at", Utc),  # the very first call
    Column("served_at", Utc),  # the very first start of service
    Column("finished_at", Utc),
    Column("wait_s", Float),  # issued_at to called_at
    Column("service_s", Float),  # time at windows, up to the last hold or finish
    Column("outcome", String(16)),
    Column("rating", Integer),  # 1..5
    Index(
        None, "hall", "day", "id"
    ),  # a day is short enough to be looked through; no other column changes it
    Index(None, "token"),
    sqlite_with_rowid=False,
)

# A service day: when it was opened, when tickets stopped, when it was closed, and by whom ("person/li").
# first_seq, last_seq: the events that were its; the figures of a day are made when it is closed.
service_day = Table(
    "service_day",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("first_seq", Integer, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("opened_by", String(96), nullable=False),
    Column("closes_at", Utc, nullable=False),
    Column("stopped_at", Utc),
    Column("stopped_by", String(96)),
    Column("last_seq", Integer),
    Column("closed_at", Utc),
    Column("closed_by", String(96)),
    Column("staffed", JSON, nullable=False),  # windows at the opening: {"3": "open"}
    Column("zones", JSON, nullable=False),  # of the windows, at the closing: {"3": "east"}
    Column("happened", JSON(none_as_null=True)),  # how often each kind of event: {"TicketRecalled": 12}
    Column("jumps", Integer),  # calls out of turn
    sqlite_with_rowid=False,
)

# The figures of hall.tallies.Tally, per queue of a day that is over. arrivals and waits: packed counts.
day_queue = Table(
    "day_queue",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("queue", ID, primary_key=True),
    *(Column(name, Float if name.endswith("_s") else Integer, nullable=False) for name in FIGURES),
    Column("arrivals", LargeBinary, nullable=False),
    Column("waits", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# The figures of hall.tallies.WindowTally, per window of such a day.
day_window = Table(
    "day_window",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("window", Integer, primary_key=True, autoincrement=False),
    Column("zone", ID, nullable=False),
    Column("first_at", Utc),
    Column("last_at", Utc),
    Column("staffed_s", Float, nullable=False),
    Column("paused_s", Float, nullable=False),
    Column("lost_s", Float, nullable=False),
    Column("planned_s", Float, nullable=False),
    Column("absent_s", Float, nullable=False),
    Column("served", Integer, nullable=False),
    Column("service_s", Float, nullable=False),
    sqlite_with_rowid=False,
)

# Seconds in which the windows of an area were staffed, per quarter of such a day.
day_zone = Table(
    "day_zone",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("zone", ID, primary_key=True),
    Column("staffed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# --- the site ---------------------------------------------------------------------------------------

halls = Table(
    "halls",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("added_at", Utc, nullable=False),
)

# How hall time follows real time: hall = epoch + offset + speed * (real - epoch). One row, name "site".
clock = Table(
    "clock",
    metadata,
    Column("name", ID, primary_key=True),
    Column("epoch", Utc, nullable=False),
    Column("offset_s", Float, nullable=False),
    Column("speed", Float, nullable=False),
)

meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# --- the plan to come -------------------------------------------------------------------------------

# A hall's draft, and changes that wait for their hour. base, plan: a Plan as JSON, so that what others
# changed since is kept (hall/drafting.py); positions: those of an imported file that are to change.
planned = Table(
    "planned",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hall", ID, nullable=False),
    Column("state", String(16), nullable=False),  # store/planned.py: PlannedState
    Column("base", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("positions", Text, nullable=False, server_default=text("'[]'")),
    Column("kinds", Text),  # of conduct; empty where no file says any
    Column("note", Text, nullable=False, server_default=text("''")),
    Column("by", ID, nullable=False),  # person
    Column("at", Utc, nullable=False),  # last touched
    Column("due_at", Utc),  # of the hall's clock
    Column("refusal", Text, nullable=False, server_default=text("''")),  # why it could not be done when due
    Index(None, "hall", "state"),
)

# Who is to sit at a window when; minutes since midnight of the hall's own time.
roster = Table(
    "roster",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("window", Integer, primary_key=True, autoincrement=False),
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("end", Integer, nullable=False),
    Column("clerk", ID),  # null: anybody
    sqlite_with_rowid=False,
)

# What the hall tells everybody for a while. zones: list of area ids, empty for the whole hall.
notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hall", ID, nullable=False),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("zones", JSON, nullable=False),
    Column("starts_at", Utc, nullable=False),
    Column("ends_at", Utc, nullable=False),
    Column("written_by", ID, nullable=False),
    Column("written_at", Utc, nullable=False),
    Column("ended_by", ID),
    Column("ended_at", Utc),
    Index(None, "hall", "ends_at"),
)

calendar_day = Table(
    "calendar_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("is_off", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("by", ID, nullable=False),
    Column("at", Utc, nullable=False),
)

calendar_year = Table(
    "calendar_year",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("days", JSON, nullable=False),  # [day, is it off, name of the holiday]
    Column("by", ID, nullable=False),
    Column("at", Utc, nullable=False),
)

booking_contact = Table(
    "booking_contact",
    metadata,
    Column("token", String(64), primary_key=True),  # of the appointment
    Column("hall", ID, nullable=False),
    Column("phone", LargeBinary, nullable=False),  # sealed
    Column("lang", String(8), nullable=False),
    Column("told", String(32), nullable=False),  # the last state its holder was told of
    Column("until", Utc, nullable=False),  # then the row goes
    Index(None, "hall", "until"),
)

# --- people -----------------------------------------------------------------------------------------

person = Table(
    "person",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("staff_number", String(32)),  # on the plate (S0.25)
    Column("hall", ID),  # null: every hall of the centre, and without one of the site
    Column("centre", ID),  # the service point all of whose halls they work in
    Column("home_unit", Text),  # the department that sent them (S4.24), as the catalogue names it
    Column("roles", JSON, nullable=False),  # list of Role values
    Column("password_hash", Text),
    Column("is_password_given", Boolean, nullable=False, server_default=false()),  # somebody else knows it
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("created_at", Utc, nullable=False),
    Column("second_factor", LargeBinary),  # the secret of TOTP, sealed (seal.py)
    Column("second_factor_at", Utc),  # since when it is asked for; null: not confirmed
    Column("second_factor_step", Integer),  # of the last code accepted: none of it or before is good again
    Index(None, "staff_number"),
)

# The network above the halls (S0.04): which point reports to which, and whose each hall is.
service_point = Table(
    "service_point",
    metadata,
    Column("id", ID, primary_key=True),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("level", String(16), nullable=False),
    Column("parent", ID),
)

hall_point = Table(
    "hall_point",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("point", ID, nullable=False),
)

# Who answers for each queue, and who is away (S0.33).
substitute = Table(
    "substitute",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("queue", ID, primary_key=True),
    Column("first", ID),
    Column("second", ID),
)

leave = Table(
    "leave",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hall", ID, nullable=False),
    Column("clerk", ID, nullable=False),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    Index(None, "hall", "last"),
)

# Only hashes: each code is shown once and good once.
recovery_code = Table(
    "recovery_code",
    metadata,
    Column("person", ID, primary_key=True),
    Column("code_hash", String(64), primary_key=True),
    Column("used_at", Utc),
)

link = Table(
    "link",
    metadata,
    Column("token_hash", String(128), primary_key=True),
    Column("person", ID, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("used_at", Utc),
    Index(None, "person"),
)

login_session = Table(
    "login_session",
    metadata,
    Column("token_hash", String(128), primary_key=True),
    Column("person", ID, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("awaits_code", Boolean, nullable=False, server_default=false()),  # the second factor is missing
    Index(None, "person"),
)

# Append-only, and a chain: `hash` covers the row and `previous`, the hash of the row before (audit.py).
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("actor", ID, nullable=False),
    Column("what", String(64), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("details", JSON, nullable=False),
    Column("previous", String(64), nullable=False, server_default=text("''")),
    Column("hash", String(64), nullable=False, server_default=text("''")),
    Index(None, "at"),
)

# --- devices ----------------------------------------------------------------------------------------

unit = Table(
    "unit",
    metadata,
    Column("id", ID, primary_key=True),
    Column("hall", ID, nullable=False),
    Column("position", ID),  # which place it stands at; null: a spare
    Column("secret_hash", Text, nullable=False),
    Column("added_at", Utc, nullable=False),
    Column("revoked_at", Utc),
    Index(None, "hall"),
)

position = Table(
    "position",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("id", ID, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("config", JSON, nullable=False),
    Column("rev", Integer, nullable=False),
)

fault = Table(
    "fault",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hall", ID, nullable=False),
    Column("unit", ID, nullable=False),
    Column("device", ID, nullable=False),
    Column("code", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("since", Utc, nullable=False),
    Column("until", Utc),  # null: still there
    Index(
        "ix_fault_open",
        "hall",
        "unit",
        "device",
        "code",
        sqlite_where=text("until IS NULL"),
        postgresql_where=text("until IS NULL"),
    ),
    Index(None, "hall", "since"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hall", ID, nullable=False),
    Column("unit", ID, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("why", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Index(None, "hall", "at"),
)

# What is told about matters, by version. body: JSON of guide.Guide. from_day: null while it is being written.
item_guide = Table(
    "item_guide",
    metadata,
    Column("code", String(120), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("from_day", Date),
    Column("by", ID, nullable=False),
    Column("at", Utc, nullable=False),
)

# --- the front desk ---------------------------------------------------------------------------------

lead_order = Table(
    "lead_order",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("hall", ID, nullable=False),
    Column("ticket", Integer, nullable=False),
    Column("number", String(32), nullable=False),
    Column("why", String(200), nullable=False),
    Column("leader", ID, nullable=False),
    Column("began_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("steps", JSON, nullable=False),  # [[when, which], ...]
    Index(None, "hall", "began_at"),
)

# --- the catalogue ----------------------------------------------------------------------------------

item = Table(
    "item",
    metadata,
    Column("code", String(120), primary_key=True),
    Column("name", Text, nullable=False),
    Column("short_name", Text, nullable=False, server_default=text("''")),
    Column("department", Text, nullable=False),
    Column("queue", ID),  # null: not yet given to a queue
    Column("minutes", Integer),  # expected service time
    Column("is_sample", Boolean, nullable=False, server_default=false()),  # 样例: minutes are made up
    Index(None, "queue"),
)
