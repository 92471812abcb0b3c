"""The DuckDB that reads files."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from sluice import deadline


def connect(directory: Path, memory_limit_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """In memory, spilling into ``directory``; ``threads`` 0 means one per core, at most 4.

    Its query is interrupted at the step's deadline.
    """
    connection = duckdb.connect()
    deadline.at_end(connection.interrupt)
    connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    connection.execute(f"SET memory_limit = '{int(memory_limit_mb)}MB'")
    connection.execute("SET temp_directory = ?", [str(directory / "spill")])
    if threads:
        connection.execute(f"SET threads = {int(threads)}")
    else:
        connection.execute("SET threads = least(4, current_setting('threads')::INTEGER)")
    return connection


def batches(connection: duckdb.DuckDBPyConnection, query: str, rows: int) -> Iterator[pa.RecordBatch]:
    """The query's result as it comes. Raises duckdb.Error for what Arrow tells as its own error or an OSError."""
    try:
        yield from connection.sql(query).to_arrow_reader(rows)
    except (pa.ArrowException, OSError) as error:
        raise duckdb.Error(str(error)) from error
