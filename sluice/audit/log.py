"""The audit log's entries: writing one, and looking at them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from sluice.warehouse.connection import Connection, Statement

_WRITE = b"""
INSERT INTO sluice.audit_log (organization_id, user_id, event, job_id, load_id, dataset, details)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_COLUMNS = "seq, id, at, event, user_id, job_id, load_id, dataset, details, hash"
_NEWEST = f"""
SELECT {_COLUMNS} FROM sluice.audit_log WHERE organization_id = %(organization_id)s
   AND (%(dataset)s::text IS NULL OR dataset = %(dataset)s) AND (%(job_id)s::text IS NULL OR job_id = %(job_id)s)
   AND (%(event)s::text IS NULL OR event = %(event)s) ORDER BY seq DESC LIMIT %(limit)s
"""  # noqa: S608
_PERIOD = """
WHERE organization_id = %(organization_id)s AND seq <= %(until)s
  AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(before)s::timestamptz IS NULL OR at < %(before)s)
"""


def writing(
    event: str,
    *,
    organization_id: int,
    user_id: int | None = None,
    job_id: str | None = None,
    load_id: int | None = None,
    dataset: str | None = None,
    details: dict[str, Any] | None = None,
) -> Statement:
    """The statement that writes one entry. ``event`` reads ``noun.verb``, as in ``load.published``."""
    return _WRITE, [organization_id, user_id, event, job_id, load_id, dataset, Jsonb(details or {})]


def write(connection: Connection, event: str, *, organization_id: int, **more: Any) -> None:
    """Write one entry, in the caller's transaction: no other of the organization is written until its commit.

    ``more``: see ``writing``.
    """
    connection.execute(*writing(event, organization_id=organization_id, **more))


def newest(
    connection: Connection,
    organization_id: int,
    *,
    dataset: str | None = None,
    job_id: str | None = None,
    event: str | None = None,
    limit: int = 50,
) -> list[DictRow]:
    """The organization's newest entries, the last first."""
    values = {
        "organization_id": organization_id,
        "dataset": dataset,
        "job_id": job_id,
        "event": event,
        "limit": limit,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_NEWEST, values).fetchall()


class Period:
    """The organization's entries from ``since`` on and before ``before``, up to the number ``until``."""

    def __init__(
        self, organization_id: int, since: datetime | None, before: datetime | None, until: int
    ) -> None:
        self._values = {"organization_id": organization_id, "since": since, "before": before, "until": until}

    def counts(self, connection: Connection) -> dict[str, int]:
        """How many entries there are of each event."""
        query = f"SELECT event, count(*) FROM sluice.audit_log {_PERIOD} GROUP BY event ORDER BY event"  # noqa: S608
        return {str(event): int(count) for event, count in connection.execute(query.encode(), self._values)}

    def entries(self, connection: Connection, events: list[str]) -> Iterator[DictRow]:
        """The entries of these events by their number, fetched in portions, in the caller's transaction."""
        query = f"SELECT {_COLUMNS} FROM sluice.audit_log {_PERIOD} AND event = ANY(%(events)s) ORDER BY seq"  # noqa: S608
        with connection.cursor("sluice_period", row_factory=dict_row) as cursor:
            cursor.itersize = 5000
            cursor.execute(query.encode(), self._values | {"events": events})
            yield from cursor
