"""The DuckDB that an audit runs in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb


@contextmanager
def scratch(directory: Path, memory_limit_mb: int, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB that spills into ``directory``; ``threads`` 0 means one per core, at most 4."""
    config: dict[str, Any] = {
        "memory_limit": f"{memory_limit_mb}MB",
        "temp_directory": str(directory / "spill"),
    }
    if threads:
        config["threads"] = threads
    with duckdb.connect(":memory:", config=config) as connection:
        yield connection
