"""Upkeep of the service: uploads that never came, jobs of last week, and what nobody will ask for any more."""

from dataclasses import asdict, dataclass

from sluice.jobs import fetching, uploads
from sluice.landing.store import Store
from sluice.sources.api import spool
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

DAYS = 7
STRAY_HOURS = 24.0
_ENDED = "status IN ('completed', 'failed', 'cancelled')"
_OLD = f"""
UPDATE sluice.ingestion_jobs j SET archived_at = clock_timestamp()
 WHERE {_ENDED} AND archived_at IS NULL AND completed_at < now() - %s * interval '1 day'
   AND EXISTS (SELECT FROM sluice.outbox o WHERE o.job_id = j.job_id)
   AND NOT EXISTS (SELECT FROM sluice.dead_letters d WHERE d.job_id = j.job_id)
RETURNING job_id
"""  # noqa: S608
_STATEMENTS = {
    "outbox": "DELETE FROM sluice.outbox o USING sluice.ingestion_jobs j"
    " WHERE o.job_id = j.job_id AND j.archived_at IS NOT NULL",
    "events": "DELETE FROM sluice.job_events WHERE at < now() - %s * interval '1 day'",
    "deliveries": "DELETE FROM sluice.deliveries WHERE delivered_at < now() - %s * interval '1 day'",
    "callbacks": "DELETE FROM sluice.callbacks WHERE at < now() - %s * interval '1 day'",
    "rejects": """
DELETE FROM sluice.rejected_rows r USING sluice.ingestion_jobs j
 WHERE r.job_id = j.job_id AND j.completed_at < now() - interval '1 day' * (
       SELECT min((one.value #>> '{policy,retention_days}')::integer) FROM jsonb_each(j.details -> 'security') one)
""",
    "answers": "DELETE FROM sluice.answers WHERE created_at < now() - interval '1 day'",
}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How many of each were removed; ``jobs`` are only listed no more. ``rejects``: by their sources' policies."""

    uploads: int = 0
    jobs: int = 0
    files: int = 0
    outbox: int = 0
    events: int = 0
    deliveries: int = 0
    callbacks: int = 0
    answers: int = 0
    rejects: int = 0
    strays: int = 0
    fetches: int = 0

    def as_dict(self) -> dict[str, int]:
        """JSON-ready values."""
        return asdict(self)


def clean(warehouse: Warehouse, store: Store, days: int = DAYS) -> Cleaned:
    """Remove what is older than ``days``. Dead letters stay until somebody decides. Raises SluiceError."""
    with translated(), warehouse.connect(autocommit=True) as connection:
        expired = _expire(connection, store)
        old = connection.execute(_OLD, [days]).fetchall()
        files = _remove_files(connection, store)
        counts = {
            name: connection.execute(query, [days] if "%s" in query else None).rowcount
            for name, query in _STATEMENTS.items()
        }
        strays = _remove_strays(connection, store)
    fetches = spool.forget(fetching.folder(), STRAY_HOURS * 3600)
    return Cleaned(uploads=expired, jobs=len(old), files=files, strays=strays, fetches=fetches, **counts)


def _expire(connection: Connection, store: Store) -> int:
    """Cancel the jobs whose bytes did not come in time."""
    query = (
        "SELECT upload_id FROM sluice.uploads WHERE finished_at IS NULL AND expires_at < clock_timestamp()"
    )
    found = [str(upload_id) for (upload_id,) in connection.execute(query)]
    for upload_id in found:
        with connection.transaction():
            if upload := uploads.find(connection, upload_id):
                uploads.drop(connection, upload, "its file was not sent in time")
        store.remove(upload_id)
    return len(found)


def _remove_files(connection: Connection, store: Store) -> int:
    """Remove the bytes of jobs that are no longer listed."""
    query = (
        "DELETE FROM sluice.uploads u USING sluice.ingestion_jobs j"
        " WHERE u.job_id = j.job_id AND j.archived_at IS NOT NULL RETURNING upload_id"
    )
    found = [str(upload_id) for (upload_id,) in connection.execute(query)]
    for upload_id in found:
        store.remove(upload_id)
    return len(found)


def _remove_strays(connection: Connection, store: Store) -> int:
    """Remove bytes that belong to no job: whoever received them died before it made one, or could not remove them."""
    lying = store.old(STRAY_HOURS)
    query = "SELECT id FROM unnest(%s::text[]) id WHERE NOT EXISTS (SELECT FROM sluice.uploads WHERE upload_id = id)"
    found = [str(upload_id) for (upload_id,) in connection.execute(query, [lying])]
    for upload_id in found:
        store.remove(upload_id)
    return len(found)
