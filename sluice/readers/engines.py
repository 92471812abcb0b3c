"""DuckDB for small files: to make one takes longer than to read such a file, so it is kept for the next."""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from sluice import deadline
from sluice.readers.duck import set_up

_MOST = 2
# By process: a fork has the instances of its parent, but none of their threads.
_idle: defaultdict[int, list[duckdb.DuckDBPyConnection]] = defaultdict(list)


@contextmanager
def lent(directory: Path, memory_limit_mb: int, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """As ``duck.connect``, of an instance that others had before and will have afterwards; after an error in the block,
    or once it has spilled, nobody gets it again. What is set for all its connections stays, so don't.
    """
    idle = _idle[os.getpid()]
    try:
        instance = idle.pop()
    except IndexError:
        instance = _made()
    try:
        with closing(instance.cursor()) as connection:
            deadline.at_end(connection.interrupt)
            if not threads:
                connection.execute("RESET threads")  # of which ``set_up`` takes at most 4
            set_up(connection, directory, memory_limit_mb, threads)
            yield connection
    except BaseException:
        instance.close()
        raise
    if len(idle) < _MOST and not (directory / "spill").exists():
        idle.append(instance)
    else:
        instance.close()


def _made() -> duckdb.DuckDBPyConnection:
    instance = duckdb.connect()
    # It would hold what was read of files that are gone by the next load.
    instance.execute("SET enable_external_file_cache = false")
    return instance
