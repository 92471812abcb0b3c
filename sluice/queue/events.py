"""Events: what happened to an organization's jobs, numbered in the order of their commits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from sluice.warehouse.connection import Connection

CHANNEL = "sluice_events"  # its payload: organization:number

_SINCE = """
SELECT id, job_id, kind, data, at FROM sluice.job_events
 WHERE organization_id = %s AND id > %s ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Event:
    """``kind``: ``job.completed`` and the like, METRIC_UPDATE, DATA_POINT or ALERT."""

    id: int
    job_id: str | None
    kind: str
    data: dict[str, Any]
    at: datetime


def since(connection: Connection, organization_id: int, last: int, limit: int = 500) -> list[Event]:
    """The organization's events after the one of number ``last``, oldest first. None of them is missed: see ``tell``
    in the migration.
    """
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        return cursor.execute(_SINCE, [organization_id, last, limit]).fetchall()


def newest(connection: Connection, organization_id: int) -> int:
    """The number of the organization's last event; 0 if there is none."""
    query = "SELECT coalesce(max(id), 0) FROM sluice.job_events WHERE organization_id = %s"
    row = connection.execute(query, [organization_id]).fetchone()
    return int(row[0]) if row else 0


def tell(
    connection: Connection, organization_id: int, kind: str, data: dict[str, Any], job_id: str | None = None
) -> None:
    """Make an event, from the caller's commit on."""
    connection.execute("SELECT sluice.tell(%s, %s, %s, %s)", [organization_id, job_id, kind, Jsonb(data)])
