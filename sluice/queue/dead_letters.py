"""Dead letters: jobs that failed after their last try, kept until they are tried again or deleted."""

from collections.abc import Sequence

from psycopg.rows import DictRow, dict_row

from sluice.warehouse.connection import Connection

_ADD = """
INSERT INTO sluice.dead_letters (job_id, organization_id, dataset, tries, reason, message)
SELECT job_id, j.organization_id, dataset, attempt, %(reason)s, %(message)s
  FROM sluice.ingestion_jobs j JOIN sluice.outbox o USING (job_id) WHERE job_id = %(job)s
ON CONFLICT (job_id) DO UPDATE SET (tries, reason, message, created_at) =
    (excluded.tries, excluded.reason, excluded.message, excluded.created_at)
"""
_TAKE = """
DELETE FROM sluice.dead_letters WHERE organization_id = %(organization)s
   AND (%(jobs)s::text[] IS NULL OR job_id = ANY(%(jobs)s)) AND (%(reason)s::text IS NULL OR reason = %(reason)s)
RETURNING job_id
"""


def add(connection: Connection, job_id: str, reason: str, message: str) -> None:
    """Keep the failed job, if it came through the outbox."""
    connection.execute(_ADD, {"job": job_id, "reason": reason, "message": message})


def listing(
    connection: Connection, organization_id: int, *, before: str | None = None, limit: int = 50
) -> list[DictRow]:
    """The organization's dead letters, newest first; ``before``: those older than the one of that job."""
    query = (
        "SELECT * FROM sluice.dead_letters WHERE organization_id = %(organization)s AND (%(before)s::text IS NULL OR"
        " (created_at, job_id) < (SELECT created_at, job_id FROM sluice.dead_letters WHERE job_id = %(before)s))"
        " ORDER BY created_at DESC, job_id DESC LIMIT %(limit)s"
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        values = {"organization": organization_id, "before": before, "limit": limit}
        return cursor.execute(query, values).fetchall()


def take(
    connection: Connection,
    organization_id: int,
    *,
    jobs: Sequence[str] | None = None,
    reason: str | None = None,
) -> list[str]:
    """Remove dead letters: all of the organization's, or these jobs, or those of a reason. Returns their job ids."""
    values = {
        "organization": organization_id,
        "jobs": list(jobs) if jobs is not None else None,
        "reason": reason,
    }
    return [str(job_id) for (job_id,) in connection.execute(_TAKE, values)]
