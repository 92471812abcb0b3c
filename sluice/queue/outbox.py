"""The outbox: jobs that wait for a flow run. A job and its place here are committed together, so none is forgotten.

A dispatcher hands them over, the most urgent first and the oldest first of those. Where many wait, small ones share a
flow run, which does one after another. Each function works in the caller's transaction.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from sluice.settings import settings
from sluice.warehouse.connection import Connection
from sluice.warehouse.tables import PRIORITIES

CHANNEL = "sluice_outbox"
CALLED_OFF = "cancelled"  # the payload where a job was cancelled: its run is to end
TRIES = 3  # after the first; they wait for 2, 4 and 8 seconds
SMALL = 1_000_000  # bytes of a file that may share a flow run

_CLAIM = """
SELECT o.id, o.job_id, o.organization_id, o.round, o.tries, o.crashes, j.priority, j.file_size,
       j.details -> 'request' AS request
  FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE o.dispatched_at IS NULL AND o.due_at <= clock_timestamp() AND j.status IN ('pending', 'retrying')
   AND NOT EXISTS (SELECT FROM sluice.pauses p WHERE p.organization_id = o.organization_id)
 ORDER BY o.urgency, o.id LIMIT %s FOR UPDATE OF o SKIP LOCKED
"""
# The job with the lowest number stands for its run: it is the first that the run does.
_UNSTARTED = """
SELECT count(*) FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE o.dispatched_at IS NOT NULL AND (j.status = 'pending' OR j.status = 'retrying' AND j.stage = 'idle')
   AND NOT EXISTS (SELECT FROM sluice.outbox first WHERE first.flow_run_id = o.flow_run_id AND first.id < o.id)
"""
_WAITS = """
SELECT FROM sluice.outbox WHERE dispatched_at IS NULL AND due_at <= clock_timestamp() LIMIT 1
"""
_MINE = """
SELECT FROM sluice.outbox o JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE o.job_id = %s AND o.flow_run_id = %s AND (j.status = 'pending' OR j.status = 'retrying' AND j.stage = 'idle')
   FOR UPDATE OF o
"""
_GIVE_BACK = """
UPDATE sluice.outbox SET round = round + 1, dispatched_at = NULL, flow_run_id = NULL WHERE job_id = %s
   AND EXISTS (SELECT FROM sluice.pauses p WHERE p.organization_id = outbox.organization_id)
"""
_AGAIN = """
UPDATE sluice.outbox SET tries = tries + 1, due_at = clock_timestamp() + interval '1 second' * 2 ^ (tries + 1),
       dispatched_at = NULL, flow_run_id = NULL
 WHERE job_id = %s AND tries < %s AND EXISTS (SELECT FROM sluice.ingestion_jobs j
     WHERE j.job_id = outbox.job_id AND status NOT IN ('completed', 'failed', 'cancelled'))
"""
_AFTER_A_CRASH = """
UPDATE sluice.outbox SET crashes = crashes + 1, round = round + 1, dispatched_at = NULL, flow_run_id = NULL,
       due_at = clock_timestamp() + interval '1 second' * least(2 ^ (crashes + 1), 60)
 WHERE job_id = %s AND crashes < %s AND EXISTS (SELECT FROM sluice.ingestion_jobs j
     WHERE j.job_id = outbox.job_id AND status NOT IN ('completed', 'failed', 'cancelled'))
"""
_NEXT = """
SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 FROM sluice.outbox
 WHERE dispatched_at IS NULL AND due_at > clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job to hand over. ``request``: the values of its flow's request."""

    id: int
    job_id: str
    organization_id: int
    round: int
    tries: int
    crashes: int
    priority: str
    file_size: int | None
    request: dict[str, object]

    @property
    def key(self) -> str:
        """The same for each attempt to hand over this try of the job."""
        return f"{self.job_id}:{self.round}:{self.tries}"

    @property
    def shares(self) -> tuple[int, str] | None:
        """Jobs with the same value may share a flow run; None: it needs one of its own.

        One that was tried before may be what killed its run, and shall not take others along.
        """
        small = self.file_size is not None and self.file_size <= SMALL
        return (self.organization_id, self.priority) if small and not (self.tries or self.crashes) else None


def idempotency_key(together: Sequence[Waiting]) -> str:
    """The same for each attempt to hand over these, so that one flow run comes of it."""
    if len(together) == 1:
        return together[0].key
    return hashlib.sha256(" ".join(one.key for one in together).encode()).hexdigest()


def together(due: Sequence[Waiting], runs: int, most: int) -> list[Waiting]:
    """Those of ``due`` (not empty) that the next flow run does: the first, and others like it.

    As many as each of ``runs`` runs at once would do, but at most ``most``: few jobs get a run each, so none waits for
    another, and none behind another while a less urgent one begins.
    """
    first = due[0]
    alike = [one for one in due if one.shares == first.shares] if first.shares else [first]
    return alike[: max(1, min(most, len(alike) // runs))]


def put(connection: Connection, job_id: str, organization_id: int, priority: str) -> None:
    """Let the job wait for a flow run, from the caller's commit on."""
    connection.execute(
        "INSERT INTO sluice.outbox (job_id, organization_id, urgency) VALUES (%s, %s, %s)",
        [job_id, organization_id, PRIORITIES.index(priority)],
    )


def claim(connection: Connection, limit: int) -> list[Waiting]:
    """At most ``limit`` jobs that are due; they are locked until the transaction ends, and no other claim gets them."""
    with connection.cursor(row_factory=class_row(Waiting)) as cursor:
        return cursor.execute(_CLAIM, [limit]).fetchall()


def waits(connection: Connection) -> bool:
    """Whether any job is due; much cheaper than ``claim`` and ``unstarted`` where none is."""
    return connection.execute(_WAITS).fetchone() is not None


def unstarted(connection: Connection) -> int:
    """How many flow runs were made that have not begun."""
    row = connection.execute(_UNSTARTED).fetchone()
    return int(row[0]) if row else 0


def handed_over(connection: Connection, waiting: Waiting, flow_run_id: str) -> None:
    """Note the flow run that will do the job."""
    connection.execute(
        "UPDATE sluice.outbox SET dispatched_at = clock_timestamp(), flow_run_id = %s, trouble = NULL WHERE id = %s",
        [flow_run_id, waiting.id],
    )


def mine(connection: Connection, job_id: str, flow_run_id: str) -> bool:
    """Whether the job waits for this flow run to begin it.

    Where its dispatcher died before its commit, it was handed over once more, to another. A job of an organization
    that pauses now goes back, without a try of its own lost.
    """
    if connection.execute(_MINE, [job_id, flow_run_id]).fetchone() is None:
        return False
    return not connection.execute(_GIVE_BACK, [job_id]).rowcount


def handed_on(connection: Connection, job_id: str) -> bool:
    """Whether a flow run has the job."""
    query = "SELECT FROM sluice.outbox WHERE job_id = %s AND dispatched_at IS NOT NULL"
    return connection.execute(query, [job_id]).fetchone() is not None


def put_off(connection: Connection, waiting: Waiting, seconds: float, trouble: str) -> None:
    """Let the job wait longer, because it could not be handed over; that is no try of its own."""
    connection.execute(
        "UPDATE sluice.outbox SET due_at = clock_timestamp() + interval '1 second' * %s, trouble = %s WHERE id = %s",
        [seconds, trouble, waiting.id],
    )


def called_off(connection: Connection) -> None:
    """Tell the dispatcher that a job was cancelled, from the caller's commit on."""
    connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, CALLED_OFF])


def again(connection: Connection, job_id: str) -> bool:
    """After a failed try: let the job wait for its next one. False if it has had its last, or never waited here."""
    return connection.execute(_AGAIN, [job_id, TRIES]).rowcount > 0


def after_a_crash(connection: Connection, job_id: str) -> bool:
    """After its process died: as ``again``, but no try is lost, and the pauses grow to a minute.

    False for a job that has lost all that it may lose, since it may be what kills them.

    What kills processes most often is trouble of the whole machine, which may take minutes.
    """
    return connection.execute(_AFTER_A_CRASH, [job_id, settings().crashes]).rowcount > 0


def afresh(connection: Connection, job_id: str) -> None:
    """Let the job wait as if it had never been tried, for flow runs of its own."""
    connection.execute(
        "UPDATE sluice.outbox SET round = round + 1, tries = 0, crashes = 0, due_at = clock_timestamp(),"
        " dispatched_at = NULL, flow_run_id = NULL WHERE job_id = %s",
        [job_id],
    )


def seconds_to_next(connection: Connection) -> float | None:
    """Seconds until a job that waits for its time is due; None if there is none."""
    row = connection.execute(_NEXT).fetchone()
    return max(float(row[0]), 0.0) if row and row[0] is not None else None
