"""The DuckDB that an audit runs in, and the one for a query on what it leaves."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from sluice import deadline
from sluice.instances import instances
from sluice.security import lake
from sluice.settings import settings

DATABASE = "audit"


@contextmanager
def scratch(directory: Path, memory_limit_mb: int, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty in-memory database that spills into ``directory``; ``threads`` 0 means one per core.

    Its query is interrupted at the step's deadline.
    """
    with instances().lent() as instance, closing(instance.cursor()) as connection:
        lake.spill_sealed(connection, directory)
        connection.execute("SET temp_directory = ?", [str(directory / "spill")])
        connection.execute(f"SET memory_limit = '{int(memory_limit_mb)}MB'")
        connection.execute(f"SET threads = {int(threads)}" if threads else "RESET threads")
        connection.execute("SET enable_external_file_cache = true")
        connection.execute(f"ATTACH ':memory:' AS {DATABASE}; USE {DATABASE}")
        deadline.at_end(connection.interrupt)
        yield connection
        connection.execute(f"USE memory; DETACH {DATABASE}")


@contextmanager
def beside(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB for one query on a staged file; it spills next to it, within the settings' memory."""
    given = settings()
    # A folder of its own: two that are open at a time would give their files the same names.
    with (
        TemporaryDirectory(prefix="query-", dir=path.parent) as folder,
        scratch(Path(folder), given.memory_limit_mb, given.threads) as connection,
    ):
        yield connection


def stoppable(connection: duckdb.DuckDBPyConnection) -> Any:
    """The connection for one who only opens cursors: the last is interrupted at the deadline, none opened after it."""
    return _Cursors(connection)


class _Cursors:
    """A DuckDB cursor is a connection of its own, which its parent's ``interrupt`` does not reach."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._last = connection
        deadline.at_end(lambda: self._last.interrupt())

    def cursor(self) -> duckdb.DuckDBPyConnection:
        deadline.check()
        self._last = self._connection.cursor()
        self._last.execute(f"USE {DATABASE}")  # which a cursor does not take from its parent
        return self._last
