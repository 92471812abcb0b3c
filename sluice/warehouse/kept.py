"""Keeps the connections of a job's steps for one another: a new one costs the server a process with cold caches.

Only while a job is at work (``keeping``), only in the process that made them, and only those whose last user left in
good order. Each is one user's at a time.
"""

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

MOST = 4
LONGEST_REST = 30.0  # seconds; whether a peer has vanished shows only at the next statement


class KeptConnection(psycopg.Connection[TupleRow]):
    """A connection whose ``with`` block hands it back at its end, where it would be closed."""

    conninfo: str = ""
    # Ends the deadline's hold on it; False if the deadline has stopped something.
    let_go: Callable[[], bool] = staticmethod(lambda: True)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Commit or roll back; then keep it if all went well, else close it."""
        if exc_type is None and not self.closed:
            self.commit()
            if self.let_go() and kept().keep(self):
                return
        super().__exit__(exc_type, exc_val, exc_tb)


@dataclass(slots=True)
class Kept:
    """The connections at rest, the last used last, each with the time when it was laid by."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    process: int = field(default_factory=os.getpid)
    resting: list[tuple[float, KeptConnection]] = field(default_factory=list)

    def take(self, conninfo: str) -> KeptConnection | None:
        """One at rest that the server has not ended, or None."""
        while connection := self._pop(conninfo):
            if _stands(connection):
                return connection
            _close(connection)
        return None

    def keep(self, connection: KeptConnection) -> bool:
        """Lay it by if somebody may want it again; returns whether it was."""
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        with self.lock:
            if not self.users or self.process != os.getpid() or len(self.resting) >= MOST:
                return False
            self.resting.append((time.monotonic(), connection))
            return True

    def _pop(self, conninfo: str) -> KeptConnection | None:
        oldest = time.monotonic() - LONGEST_REST
        with self.lock:
            # In a copy of the process they are the parent's: not to be used, nor closed.
            if self.process != os.getpid():
                return None
            for number in reversed(range(len(self.resting))):
                since, connection = self.resting[number]
                if connection.conninfo == conninfo and since > oldest:
                    del self.resting[number]
                    return connection
        return None

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Keep connections in the block; at its end, unless another block is open, all are closed."""
        with self.lock:
            self.users += 1
        try:
            yield
        finally:
            with self.lock:
                self.users -= 1
                over = [] if self.users else [connection for _, connection in self.resting]
                if over:
                    self.resting = []
            for connection in over:
                _close(connection)


@cache
def kept() -> Kept:
    """Those of this process."""
    os.register_at_fork(after_in_child=_forget)
    return Kept()


def _forget() -> None:
    """In a copy of the process, begin anew, and hold on to the parent's: their end is the parent's to tell."""
    _parents().append(kept())
    kept.cache_clear()


@cache
def _parents() -> list[Kept]:
    return []


def _stands(connection: KeptConnection) -> bool:
    """Whether the server has said nothing since; what it says of itself is that it ends the session."""
    if connection.closed:
        return False
    with suppress(psycopg.Error, OSError, ValueError):
        heard, _, _ = select.select([connection.fileno()], [], [], 0)
        return not heard
    return False


def _close(connection: KeptConnection) -> None:
    with suppress(psycopg.Error):
        connection.close()
