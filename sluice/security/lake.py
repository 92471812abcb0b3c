"""Sealed files for DuckDB and as Parquet: a file system ``sealed://``, and a writer and a reader that pick it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sluice.security import sealed

if TYPE_CHECKING:
    import duckdb

SCHEME = "sealed"


class ParquetWriter(pq.ParquetWriter):  # type: ignore[misc]
    """One whose file is sealed in a protected folder."""

    def __init__(self, path: Path, schema: pa.Schema, **options: Any) -> None:
        self._sealed = sealed.create(path) if sealed.protects(path) else None
        super().__init__(self._sealed or path, schema, **options)

    def close(self) -> None:
        """Write the end of the file."""
        super().close()
        if self._sealed:
            self._sealed.close()


@contextmanager
def parquet(path: Path, **options: Any) -> Iterator[pq.ParquetFile]:
    """A Parquet file to read, sealed or not."""
    source = sealed.opened(path)
    try:
        with pq.ParquetFile(source, **options) as file:
            yield file
    finally:
        if source is not path:
            source.close()


def location(connection: "duckdb.DuckDBPyConnection", path: Path) -> str:
    """What the connection, made ready for it, reads the file by."""
    if not sealed.is_sealed(path):
        return str(path)
    return _made_ready(connection, path)


def target(connection: "duckdb.DuckDBPyConnection", path: Path) -> str:
    """What the connection, made ready for it, writes the file by."""
    return _made_ready(connection, path) if sealed.protects(path) else str(path)


def spill_sealed(connection: "duckdb.DuckDBPyConnection", directory: Path) -> None:
    """Have what does not fit in memory encrypted where the directory is protected, with a key of DuckDB's own."""
    if sealed.protects(directory):
        # Without an extension that only its makers' server offers, DuckDB draws that key from a plain generator of
        # random numbers, and wants to be told that this will do: for a file that lives as long as a query it does.
        connection.execute("SET force_mbedtls_unsafe = 'true'; SET temp_file_encryption = true")


def _made_ready(connection: "duckdb.DuckDBPyConnection", path: Path) -> str:
    if SCHEME not in connection.list_filesystems():
        with suppress(Exception):  # another cursor of the same DuckDB was quicker
            connection.register_filesystem(_file_system()())
    return f"{SCHEME}://{path}"


@cache
def _file_system() -> Any:
    # Slow to import, and only needed here.
    import fsspec

    class Sealed(fsspec.AbstractFileSystem):  # type: ignore[misc]
        """Sealed files as DuckDB sees them."""

        protocol = SCHEME
        cachable = False

        def open(self, path: str, mode: str = "rb", **_: Any) -> Any:
            return sealed.SealedWriter(_plain(path)) if "w" in mode else sealed.SealedReader(_plain(path))

        def exists(self, path: str, **_: Any) -> bool:
            return _plain(path).exists()

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            with sealed.SealedReader(_plain(path)) as file:
                return {"name": path, "size": file.size, "type": "file"}

        def modified(self, path: str) -> datetime:
            return datetime.fromtimestamp(_plain(path).stat().st_mtime, UTC)

        def glob(self, path: str, **_: Any) -> list[str]:
            return [path]

        def rm_file(self, path: str) -> None:
            _plain(path).unlink(missing_ok=True)

        def isdir(self, path: str) -> bool:
            return _plain(path).is_dir()

    return Sealed


def _plain(path: str) -> Path:
    return Path("/" + path.removeprefix(f"{SCHEME}://").lstrip("/"))
