"""The lease: proof that a living process works on a job.

It is an advisory lock of a session of its own, so the server frees it the moment the process dies, however it
dies. It needs a real session: behind a pooler that pools transactions it would prove nothing.
"""

import logging
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

import psycopg

from sluice.errors import RetryError, SluiceError
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0
_log = logging.getLogger(__name__)


def try_lock(connection: Connection, job_id: str) -> bool:
    """Take the job's lock for this session if nobody has it."""
    query = "SELECT pg_try_advisory_lock(hashtextextended('sluice:job:' || %s, 0))"
    row = connection.execute(query, [job_id]).fetchone()
    return bool(row and row[0])


def unlock(connection: Connection, job_id: str) -> None:
    """Give the job's lock back."""
    connection.execute("SELECT pg_advisory_unlock(hashtextextended('sluice:job:' || %s, 0))", [job_id])


@contextmanager
def lease(warehouse: Warehouse, job_id: str) -> Iterator["Lease"]:
    """Hold the job's lease in the block. Raises RetryError if another process has it."""
    held = Lease(warehouse, job_id)
    try:
        yield held.take()
    finally:
        held.release()


class Lease:
    """A job's lock on an own connection; a thread takes it again when the server was restarted."""

    def __init__(self, warehouse: Warehouse, job_id: str) -> None:
        self._warehouse = warehouse
        self._job_id = job_id
        self._connection: Connection | None = None
        self._over = threading.Event()
        self._bell, self._ear = socket.socketpair()
        self._thread = threading.Thread(target=self._watch, name=f"lease-{job_id}", daemon=True)

    @property
    def held(self) -> bool:
        """Whether the lock is ours as far as we know."""
        return self._connection is not None and not self._connection.closed

    def take(self) -> Self:
        """Take the lock and begin to watch over it. Raises RetryError if another process has it."""
        if not self._acquire():
            raise RetryError(
                f"Another process works on {self._job_id}.",
                hint="Wait until it is done.",
                job_id=self._job_id,
            )
        self._thread.start()
        return self

    def release(self) -> None:
        """Give the lock back. Never raises."""
        self._over.set()
        self._bell.close()
        if self._thread.ident is not None:
            self._thread.join(timeout=2)
        if not self._thread.is_alive():
            self._ear.close()
        self._drop()

    def _acquire(self) -> bool:
        with translated():
            connection = self._warehouse.connect(autocommit=True, application_name="sluice-lease")
            try:
                got = try_lock(connection, self._job_id)
            except psycopg.Error:
                connection.close()
                raise
        if got:
            self._connection = connection
        else:
            connection.close()
        return got

    def _watch(self) -> None:
        """Sleep until the server hangs up or the lease is over; on the first, take the lock again."""
        pause = FIRST_PAUSE
        while not self._over.is_set():
            if self._alive():
                pause = FIRST_PAUSE
                continue
            self._drop()
            with suppress(SluiceError):
                if self._acquire():
                    _log.info("The lease of %s was taken again.", self._job_id)
                    continue
            self._over.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        self._drop()

    def _alive(self) -> bool:
        """Wait for the server or the bell to be heard. Returns whether the session still stands."""
        connection = self._connection
        if connection is None:
            return False
        try:
            heard, _, _ = select.select([connection.fileno(), self._ear.fileno()], [], [])
            if self._ear.fileno() not in heard:
                connection.execute("SELECT 1")
        except (psycopg.Error, OSError, ValueError):
            return False
        return True

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()
