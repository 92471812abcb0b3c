"""DuckDB for small files: one that others had before."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from sluice import deadline
from sluice.instances import instances
from sluice.readers.duck import set_up


@contextmanager
def lent(directory: Path, memory_limit_mb: int, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """As ``duck.connect``, of an instance that others will have afterwards, unless the block raises or it has spilled.

    What is set for all its connections stays, so don't.
    """
    with instances().lent() as instance, closing(instance.cursor()) as connection:
        deadline.at_end(connection.interrupt)
        # It would hold what was read of files that are gone by the next load.
        connection.execute("SET enable_external_file_cache = false")
        if not threads:
            connection.execute("RESET threads")  # of which ``set_up`` takes at most 4
        set_up(connection, directory, memory_limit_mb, threads)
        yield connection
