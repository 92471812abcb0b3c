"""Keeps one DuckDB for the next small file and the next audit: to make one takes 30 ms of CPU."""

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import duckdb

# At rest it has no threads, so that its process may fork, no files and hardly any memory.
# What is left of an input in DuckDB's cache goes with that.
_REST = (
    "SET memory_limit = '16MB'; SET temp_directory = ''; SET threads = 1; SET temp_file_encryption = false"
)


class Instances:
    """DuckDBs in memory, each lent to one user at a time; the last to come back is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def lent(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One for the block; it is thrown away if the block raises."""
        with self._lock:
            instance, self._kept = self._kept, None
        instance = instance or duckdb.connect(":memory:", config={"threads": 1, "async_threads": 0})
        try:
            yield instance
        except BaseException:
            instance.close()
            raise
        self._keep(instance)

    def _keep(self, instance: duckdb.DuckDBPyConnection) -> None:
        try:
            instance.execute(_REST)
        except duckdb.Error:  # it has spilled, which ties it to a folder, or its memory is still in use
            instance.close()
            return
        with self._lock:
            other, self._kept = self._kept, instance
        if other:
            other.close()

    def close(self) -> None:
        """Close the one that is kept."""
        with self._lock:
            instance, self._kept = self._kept, None
        if instance:
            instance.close()


@cache
def instances() -> Instances:
    """Those of this process."""
    made = Instances()
    atexit.register(made.close)
    return made
