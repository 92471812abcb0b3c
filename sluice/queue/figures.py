"""Figures of the queue: for an organization, and for the whole service."""

from dataclasses import dataclass
from typing import Any

from psycopg.rows import dict_row

from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

_OF_ORGANIZATION = """
WITH jobs AS (
    SELECT status, extract(epoch FROM completed_at - started_processing_at)::float8 AS seconds, completed_at
      FROM sluice.ingestion_jobs WHERE archived_at IS NULL
), ended AS (SELECT * FROM jobs WHERE status IN ('completed', 'failed'))
SELECT (SELECT count(*) FROM ended WHERE status = 'completed')::float8 / nullif((SELECT count(*) FROM ended), 0)
           AS success_rate,
       (SELECT avg(seconds) FROM jobs WHERE status = 'completed') AS mean_seconds,
       (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) FROM jobs WHERE status = 'completed')
           AS p95_seconds,
       (SELECT count(*) FROM ended WHERE completed_at > now() - interval '1 hour') AS ended_last_hour,
       (SELECT count(*) FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
         WHERE dispatched_at IS NULL AND j.status IN ('pending', 'retrying')) AS queue_depth,
       coalesce((SELECT extract(epoch FROM max(clock_timestamp() - o.created_at))::float8
          FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
         WHERE dispatched_at IS NULL AND j.status IN ('pending', 'retrying')), 0) AS queue_seconds,
       (SELECT count(*) FROM sluice.dead_letters) AS dead_letters
"""
_OVERALL = """
SELECT (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM
           (SELECT status, count(*) AS n FROM sluice.ingestion_jobs GROUP BY 1) s) AS jobs,
       count(*) AS waiting,
       coalesce(extract(epoch FROM max(clock_timestamp() - o.created_at))::float8, 0) AS oldest_seconds,
       (SELECT count(*) FROM sluice.dead_letters) AS dead_letters,
       (SELECT count(*) FROM sluice.deliveries WHERE delivered_at IS NULL AND given_up_at IS NULL) AS deliveries
  FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE dispatched_at IS NULL AND j.status IN ('pending', 'retrying')
"""


@dataclass(frozen=True, slots=True)
class Overall:
    """The whole service now: jobs by status, and what waits."""

    jobs: dict[str, int]
    waiting: int
    oldest_seconds: float
    dead_letters: int
    deliveries: int


def of_organization(connection: Connection) -> dict[str, Any]:
    """Of all that the connection may see: success rate (0 to 1), durations and ages in seconds, counts."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_OF_ORGANIZATION).fetchone() or {}


def overall(warehouse: Warehouse) -> Overall:
    """Of all organizations together. Raises SluiceError."""
    with translated(), warehouse.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return Overall(**(cursor.execute(_OVERALL).fetchone() or {}))
