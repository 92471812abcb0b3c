"""The DuckDB that reads files."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from sluice import deadline
from sluice.errors import ReadError, SetupError
from sluice.readers.base import Table
from sluice.security import lake

_MOST_COLUMNS = 12_000  # DuckDB takes about 100 KB for each, whatever its limit
WIDE = 500
_MOST_MORE = 800  # MB
_KB_A_COLUMN = 200  # six vectors of 2,048 texts: those of the parser, the projections and the result


def connect(directory: Path, memory_limit_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """In memory, spilling into ``directory``; ``threads`` 0 means one per core, at most 4.

    Its query is interrupted at the step's deadline.
    """
    connection = duckdb.connect()
    deadline.at_end(connection.interrupt)
    set_up(connection, directory, memory_limit_mb, threads)
    return connection


def set_up(
    connection: duckdb.DuckDBPyConnection, directory: Path, memory_limit_mb: int, threads: int
) -> None:
    """Set what ``connect`` says."""
    connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    connection.execute(f"SET memory_limit = '{int(memory_limit_mb)}MB'")
    lake.spill_sealed(connection, directory)
    connection.execute("SET temp_directory = ?", [str(directory / "spill")])
    if threads:
        connection.execute(f"SET threads = {int(threads)}")
    else:
        connection.execute("SET threads = least(4, current_setting('threads')::INTEGER)")


def connect_for(
    table: Table, directory: Path, memory_limit_mb: int, threads: int
) -> duckdb.DuckDBPyConnection:
    """``connect`` with what the table's width needs: beyond 500 columns one thread, and a limit that grows with them,
    by 800 MB at most.

    Raises ReadError for a table of more than 12,000 columns.
    """
    columns = len(table.header)
    check_width(table.path, columns)
    return connect(directory, _limit_for(columns, memory_limit_mb), 1 if columns > WIDE else threads)


def _limit_for(columns: int, memory_limit_mb: int) -> int:
    more = min(columns * _KB_A_COLUMN // 1000, _MOST_MORE) if columns > WIDE else 0
    return memory_limit_mb + more


def check_width(path: Path, columns: int) -> None:
    """Raise ReadError for more than 12,000 columns."""
    if columns > _MOST_COLUMNS:
        raise ReadError(
            f"{path} has {columns:,} columns, more than {_MOST_COLUMNS:,}.",
            hint="Write one record a line, with a line for each of the wide values (a long table).",
            file=path,
        )


def another_way(table: Table, error: Exception, memory_limit_mb: int) -> None:
    """After ``error`` came out of reading the relation: the table now gives another one, to be read from its start.

    Raises ReadError if there is none, SetupError if memory is too small.
    """
    if "Out of Memory" in str(error):
        columns = len(table.header)
        most = _limit_for(columns, memory_limit_mb)
        raise SetupError(
            f"{table.path}: {columns:,} columns do not fit into the {most:,} MB of memory that they may use.",
            hint="Raise SLUICE_MEMORY_LIMIT_MB.",
            file=table.path,
        ) from error
    if not table.repair(error):
        raise ReadError(
            f"{table.path}: {ReadError.of(error).message}",
            hint="The file could not be read to its end.",
            file=table.path,
            format=table.format,
        ) from error


def batches(
    connection: duckdb.DuckDBPyConnection, query: str, rows: int, *, few: bool = False
) -> Iterator[pa.RecordBatch]:
    """The query's result as it comes, behind an empty batch that tells its schema. ``few``: all of it is made first,
    which is quicker than to plan the query twice, as describing a result before it comes does.

    Raises duckdb.Error for what Arrow tells as its own error or an OSError.
    """
    try:
        if few:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE made AS {query}")
            query = "SELECT * FROM made"
        reader = connection.sql(query).to_arrow_reader(rows)
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)
        yield from reader
    except (pa.ArrowException, OSError) as error:
        raise duckdb.Error(str(error)) from error
