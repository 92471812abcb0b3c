"""Deliveries: the ends of jobs, on their way to the organizations' webhooks."""

from dataclasses import dataclass
from typing import Any

from psycopg.rows import class_row

from sluice.warehouse.connection import Connection

CHANNEL = "sluice_deliveries"
# Seconds to wait after each failed try: about a day in all.
PAUSES = (5, 30, 120, 600, 3600, 14_400, 28_800, 36_000)

_CLAIM = """
SELECT d.id, d.organization_id, d.job_id, d.kind, d.tries, d.created_at::text AS created_at, w.url, w.secrets,
       jsonb_build_object('job_id', j.job_id, 'dataset', j.dataset, 'filename', j.filename, 'status', j.status,
           'result_data', j.result_data, 'error_message', j.error_message, 'completed_at', j.completed_at) AS job
  FROM sluice.deliveries d JOIN sluice.webhooks w USING (organization_id) JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE d.delivered_at IS NULL AND d.given_up_at IS NULL AND d.due_at <= clock_timestamp()
 ORDER BY d.due_at LIMIT %s FOR UPDATE OF d SKIP LOCKED
"""
_FAILED = """
UPDATE sluice.deliveries SET tries = tries + 1, answer = %(answer)s,
       due_at = clock_timestamp() + interval '1 second' * coalesce((%(pauses)s::int[])[tries + 1], 0),
       given_up_at = CASE WHEN tries >= cardinality(%(pauses)s::int[]) THEN clock_timestamp() END
 WHERE id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message for a webhook. ``job``: what it tells."""

    id: int
    organization_id: int
    job_id: str
    kind: str
    tries: int
    created_at: str
    url: str
    secrets: list[str]
    job: dict[str, Any]

    @property
    def message_id(self) -> str:
        """The same for each try, by which a receiver knows it again."""
        return f"msg_{self.organization_id}_{self.id}"


def claim(connection: Connection, limit: int) -> list[Delivery]:
    """At most ``limit`` that are due, locked until the caller's transaction ends."""
    with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(_CLAIM, [limit]).fetchall()


def delivered(connection: Connection, delivery: Delivery, answer: str) -> None:
    """The webhook took it."""
    connection.execute(
        "UPDATE sluice.deliveries SET delivered_at = clock_timestamp(), tries = tries + 1, answer = %s WHERE id = %s",
        [answer, delivery.id],
    )


def failed(connection: Connection, delivery: Delivery, answer: str) -> None:
    """The webhook did not take it: it waits for its next try, or is given up and kept after the last."""
    values = {"id": delivery.id, "answer": answer[:500], "pauses": list(PAUSES)}
    connection.execute(_FAILED, values)
