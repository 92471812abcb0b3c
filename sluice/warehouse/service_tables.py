"""The tables of the job service, in the schema ``sluice``; the metadata that ``tables`` begins."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from sluice.warehouse.tables import metadata as metadata


def _text(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=null)


def _time(name: str, default: str = "") -> Column[Any]:
    return Column(
        name,
        DateTime(timezone=True),
        nullable=not default,
        server_default=text(default) if default else None,
    )


def _organization(*, key: bool = False) -> Column[Any]:
    return Column("organization_id", Integer, primary_key=key, autoincrement=False, nullable=False)


def _number() -> Column[Any]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _key(name: str) -> Column[Any]:
    return Column(name, Text, primary_key=True)


def _tries() -> Column[Any]:
    return Column("tries", SmallInteger, nullable=False, server_default="0")


# Bytes on their way. ``place`` is where the landing store keeps them.
uploads = Table(
    "uploads",
    metadata,
    _key("upload_id"),
    _text("job_id"),
    _organization(),
    Column("length", BigInteger),
    Column("received", BigInteger, nullable=False, server_default="0"),
    _text("content_sha256", null=True),
    _text("place"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    _time("created_at", "now()"),
    _time("finished_at"),
    Index(None, "job_id"),
)

# A job that a flow run is to be made for, or was, maybe with others. ``tries`` counts runs made before that failed.
outbox = Table(
    "outbox",
    metadata,
    _number(),
    Column("job_id", Text, nullable=False, unique=True),
    _organization(),
    Column("urgency", SmallInteger, nullable=False),
    _tries(),
    _time("due_at", "now()"),
    _time("created_at", "now()"),
    _time("dispatched_at"),
    _text("flow_run_id", null=True),
    _text("trouble", null=True),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("crashes", SmallInteger, nullable=False, server_default="0"),
    Index(None, "flow_run_id"),
    Index("outbox_waiting_idx", "urgency", "id", postgresql_where=text("dispatched_at IS NULL")),
)

# Jobs that failed after their last try. ``reason``: the class of the error.
dead_letters = Table(
    "dead_letters",
    metadata,
    _key("job_id"),
    _organization(),
    _text("dataset"),
    Column("tries", SmallInteger, nullable=False),
    _text("reason"),
    _text("message"),
    _time("created_at", "now()"),
    Index(None, "organization_id", "created_at"),
)

# Organizations whose jobs wait until they resume.
pauses = Table(
    "pauses", metadata, _organization(key=True), Column("user_id", Integer), _time("created_at", "now()")
)

job_events = Table(
    "job_events",
    metadata,
    _number(),
    _organization(),
    _text("job_id", null=True),
    _text("kind"),
    Column("data", JSONB, nullable=False),
    _time("at", "clock_timestamp()"),
    Index(None, "organization_id", "id"),
    Index(None, "at"),
)

# How far Prefect was told of them.
heralds = Table(
    "heralds",
    metadata,
    _organization(key=True),
    Column("last_event", BigInteger, nullable=False, server_default="0"),
)

# Where an organization wants to hear of the ends of its jobs; the first of ``secrets`` signs.
webhooks = Table(
    "webhooks",
    metadata,
    _organization(key=True),
    _text("url"),
    Column("secrets", JSONB, nullable=False),
    _time("created_at", "now()"),
)

deliveries = Table(
    "deliveries",
    metadata,
    _number(),
    _organization(),
    _text("job_id"),
    _text("kind"),
    _tries(),
    _time("due_at", "now()"),
    _time("created_at", "now()"),
    _time("delivered_at"),
    _time("given_up_at"),
    _text("answer", null=True),
    Index(
        "deliveries_waiting_idx",
        "due_at",
        postgresql_where=text("delivered_at IS NULL AND given_up_at IS NULL"),
    ),
)

# Messages of external processors that were heard: the same one is not heard twice.
callbacks = Table("callbacks", metadata, _organization(key=True), _key("message_id"), _time("at", "now()"))

# What is known of a source from its last load.
source_states = Table(
    "source_states",
    metadata,
    _organization(key=True),
    _key("dataset"),
    _key("source"),
    Column("state", JSONB, nullable=False),
    _text("job_id"),
    _time("updated_at", "now()"),
)

# Keys of encrypted columns, wrapped by the key-encryption key ``kek_id``; and persons' own, by the data key ``key_id``.
data_keys = Table(
    "data_keys",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    _organization(),
    _text("purpose"),
    Column("wrapped", LargeBinary, nullable=False),
    _text("kek_id"),
    _time("created_at", "now()"),
    _time("retired_at"),
    CheckConstraint("purpose IN ('seal', 'blind')", name="purpose"),
    Index(
        "data_keys_current_idx",
        "organization_id",
        "purpose",
        unique=True,
        postgresql_where=text("retired_at IS NULL"),
    ),
)
subject_keys = Table(
    "subject_keys",
    metadata,
    _organization(key=True),
    Column("subject", LargeBinary, primary_key=True),
    Column("key_id", Integer, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    _time("created_at", "now()"),
)

# What was answered to a request with an idempotency key; no status while it is being answered.
answers = Table(
    "answers",
    metadata,
    _organization(key=True),
    _key("idempotency_key"),
    _text("request_sha256"),
    Column("status", SmallInteger),
    Column("body", JSONB),
    _time("created_at", "now()"),
)
