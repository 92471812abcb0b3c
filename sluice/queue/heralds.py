"""Heralds: how far an organization's events were told to Prefect, so that none is forgotten and few are told twice."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from sluice.queue import events
from sluice.warehouse.connection import Connection

_KNOWN = (
    "INSERT INTO sluice.heralds (organization_id) SELECT id FROM sluice.organizations ON CONFLICT DO NOTHING"
)
_CLAIM = """
SELECT organization_id, last_event FROM sluice.heralds h
 WHERE EXISTS (SELECT FROM sluice.job_events e WHERE e.organization_id = h.organization_id AND e.id > h.last_event)
 LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# A try begins with nothing done and nothing said; what follows of it is progress.
_NEWS = """
SELECT e.id, e.job_id, e.data, e.at, coalesce(j.flow_run_id, o.flow_run_id) AS flow_run_id,
       CASE e.kind WHEN 'job.processing' THEN 'started' ELSE substr(e.kind, 5) END AS what
  FROM sluice.job_events e LEFT JOIN sluice.ingestion_jobs j USING (job_id) LEFT JOIN sluice.outbox o USING (job_id)
 WHERE e.organization_id = %s AND e.id > %s AND e.id <= %s
   AND (e.kind IN ('job.completed', 'job.failed', 'job.cancelled')
    OR e.kind = 'job.processing' AND e.data @> '{"stage": "validating", "progress": 0, "message": null}')
 ORDER BY e.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class News:
    """A job has ``started``, or has ``completed``, ``failed`` or been ``cancelled``. ``id``: the event's number."""

    id: int
    job_id: str
    data: dict[str, Any]
    at: datetime
    flow_run_id: str | None
    what: str

    @property
    def key(self) -> str:
        """The same whenever it is told. A job completes and is cancelled once, and starts once an attempt."""
        number = {"started": self.data["attempt"], "failed": self.id}.get(self.what, "")
        return f"{self.job_id}:{self.what}:{number}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """An organization's next news; ``until``: the event that they end with."""

    organization_id: int
    until: int
    news: list[News]


def claim(connection: Connection, limit: int) -> Sheet | None:
    """The next news of an organization that has some, no other herald's until the caller's transaction ends."""
    connection.execute(_KNOWN)
    row = connection.execute(_CLAIM).fetchone()
    if row is None:
        return None
    organization_id, last = row
    until = events.newest(connection, organization_id)
    with connection.cursor(row_factory=class_row(News)) as cursor:
        news = cursor.execute(_NEWS, [organization_id, last, until, limit]).fetchall()
    return Sheet(organization_id, news[-1].id if len(news) == limit else until, news)


def told(connection: Connection, sheet: Sheet) -> None:
    """Go on after this sheet."""
    connection.execute(
        "UPDATE sluice.heralds SET last_event = %s WHERE organization_id = %s",
        [sheet.until, sheet.organization_id],
    )
