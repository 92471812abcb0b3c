"""Sluice's own tables, in the schema ``sluice``. The migrations make them; a test holds both together."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA, INT8MULTIRANGE, JSONB

SCHEMA = "sluice"
STATUSES = ("pending", "processing", "retrying", "completed", "failed", "cancelled")
STAGES = ("idle", "validating", "processing", "transforming", "enriching", "complete", "error")
PRIORITIES = ("critical", "high", "normal", "low")
MODES = ("append", "upsert", "replace")

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    },
)


def _time(name: str, *, now: bool = False) -> Column[Any]:
    default = text("now()") if now else None
    return Column(name, DateTime(timezone=True), nullable=not now, server_default=default)


def _count(name: str) -> Column[Any]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _json(name: str, empty: str = "{}") -> Column[Any]:
    return Column(name, JSONB, nullable=False, server_default=text(f"'{empty}'::jsonb"))


def _one_of(name: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{name} IN ({listed})", name=name)


def _organization() -> Column[Any]:
    return Column("organization_id", Integer, ForeignKey("sluice.organizations.id"), nullable=False)


organizations = Table(
    "organizations",
    metadata,
    Column("id", Integer, Identity(start=2), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _time("created_at", now=True),
)

ingestion_jobs = Table(
    "ingestion_jobs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("job_id", String(255), nullable=False, unique=True),
    Column("user_id", Integer, nullable=False),
    _organization(),
    Column("dataset", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("file_type", String(50), nullable=False),
    Column("file_size", BigInteger),
    Column("content_sha256", Text),
    Column("status", String(50), nullable=False, server_default="pending"),
    Column("stage", Text, nullable=False, server_default="idle"),
    Column("progress", SmallInteger, nullable=False, server_default="0"),
    Column("message", Text),
    _json("details"),
    Column("priority", Text, nullable=False, server_default="normal"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("upload_url", Text),
    Column("result_url", Text),
    Column("result_data", JSONB),
    Column("error_message", Text),
    Column("flow_run_id", Text),
    Column("idempotency_key", Text),
    _time("created_at", now=True),
    _time("started_processing_at"),
    _time("completed_at"),
    _time("updated_at", now=True),
    # No longer listed; what it brought can still be traced to it.
    _time("archived_at"),
    UniqueConstraint("organization_id", "idempotency_key"),
    _one_of("status", STATUSES),
    _one_of("stage", STAGES),
    _one_of("priority", PRIORITIES),
    CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
    Index(None, "organization_id", "created_at"),
    Index(
        "ingestion_jobs_content_sha256_idx",
        "organization_id",
        "dataset",
        "content_sha256",
        postgresql_where=text("content_sha256 IS NOT NULL"),
    ),
    Index(
        "ingestion_jobs_open_idx",
        "organization_id",
        "status",
        postgresql_where=text("status IN ('pending', 'processing', 'retrying')"),
    ),
    Index(
        "ingestion_jobs_active_idx", "job_id", postgresql_where=text("status IN ('processing', 'retrying')")
    ),
)

loads = Table(
    "loads",
    metadata,
    # Reserved before the stage is written, because every row bears it.
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("job_id", String(255), ForeignKey("sluice.ingestion_jobs.job_id"), nullable=False),
    _organization(),
    Column("dataset", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("file_type", Text, nullable=False),
    Column("file_size", BigInteger),
    Column("content_sha256", Text),
    # How the reader was told to read: the same bytes read in another way are other content.
    _json("options"),
    # What the reader left out and mended.
    _json("account"),
    Column("contract_id", Text, nullable=False),
    Column("contract_version", Text, nullable=False),
    Column("contract_sha256", Text, nullable=False),
    Column("mode", Text, nullable=False),
    # Where the rows went; unknown of loads that are older than these columns.
    Column("table_schema", Text),
    Column("table_name", Text),
    _count("read"),
    _count("published"),
    _count("unchanged"),
    _count("superseded"),
    _count("rejected"),
    # Which records those were, so that every input record can be traced.
    Column("unchanged_records", INT8MULTIRANGE),
    Column("superseded_records", INT8MULTIRANGE),
    Column("quality_score", Double),
    _json("seconds"),
    _json("drift", "[]"),
    _time("started_at"),
    _time("published_at", now=True),
    Column("flow_run_id", Text),
    _one_of("mode", MODES),
    CheckConstraint(
        "read = published + unchanged + superseded + rejected AND published >= 0 AND unchanged >= 0"
        " AND superseded >= 0 AND rejected >= 0",
        name="counts",
    ),
    Index(None, "organization_id", "dataset", "content_sha256"),
    Index(None, "job_id"),
)

# No foreign keys: a load may bring millions of these, and a refused load has rejects but no ``loads`` row.
rejected_rows = Table(
    "rejected_rows",
    metadata,
    Column("load_id", BigInteger, primary_key=True, autoincrement=False),
    Column("record_no", BigInteger, primary_key=True, autoincrement=False),
    # A record may have several reasons: 0, 1, ...
    Column("ordinal", SmallInteger, primary_key=True, autoincrement=False, server_default="0"),
    Column("job_id", Text, nullable=False),
    Column("organization_id", Integer, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("line", BigInteger),
    Column("column_name", Text),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("raw", Text),
    Column("cells", JSONB),
    _time("created_at", now=True),
    Column("replayed_by_job", Text),
    Index(None, "job_id"),
)

rule_results = Table(
    "rule_results",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("ordinal", SmallInteger, primary_key=True, autoincrement=False),
    Column("rule", Text, nullable=False),
    Column("organization_id", Integer, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("expectation", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("column_name", Text),
    Column("severity", Text, nullable=False),
    Column("success", Boolean, nullable=False),
    Column("element_count", BigInteger),
    Column("unexpected_count", BigInteger),
    Column("observed", JSONB),
    _time("created_at", now=True),
)

# No foreign keys: what happened stays true after a job is deleted. ``seq``, ``previous`` and ``hash`` are the chain of
# the organization's entries, made by a trigger; nothing is ever changed or removed.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("organization_id", Integer, nullable=False),
    Column("user_id", Integer),
    _time("at", now=True),
    Column("event", Text, nullable=False),
    Column("job_id", Text),
    Column("load_id", BigInteger),
    Column("dataset", Text),
    _json("details"),
    Column("seq", BigInteger, nullable=False),
    Column("previous", BYTEA, nullable=False),
    Column("hash", BYTEA, nullable=False),
    UniqueConstraint("organization_id", "seq"),
    Index("audit_log_at_idx", "at", postgresql_using="brin"),
    Index(None, "job_id"),
)

# The last entry of each organization.
audit_heads = Table(
    "audit_heads",
    metadata,
    Column("organization_id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("previous", BYTEA, nullable=False),
    Column("hash", BYTEA, nullable=False),
)

# Signed heads: what the chain was at a time. ``key_id``: which key signed; ``log``: the database that it was in.
audit_anchors = Table(
    "audit_anchors",
    metadata,
    Column("organization_id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("key_id", Text, primary_key=True),
    Column("hash", BYTEA, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("log", Text, nullable=False),
    Column("signature", BYTEA, nullable=False),
)
