"""The DuckDB that an audit runs in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from sluice import deadline


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
