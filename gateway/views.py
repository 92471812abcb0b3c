"""Jobs as the API shows them."""

from datetime import datetime
from typing import Any, Literal

from psycopg.rows import DictRow, dict_row
from pydantic import BaseModel, Field

from gateway.database import Database
from gateway.problems import not_found
from sluice.warehouse.connection import Connection

Status = Literal["pending", "processing", "retrying", "completed", "failed", "cancelled"]
Stage = Literal["idle", "validating", "processing", "transforming", "enriching", "complete", "error"]
Priority = Literal["critical", "high", "normal", "low"]

_COLUMNS = (
    "job_id, dataset, filename, file_type, file_size, status, stage, progress, message, details - 'request' AS details,"
    " priority, attempt, content_sha256, result_data, error_message, flow_run_id, created_at,"
    " started_processing_at, completed_at, updated_at, coalesce(result_url, CASE status WHEN 'completed'"
    " THEN '/api/ingest/' || job_id || '/result' END) AS result_url"
)
_ONE = f"SELECT {_COLUMNS} FROM sluice.ingestion_jobs WHERE job_id = %s AND archived_at IS NULL".encode()  # noqa: S608


class Job(BaseModel):
    """One job."""

    job_id: str = Field(examples=["job_0123456789abcdef0123456789abcdef"])
    dataset: str
    filename: str
    file_type: str
    file_size: int | None = Field(description="Bytes.")
    status: Status
    stage: Stage
    progress: int = Field(ge=0, le=100)
    message: str | None
    details: dict[str, Any]
    priority: Priority
    attempt: int = Field(description="How often it was begun.")
    content_sha256: str | None
    result_url: str | None
    result_data: dict[str, Any] | None
    error_message: str | None
    flow_run_id: str | None = Field(description="The run in the Prefect UI.")
    created_at: datetime
    started_processing_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime


def job(connection: Connection, job_id: str) -> Job:
    """The job. Raises Refusal (404) if the connection may see none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return _only(job_id, cursor.execute(_ONE, [job_id]).fetchall())


async def job_of(database: Database, organization_id: int, job_id: str) -> Job:
    """The organization's job. Raises Refusal (404) if it has none of that id."""
    return _only(job_id, await database.ask(organization_id, (_ONE, [job_id])))


def _only(job_id: str, rows: list[DictRow]) -> Job:
    if not rows:
        raise not_found(f"job {job_id[:64]}")
    return Job.model_construct(**rows[0])


def jobs(
    connection: Connection,
    *,
    limit: int,
    before: str | None = None,
    status: str | None = None,
    dataset: str | None = None,
    priority: str | None = None,
) -> list[Job]:
    """Newest first; ``before``: those older than that job."""
    query = (
        f"SELECT {_COLUMNS} FROM sluice.ingestion_jobs WHERE archived_at IS NULL"  # noqa: S608
        " AND (%(status)s::text IS NULL OR status = %(status)s)"
        " AND (%(dataset)s::text IS NULL OR dataset = %(dataset)s)"
        " AND (%(priority)s::text IS NULL OR priority = %(priority)s)"
        " AND (%(before)s::text IS NULL OR id < (SELECT id FROM sluice.ingestion_jobs WHERE job_id = %(before)s))"
        " ORDER BY id DESC LIMIT %(limit)s"
    )
    values = {"status": status, "dataset": dataset, "priority": priority, "before": before, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return [Job.model_construct(**row) for row in cursor.execute(query.encode(), values)]


def counts(connection: Connection) -> dict[str, int]:
    """How many jobs there are, in all and of each status."""
    query = "SELECT status, count(*) FROM sluice.ingestion_jobs WHERE archived_at IS NULL GROUP BY 1"
    found = dict.fromkeys(("pending", "processing", "retrying", "completed", "failed", "cancelled"), 0)
    found |= {str(status): int(count) for status, count in connection.execute(query)}
    return {"total": sum(found.values()), **found}
