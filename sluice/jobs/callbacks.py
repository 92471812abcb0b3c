"""Callbacks: what an external processor says became of a job."""

from typing import Any

from sluice.errors import InputError
from sluice.jobs import ledger
from sluice.warehouse.connection import Connection


def organization_of(connection: Connection, job_id: str) -> tuple[int, list[str]] | None:
    """The job's organization and its webhook secrets; None if there is no such job. Sees all organizations."""
    query = (
        "SELECT j.organization_id, coalesce(w.secrets, '[]') FROM sluice.ingestion_jobs j"
        " LEFT JOIN sluice.webhooks w USING (organization_id) WHERE job_id = %s AND archived_at IS NULL"
    )
    row = connection.execute(query, [job_id]).fetchone()
    return (int(row[0]), list(row[1])) if row else None


def heard(
    connection: Connection,
    organization_id: int,
    message_id: str,
    job_id: str,
    status: str,
    *,
    result_url: str | None = None,
    result_data: dict[str, Any] | None = None,
    message: str = "",
) -> bool:
    """Move the job as the message says, in the caller's transaction. Returns whether the message was new.

    Raises InputError for a move that a job can't make.
    """
    first = connection.execute(
        "INSERT INTO sluice.callbacks (organization_id, message_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [organization_id, message_id],
    )
    if not first.rowcount:
        return False
    if result_url is not None:
        query = "UPDATE sluice.ingestion_jobs SET result_url = %s WHERE job_id = %s"
        connection.execute(query, [result_url, job_id])
    standing = ledger.get(connection, job_id)["status"]
    if standing in ("completed", "failed", "cancelled"):
        raise InputError(f"The job {job_id} is {standing}; it does not become {status}.")
    if standing in ("pending", "retrying") and status in ("processing", "completed"):
        ledger.start(connection, job_id)
    if status == "completed":
        ledger.complete(connection, job_id, result_data or {})
    elif status == "failed":
        ledger.fail(connection, job_id, InputError(message or "The external processor failed."))
    return True
