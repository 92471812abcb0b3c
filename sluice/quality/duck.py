"""The DuckDB that an audit runs in, and the one for a query on what it leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from sluice import deadline
from sluice.settings import settings


@contextmanager
def scratch(directory: Path, memory_limit_mb: int, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB that spills into ``directory``; ``threads`` 0 means one per core, at most 4.

    Its query is interrupted at the step's deadline.
    """
    config: dict[str, Any] = {
        "memory_limit": f"{memory_limit_mb}MB",
        "temp_directory": str(directory / "spill"),
    }
    if threads:
        config["threads"] = threads
    with duckdb.connect(":memory:", config=config) as connection:
        deadline.at_end(connection.interrupt)
        yield connection


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
        return self._last
