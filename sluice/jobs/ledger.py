"""The ledger of jobs: every change of a job's state, and what became of its records.

Each function takes a ``Warehouse`` or an autocommit connection, and then commits, unless the caller has a
transaction open; or a connection without autocommit, and then it is the caller who commits.
The database refuses illegal moves and writes the audit log of moves itself (see the first migration).
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from sluice.audit import log
from sluice.errors import InputError, RetryError, SluiceError
from sluice.jobs import creation
from sluice.queue import dead_letters, outbox
from sluice.settings import settings
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

Where = Warehouse | Connection
_log = logging.getLogger(__name__)

_CREATE = creation.making()
_CANCELLED = "status = 'cancelled'"
_FAILED = "status = 'failed', stage = 'error'"
_STOPPED = "stage = stage"
# One that never began stays pending.
_AGAIN = "status = CASE status WHEN 'pending' THEN status ELSE 'retrying' END, stage = 'idle'"
_NOTED = (
    ", message = %(text)s, error_message = %(text)s,"
    " details = details || jsonb_build_object('error', %(details)s::jsonb)"
)


def create(
    where: Where,
    *,
    dataset: str,
    filename: str,
    file_type: str,
    file_size: int | None = None,
    organization_id: int = 1,
    user_id: int = 1,
    priority: str = "normal",
    idempotency_key: str | None = None,
    flow_run_id: str | None = None,
    details: dict[str, Any] | None = None,
    job_id: str = "",
) -> str:
    """A new pending job, or the one that bears the idempotency key already. Returns its job id."""
    new = creation.row(
        job_id=job_id or creation.new_job_id(),
        dataset=dataset,
        filename=filename,
        file_type=file_type,
        file_size=file_size,
        organization_id=organization_id,
        user_id=user_id,
        priority=priority,
        idempotency_key=idempotency_key,
        flow_run_id=flow_run_id,
        details=details or {},
    )
    with _on(where) as connection:
        row = connection.execute(_CREATE, creation.values([new])).fetchone()
        if row is None:
            row = connection.execute(
                "SELECT job_id FROM sluice.ingestion_jobs"
                " WHERE organization_id = %s AND idempotency_key = %s",
                [organization_id, idempotency_key],
            ).fetchone()
    assert row is not None
    return str(row[0])


def start(where: Where, job_id: str, *, flow_run_id: str | None = None) -> int:
    """Begin the next attempt: status processing, progress 0. Returns the attempt's number, from 1.

    Take the lease first, or recovery may think that nobody works on the job.
    """
    row = _change(
        where,
        job_id,
        "status = 'processing', stage = 'validating', progress = 0, attempt = attempt + 1, message = NULL,"
        " error_message = NULL, details = details - 'errors', flow_run_id = coalesce(%(flow_run_id)s, flow_run_id)",
        flow_run_id=flow_run_id,
    )
    return int(row["attempt"])


def move(
    where: Where,
    job_id: str,
    *,
    stage: str,
    progress: int,
    message: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Report a stage and its progress (0-100). ``details`` are merged into those that stand.

    Raises InputError if the job has finished, or progress would fall within the attempt.
    """
    _change(
        where,
        job_id,
        "stage = %(stage)s, progress = %(progress)s, message = %(message)s, details = details || %(details)s",
        stage=stage,
        progress=progress,
        message=message,
        details=Jsonb(details or {}),
    )


def note(where: Where, job_id: str, name: str, facts: dict[str, Any]) -> None:
    """Add ``facts`` to those that stand under ``name`` in the job's details."""
    _change(
        where,
        job_id,
        "details = details || jsonb_build_object(%(name)s::text, coalesce(details->%(name)s::text, '{}') || %(facts)s)",
        name=name,
        facts=Jsonb(facts),
    )


def describe(where: Where, job_id: str, *, file_size: int | None = None, content_sha256: str | None) -> None:
    """Note what was acquired: its size in bytes and its hash, None for several inputs."""
    _change(
        where,
        job_id,
        "file_size = coalesce(%(file_size)s, file_size), content_sha256 = %(content_sha256)s",
        file_size=file_size,
        content_sha256=content_sha256,
    )


def retrying(where: Where, job_id: str, message: str) -> None:
    """Between two tries of one running process."""
    _change(where, job_id, "status = 'retrying', message = %(message)s", message=message)


def requeue(where: Where, job_id: str) -> None:
    """A dead letter goes back to the queue: it waits for a process, which recovery then leaves alone."""
    _change(
        where,
        job_id,
        "status = 'retrying', stage = 'idle', progress = 0, message = 'queued again', error_message = NULL",
    )


def cancel(where: Where, job_id: str, message: str = "cancelled") -> None:
    """Stop for good, and the job's run soon after. Raises InputError if the job has completed or failed."""
    with _on(where) as connection:
        _change(connection, job_id, "status = 'cancelled', message = %(message)s", message=message)
        outbox.called_off(connection)


def complete(connection: Connection, job_id: str, result: dict[str, Any]) -> None:
    """The job is done. Runs inside the publish transaction; raises InputError if it was ended meanwhile."""
    _change(
        connection,
        job_id,
        "status = 'completed', stage = 'complete', progress = 100, message = 'completed',"
        " error_message = NULL, result_data = %(result)s",
        result=Jsonb(result),
    )


def fail(where: Where, job_id: str, error: BaseException, *, crashed: bool = False) -> bool:
    """End the job that ``error`` stopped: as failed, or as cancelled where the user pressed Ctrl-C.

    A job of the outbox waits for its next try instead, if the error is worth one and it has one left; else it is a
    dead letter. ``crashed``: its process died without a word, which costs no try. If its process was told to end, it
    stays as it is: the end of its flow run will tell why.
    Returns whether it was noted; never raises, so it never hides ``error``. A job that has finished stays as it is.
    """
    cancelled, told = isinstance(error, KeyboardInterrupt), not isinstance(error, Exception)
    error = error if isinstance(error, Exception) else _interruption(job_id, by_user=cancelled)
    facts = error.as_dict() if isinstance(error, SluiceError) else {"error": type(error).__name__}
    details = {name: _storable(value) if isinstance(value, str) else value for name, value in facts.items()}
    text = _storable(str(error) or type(error).__name__)
    try:
        with _on(where) as connection:
            changes = _CANCELLED if cancelled else _FAILED
            if told and not cancelled and outbox.handed_on(connection, job_id):
                changes = _STOPPED
            elif (
                not cancelled
                and facts.get("retryable", _of_the_line(error))
                and (outbox.after_a_crash if crashed else outbox.again)(connection, job_id)
            ):
                changes = _AGAIN
            noted = _change(
                connection, job_id, changes + _NOTED, unless_over=True, text=text, details=Jsonb(details)
            )
            if noted and changes is _FAILED:
                dead_letters.add(connection, job_id, str(details["error"]), text)
    except Exception as trouble:
        _log.warning("The failure of %s could not be noted: %s", job_id, trouble)
        return False
    return True


def _of_the_line(error: Exception) -> bool:
    """Whether a library that speaks to a server says so; Prefect's may be away for a moment."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in ("httpx", "prefect")


def _interruption(job_id: str, *, by_user: bool) -> SluiceError:
    """What an exception that only says "stop" means for the job."""
    who = "the user (Ctrl-C)" if by_user else "a request to end its process"
    hint = f"Nothing was published. Run it again: `sluice replay {job_id}`."
    return RetryError(f"Interrupted by {who}.", hint=hint)


def get(where: Where, job_id: str) -> DictRow:
    """The job's row. Raises InputError if there is none."""
    with _on(where) as connection, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("SELECT * FROM sluice.ingestion_jobs WHERE job_id = %s", [job_id]).fetchone()
    if row is None:
        raise _unknown(job_id)
    return row


def beginning_with(where: Where, text: str, *, organization_id: int) -> list[str]:
    """At most two ids of the organization's jobs that begin with ``text``."""
    query = (
        "SELECT job_id FROM sluice.ingestion_jobs WHERE organization_id = %s AND starts_with(job_id, %s)"
        " ORDER BY job_id = %s DESC LIMIT 2"
    )
    with _on(where) as connection:
        found = [str(job_id) for (job_id,) in connection.execute(query, [organization_id, text, text])]
    return found[:1] if found[:1] == [text] else found


def listing(
    where: Where, *, organization_id: int, limit: int = 20, status: str | None = None
) -> list[DictRow]:
    """The organization's jobs, newest first."""
    query = (
        "SELECT * FROM sluice.ingestion_jobs WHERE organization_id = %(organization_id)s"
        " AND (%(status)s::text IS NULL OR status = %(status)s)"
        " ORDER BY created_at DESC, id DESC LIMIT %(limit)s"
    )
    with _on(where) as connection, connection.cursor(row_factory=dict_row) as cursor:
        values = {"organization_id": organization_id, "status": status, "limit": limit}
        return cursor.execute(query, values).fetchall()


def rejects(where: Where, job_id: str) -> Iterator[DictRow]:
    """The job's rejected rows by load and record, fetched in portions."""
    query = "SELECT * FROM sluice.rejected_rows WHERE job_id = %s ORDER BY load_id, record_no, ordinal"
    with (
        _on(where) as connection,
        connection.cursor("sluice_rejects", row_factory=dict_row) as cursor,
    ):
        cursor.itersize = 5000
        cursor.execute(query, [job_id])
        yield from cursor


def next_load_id(where: Where) -> int:
    """A load's number, reserved before the load is written."""
    with _on(where) as connection:
        row = connection.execute("SELECT nextval(pg_get_serial_sequence('sluice.loads', 'id'))").fetchone()
    assert row is not None
    return int(row[0])


def audit(where: Where, event: str, *, organization_id: int, **more: Any) -> None:
    """Write one entry of the audit log; ``more``: see ``log.writing``."""
    with _on(where) as connection:
        log.write(connection, event, organization_id=organization_id, **more)


def _change(
    where: Where, job_id: str, changes: str, *, unless_over: bool = False, **values: Any
) -> dict[str, Any]:
    """Update the job; ``changes`` is SQL from this module only. Raises InputError if there is no such job."""
    query = f"UPDATE sluice.ingestion_jobs SET {changes} WHERE job_id = %(job_id)s"  # noqa: S608
    if unless_over:
        query += " AND status NOT IN ('completed', 'failed', 'cancelled')"
    with _on(where) as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(f"{query} RETURNING attempt".encode(), {"job_id": job_id, **values})
        row = cursor.fetchone()
    if row is None and not unless_over:
        raise _unknown(job_id)
    return row or {}


def _storable(text: str) -> str:
    """PostgreSQL keeps every character but the zero byte; whoever sent a file need not know where it is kept."""
    given = settings()
    place = given.landing if "://" in given.landing else str(given.landing_dir)
    return re.sub(re.escape(place.rstrip("/")) + r"/up_\w+/", "", text.replace("\0", ""))


@contextmanager
def _on(where: Where) -> Iterator[Connection]:
    """A connection in a transaction: the caller's own, or one that is committed at the end."""
    with translated():
        if isinstance(where, Warehouse):
            with where.connect() as connection:
                yield connection
        elif where.autocommit:
            with where.transaction():
                yield where
        else:
            yield where


def _unknown(job_id: str) -> InputError:
    return InputError(f"There is no job {job_id}.", hint="`sluice jobs` lists them.", job_id=job_id)
