"""Recovery: ends the jobs whose process died, and removes what they left behind."""

import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from sluice.errors import RetryError
from sluice.jobs import ledger
from sluice.jobs.lease import try_lock, unlock
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

# A server that was killed gives its locks away; living processes need a moment to take theirs again.
GRACE_SECONDS = 3.0
# A stage folder of a job that this warehouse doesn't know may belong to another warehouse.
FOREIGN_STAGE_SECONDS = 7 * 86400
OVER = ("completed", "failed", "cancelled")
_INCOMING = re.compile(r"incoming_(job_[0-9a-f]{32})_\d+")
_JOB_ID = re.compile(r"job_[0-9a-f]{32}")

# Jobs that a process should be working on, and tables that a load may have left. A queued retry (stage idle)
# has no process yet. A pending job that made itself (its request names no job) begins within milliseconds.
_LEFT = """
SELECT 'job' AS kind, job_id AS name FROM sluice.ingestion_jobs
WHERE status IN ('processing', 'retrying') AND NOT (status = 'retrying' AND stage = 'idle')
   OR status = 'pending' AND details -> 'request' ->> 'job_id' = '' AND created_at < now() - interval '1 minute'
UNION ALL
SELECT 'table', relname FROM pg_class
WHERE relnamespace = 'sluice'::regnamespace AND relkind IN ('r', 'p') AND starts_with(relname, 'incoming_')
"""
_UPTIME = "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8"


def incoming_name(job_id: str, number: int) -> str:
    """Name, in the schema ``sluice``, of the table that a job's ``number``-th source is copied into."""
    return f"incoming_{job_id}_{number}"


def recover(warehouse: Warehouse, stage_dir: Path) -> list[str]:
    """Fail each job whose process died; drop its incoming tables and stage folder. Returns the job ids.

    Safe while other jobs run: only a job whose lease is free is touched. Costs one query and a look into
    ``stage_dir`` when there is nothing to do.
    """
    with translated(), warehouse.connect(autocommit=True, application_name="sluice-recovery") as connection:
        rows = connection.execute(_LEFT.encode()).fetchall()
        active = [str(name) for kind, name in rows if kind == "job"]
        tables = [str(name) for kind, name in rows if kind == "table"]
        folders = _folders(stage_dir)
        if active:
            _give_grace(connection)
        dead = [job_id for job_id in active if _fail_if_dead(connection, job_id)]
        owners = {found[1] for name in tables if (found := _INCOMING.fullmatch(name))}
        for job_id in owners | folders.keys():
            mine = [name for name in tables if name.startswith(f"incoming_{job_id}_")]
            _clean(connection, job_id, mine, folders.get(job_id))
    return dead


def abandoned(warehouse: Warehouse, flow_run_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Those of the flow runs that have a job which is over or waits for another run, while nobody works on any of
    their jobs; each with such a job's id and status.
    """
    query = (
        "SELECT flow_run_id, job_id, status FROM sluice.ingestion_jobs WHERE flow_run_id = ANY(%s)"
        " AND (status = ANY(%s) OR status = 'retrying' AND stage = 'idle') ORDER BY id"
    )
    with translated(), warehouse.connect(autocommit=True, application_name="sluice-recovery") as connection:
        rows = connection.execute(query, [list(flow_run_ids), list(OVER)]).fetchall()
        found = {str(run): (str(job_id), str(status)) for run, job_id, status in rows}
        return {run: job for run, job in found.items() if _nobody_works_on(connection, run)}


def _nobody_works_on(connection: Connection, run: str) -> bool:
    query = (
        "SELECT job_id FROM sluice.ingestion_jobs WHERE flow_run_id = %(run)s"
        " UNION SELECT job_id FROM sluice.outbox WHERE flow_run_id = %(run)s"
    )
    for (job_id,) in connection.execute(query, {"run": run}).fetchall():
        with _lock_of(connection, job_id) as free:
            if not free:
                return False
    return True


def _give_grace(connection: Connection) -> None:
    row = connection.execute(_UPTIME).fetchone()
    uptime = float(row[0]) if row else 0.0
    if uptime < GRACE_SECONDS:
        time.sleep(GRACE_SECONDS - uptime)


@contextmanager
def _lock_of(connection: Connection, job_id: str) -> Iterator[bool]:
    """The job's lock for the block; yields whether it was free."""
    got = try_lock(connection, job_id)
    try:
        yield got
    finally:
        if got:
            unlock(connection, job_id)


def _fail_if_dead(connection: Connection, job_id: str) -> bool:
    with _lock_of(connection, job_id) as free:
        # Looked up again under the lock: it may have finished since.
        if not free or ledger.get(connection, job_id)["status"] in OVER:
            return False
        reason = RetryError("The process that ran it died.", hint=f"Run it again: `sluice replay {job_id}`.")
        return ledger.fail(connection, job_id, reason, crashed=True)


def _clean(connection: Connection, job_id: str, tables: list[str], folder: Path | None) -> None:
    """Remove the traces of a job that is over, or that nobody knows, and that nobody works on."""
    with _lock_of(connection, job_id) as free:
        if not free:
            return
        query = "SELECT status FROM sluice.ingestion_jobs WHERE job_id = %s"
        row = connection.execute(query, [job_id]).fetchone()
        if row is not None and row[0] not in OVER:
            return
        for name in tables:
            _drop(connection, name)
        if folder is not None and (row is not None or _old(folder)):
            shutil.rmtree(folder, ignore_errors=True)


def _drop(connection: Connection, name: str) -> None:
    try:
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '2s'")
            connection.execute(sql.SQL("DROP TABLE IF EXISTS sluice.{}").format(sql.Identifier(name)))
    except psycopg.errors.LockNotAvailable:
        # Somebody reads it; the next recovery drops it.
        return


def _folders(stage_dir: Path) -> dict[str, Path]:
    if not stage_dir.is_dir():
        return {}
    return {path.name: path for path in stage_dir.iterdir() if _JOB_ID.fullmatch(path.name)}


def _old(folder: Path) -> bool:
    return time.time() - folder.stat().st_mtime > FOREIGN_STAGE_SECONDS
