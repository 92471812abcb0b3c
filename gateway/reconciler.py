"""The reconciler: compares jobs that were handed over with Prefect's runs, and mends whichever is wrong.

A run may end without a word to its job: killed, cancelled in the UI before it began, or deleted. It may also seem to
go on for ever, because its process, its worker or Prefect died at the wrong moment. And a job may be cancelled here
while its run goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from gateway.prefect import Prefect, State
from sluice.errors import RetryError
from sluice.jobs import ledger
from sluice.jobs.lease import try_lock, unlock
from sluice.warehouse.connection import Connection

AT_ONCE = 100
OVER = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED", "GONE")
STARTED = ("PENDING", "RUNNING")
STUBBORN = timedelta(seconds=10)  # a run that is to be cancelled whose process has ended by then is

# What was handed over a moment ago may not be seen in a listing yet.
_OPEN = """
SELECT o.id, o.job_id, o.flow_run_id, false, j.status = 'processing' OR j.status = 'retrying' AND j.stage <> 'idle'
  FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE o.dispatched_at < clock_timestamp() - interval '2 seconds' AND o.flow_run_id IS NOT NULL
   AND j.status IN ('pending', 'processing', 'retrying') AND o.id > %s ORDER BY o.id LIMIT %s
"""
# A run that has other jobs goes on with those.
_CALLED_OFF = """
SELECT o.id, o.job_id, o.flow_run_id, NOT EXISTS (
       SELECT FROM sluice.outbox o2 JOIN sluice.ingestion_jobs j2 USING (job_id)
        WHERE o2.flow_run_id = o.flow_run_id AND j2.status <> 'cancelled'), false
  FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE o.flow_run_id IS NOT NULL AND j.status = 'cancelled' AND o.id > %s
   AND NOT EXISTS (SELECT FROM sluice.outbox o2 JOIN sluice.ingestion_jobs j2 USING (job_id)
        WHERE o2.flow_run_id = o.flow_run_id AND j2.status IN ('pending', 'processing', 'retrying'))
 ORDER BY o.id LIMIT %s
"""

# Under the job's lock: it may have come to its end, or been handed over again, since.
_STILL = """
SELECT FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE job_id = %s AND o.flow_run_id = %s AND j.status IN ('pending', 'processing', 'retrying')
"""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A job and its run. ``called_off``: all jobs of the run were cancelled; ``begun``: a process should be working on
    the job.
    """

    job_id: str
    run: str
    called_off: bool
    begun: bool


def reconcile(
    connection: Connection, prefect: Prefect, patience: timedelta = timedelta(minutes=5)
) -> list[str]:
    """End or requeue each job whose run is over, gone, or held by nobody. Returns their job ids. Raises RetryError.

    ``patience``: how long a run may take from its worker to the job's first step.
    """
    mended: list[str] = []
    for pair, state in _compared(connection, prefect, _OPEN):
        if state.kind in OVER:
            mended += [pair.job_id] if _end(connection, pair, state.kind) else []
            continue
        late = state.kind in STARTED and state.age > patience
        if (pair.begun or late) and _end(connection, pair, "CRASHED"):
            prefect.end(pair.run, "CRASHED", "Its process died without a word.")
            mended.append(pair.job_id)
    return mended


def call_off(connection: Connection, prefect: Prefect) -> None:
    """End the runs of jobs that were cancelled. Raises RetryError."""
    for pair, state in _compared(connection, prefect, _CALLED_OFF):
        if state.kind == "CRASHED" and pair.called_off:  # as a process that is killed may say for itself
            prefect.end(pair.run, "CANCELLED", "Its job was cancelled.", force=True)
        elif state.kind in OVER:
            query = "UPDATE sluice.outbox SET flow_run_id = NULL WHERE job_id = %s AND flow_run_id = %s"
            connection.execute(query, [pair.job_id, pair.run])
        elif state.kind != "CANCELLING":
            prefect.end(pair.run, "CANCELLING", "Its job was cancelled.")
        elif state.age > STUBBORN and try_lock(connection, pair.job_id):
            unlock(connection, pair.job_id)
            prefect.end(pair.run, "CANCELLED", "Its job was cancelled, and its process is gone.", force=True)


def _compared(connection: Connection, prefect: Prefect, query: str) -> Iterator[tuple[_Pair, State]]:
    last = 0
    while rows := connection.execute(query.encode(), [last, AT_ONCE]).fetchall():
        last = int(rows[-1][0])
        states = prefect.states([str(run) for _, _, run, *_ in rows])
        for _, job_id, run, called_off, begun in rows:
            yield _Pair(str(job_id), str(run), called_off, bool(begun)), states.get(str(run), State("GONE"))


def _end(connection: Connection, pair: _Pair, kind: str) -> bool:
    """End the job for which its run did nothing more, if indeed nobody works on it. Returns whether that was so."""
    if not try_lock(connection, pair.job_id):
        return False
    try:
        if connection.execute(_STILL, [pair.job_id, pair.run]).fetchone() is None:
            return False
        if kind == "CANCELLED":
            ledger.cancel(connection, pair.job_id, "cancelled in Prefect")
        elif kind == "GONE":
            ledger.cancel(connection, pair.job_id, "its flow run was deleted")
        else:
            error = RetryError(f"Its flow run ended as {kind.lower()}.")
            ledger.fail(connection, pair.job_id, error, crashed=kind == "CRASHED")
    finally:
        unlock(connection, pair.job_id)
    return True
