"""The reconciler: compares jobs that were handed over with Prefect's runs, and mends ours.

A run may end without a word to its job: killed, cancelled in the UI before it began, or deleted.
"""

from collections.abc import Iterator

from gateway.prefect import Prefect
from sluice.errors import RetryError
from sluice.jobs import ledger
from sluice.jobs.lease import try_lock, unlock
from sluice.warehouse.connection import Connection

AT_ONCE = 100
_OVER = {"COMPLETED", "FAILED", "CRASHED"}

# What was handed over a moment ago may not be seen in a listing yet.
_OPEN = """
SELECT o.job_id, o.flow_run_id FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE o.dispatched_at < clock_timestamp() - interval '2 seconds' AND o.flow_run_id IS NOT NULL
   AND j.status IN ('pending', 'processing', 'retrying') AND o.id > %s ORDER BY o.id LIMIT %s
"""

# Under the job's lock: it may have come to its end, or been handed over again, since.
_STILL = """
SELECT FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE job_id = %s AND o.flow_run_id = %s AND j.status IN ('pending', 'processing', 'retrying')
"""


def reconcile(connection: Connection, prefect: Prefect) -> list[str]:
    """End or requeue each job whose run is over or gone. Returns their job ids. Raises RetryError."""
    mended: list[str] = []
    for portion in _portions(connection):
        states = prefect.states([run for _, run in portion])
        for job_id, run in portion:
            state = states.get(run, "GONE")
            if state in _OVER or state in ("CANCELLED", "GONE"):
                mended += [job_id] if _end(connection, job_id, run, state) else []
    return mended


def _portions(connection: Connection) -> Iterator[list[tuple[str, str]]]:
    query = _OPEN.replace("SELECT ", "SELECT o.id, ", 1)
    last = 0
    while rows := connection.execute(query.encode(), [last, AT_ONCE]).fetchall():
        last = int(rows[-1][0])
        yield [(str(job_id), str(run)) for _, job_id, run in rows]


def _end(connection: Connection, job_id: str, run: str, state: str) -> bool:
    """End the job for which its run did nothing more, if indeed nobody works on it. Returns whether that was so."""
    if not try_lock(connection, job_id):
        return False
    try:
        if connection.execute(_STILL, [job_id, run]).fetchone() is None:
            return False
        if state == "CANCELLED":
            ledger.cancel(connection, job_id, "cancelled in Prefect")
        elif state == "GONE":
            ledger.cancel(connection, job_id, "its flow run was deleted")
        else:
            ledger.fail(connection, job_id, RetryError(f"Its flow run ended as {state.lower()}."))
    finally:
        unlock(connection, job_id)
    return True
