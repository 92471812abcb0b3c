"""The lease: proof that a living process works on a job, or will soon.

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
def lease(warehouse: Warehouse, *job_ids: str) -> Iterator["Lease"]:
    """Hold the leases of the jobs in the block. Raises RetryError if another process has one of them."""
    held = Lease(warehouse, *job_ids)
    try:
        yield held.take()
    finally:
        held.release()


class Lease:
    """The locks of one job or several on an own connection; a thread takes them again when the server was restarted."""

    def __init__(self, warehouse: Warehouse, *job_ids: str) -> None:
        self._warehouse = warehouse
        self._job_ids = job_ids
        self._connection: Connection | None = None
        self._over = threading.Event()
        self._bell, self._ear = socket.socketpair()
        self._thread = threading.Thread(target=self._watch, name="lease", daemon=True)

    @property
    def held(self) -> bool:
        """Whether the locks are ours as far as we know."""
        return self._connection is not None and not self._connection.closed

    def take(self) -> Self:
        """Take the locks and begin to watch over them. Raises RetryError if another process has one."""
        if taken := self._acquire():
            raise RetryError(
                f"Another process works on {taken}.", hint="Wait until it is done.", job_id=taken
            )
        self._thread.start()
        return self

    def let_go(self, job_id: str) -> None:
        """Give one of the locks back before the others, so that another process may take up its job. Never raises."""
        self._job_ids = tuple(one for one in self._job_ids if one != job_id)
        with suppress(psycopg.Error):
            if (connection := self._connection) is not None:
                unlock(connection, job_id)

    def release(self) -> None:
        """Give the locks back. Never raises."""
        self._over.set()
        self._bell.close()
        if self._thread.ident is not None:
            self._thread.join(timeout=2)
        if not self._thread.is_alive():
            self._ear.close()
        self._drop()

    def _acquire(self) -> str:
        """Take all locks, or none; returns the first job that another process works on."""
        with translated():
            connection = self._warehouse.connect(autocommit=True, application_name="sluice-lease")
            try:
                taken = next((one for one in self._job_ids if not try_lock(connection, one)), "")
            except psycopg.Error:
                connection.close()
                raise
        if taken:
            connection.close()
        else:
            self._connection = connection
        return taken

    def _watch(self) -> None:
        """Sleep until the server hangs up or the lease is over; on the first, take the locks again."""
        pause = FIRST_PAUSE
        while not self._over.is_set():
            if self._alive():
                pause = FIRST_PAUSE
                continue
            self._drop()
            with suppress(SluiceError):
                if not self._acquire():
                    _log.info("The lease of %s was taken again.", ", ".join(self._job_ids))
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
