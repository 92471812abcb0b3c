"""Parquet and Arrow files (IPC, Feather 2) as they come: each value as exact text, NULL as a missing cell."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sluice import deadline
from sluice.errors import ReadError
from sluice.readers.account import Account
from sluice.readers.base import Reject, cell
from sluice.readers.columnar.texts import in_utf8, texts_of
from sluice.readers.spool import WorkFolder, quote_text
from sluice.readers.text.records import readable

MAGIC = (b"PAR1", b"PARE", b"ARROW1", b"FEA1", b"\xff\xff\xff\xff")
_ROWS = 10_000
_CELLS = 200_000
_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, NotImplementedError)


class ColumnarTable:
    """Copied into Parquet of text cells when opened, a batch at a time. Implements ``RawTable``."""

    def __init__(self, path: Path, work: WorkFolder) -> None:
        self.path = path
        self._work = work
        self.account = Account()
        self.details: dict[str, Any] = {}
        self._copy = work.path / "cells.parquet"
        with path.open("rb") as file:
            start = file.read(8)
        self.format = "parquet" if start.startswith(b"PAR") else "arrow"
        if start.startswith(b"FEA1"):
            raise ReadError(
                f"{path} is Feather version 1.", hint="Write it as Feather 2 or Parquet.", file=path
            )
        if start.startswith(b"PARE"):
            raise ReadError(f"{path} is encrypted Parquet.", hint="Write it without encryption.", file=path)
        try:
            self.header, characters, self._count = self._take_out()
        except _ERRORS as error:
            told = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            kind = "Parquet" if self.format == "parquet" else "Arrow"
            secret = "crypt" in told.lower()
            raise ReadError(
                f"{path} is encrypted {kind}."
                if secret
                else f"{path} is {kind} that cannot be read: {told}.",
                hint="Write it without encryption."
                if secret
                else "It may be cut off or damaged; fetch it again.",
                file=path,
            ) from error
        self.record_size = characters // max(self._count, 1)

    def _take_out(self) -> tuple[tuple[str, ...], int, int]:
        characters = count = 0
        schema, batches = _read(self.path)
        names = tuple(schema.names)
        if not names:
            raise ReadError(f"{self.path} has no columns.", hint="Nothing was loaded.", file=self.path)
        target = pa.schema([(cell(i), pa.string()) for i in range(len(names))])
        with pq.ParquetWriter(self._copy, target, compression="lz4", use_dictionary=False) as writer:
            for batch in deadline.checked(batches):
                for start in range(0, batch.num_rows, rows := max(1, min(_ROWS, _CELLS // len(names)))):
                    part = batch.slice(start, rows)
                    texts = [self._mended(texts_of(column)) for column in part.columns]
                    characters += sum(column.nbytes for column in texts)
                    count += part.num_rows
                    writer.write_batch(pa.record_batch(texts, schema=target))
        return names, characters, count

    def _mended(self, texts: pa.Array) -> pa.Array:
        mended, wrong = in_utf8(texts)
        if wrong:
            self.account.repairs["replaced_bytes"] += wrong
        return mended

    def expect(self, known: Callable[[str], bool]) -> None:
        """Such a file tells its names itself."""

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        return f"read_parquet({quote_text(str(self._copy))})"

    def repair(self, error: Exception) -> bool:
        return False

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        return ()

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        """The line is the record's number: there are no lines."""
        wanted = set(record_numbers)
        number = 0
        with pq.ParquetFile(self._copy) as file:
            for batch in file.iter_batches(1000):
                here = [n for n in range(number + 1, number + batch.num_rows + 1) if n in wanted]
                for n in here:
                    cells = [column[n - number - 1].as_py() for column in batch.columns]
                    yield n, n, readable(json.dumps(cells, ensure_ascii=False))
                number += batch.num_rows

    def close(self) -> None:
        self._work.close()


def _read(path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"PAR"):
        parquet = pq.ParquetFile(path, memory_map=True)
        return parquet.schema_arrow, parquet.iter_batches(_ROWS)
    source = pa.memory_map(str(path))
    if start == b"ARROW1":
        arrow = pa.ipc.open_file(source)
        return arrow.schema, (_checked(arrow.get_batch(i)) for i in range(arrow.num_record_batches))
    stream = pa.ipc.open_stream(source)
    return stream.schema, map(_checked, stream)


def _checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Arrow believes offsets; a damaged file must not make it read beyond its buffers."""
    batch.validate(full=True)
    return batch
