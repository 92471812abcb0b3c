"""Parquet and Arrow files (IPC, Feather 2) as they come: each value as exact text, NULL as a missing cell.

Nested values become JSON, binary values hex digits, moments with a zone their UTC instant with a Z.
"""

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sluice import deadline
from sluice.errors import ReadError
from sluice.readers.account import Account
from sluice.readers.base import Reject, cell
from sluice.readers.records import readable
from sluice.readers.spool import WorkFolder, quote_text

MAGIC = (b"PAR1", b"PARE", b"ARROW1", b"FEA1", b"\xff\xff\xff\xff")
_ROWS = 10_000
_CELLS = 200_000
_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, NotImplementedError)


class ColumnarTable:
    """Copied into Parquet of text cells when opened, a batch at a time. Implements ``RawTable``."""

    def __init__(self, path: Path, work: WorkFolder) -> None:
        self._path = path
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
        schema, batches = _read(self._path)
        names = tuple(schema.names)
        if not names:
            raise ReadError(f"{self._path} has no columns.", hint="Nothing was loaded.", file=self._path)
        target = pa.schema([(cell(i), pa.string()) for i in range(len(names))])
        with pq.ParquetWriter(self._copy, target, compression="lz4", use_dictionary=False) as writer:
            for batch in deadline.checked(batches):
                for start in range(0, batch.num_rows, rows := max(1, min(_ROWS, _CELLS // len(names)))):
                    part = batch.slice(start, rows)
                    texts = [texts_of(column) for column in part.columns]
                    characters += sum(column.nbytes for column in texts)
                    count += part.num_rows
                    writer.write_batch(pa.record_batch(texts, schema=target))
        return names, characters, count

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

    def locate(self, record_numbers: Iterable[int]) -> dict[int, tuple[int, str]]:
        return {number: (line, raw) for number, line, raw in self.find(record_numbers)}

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


def texts_of(column: pa.Array) -> pa.Array:
    """Each value's exact text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return texts_of(column.dictionary_decode())
    if isinstance(column, pa.ExtensionArray):
        return texts_of(column.storage)
    if pa.types.is_string(kind):
        return column
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if (
        pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date32(kind)
        or pa.types.is_null(kind)
    ):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return _clock(column)
    if pa.types.is_float64(kind):
        return pa.array([None if v is None else _float(v) for v in column.to_pylist()], pa.string())
    if pa.types.is_floating(kind):  # the shortest text that gives the same value in that width
        return pc.replace_substring_regex(column.cast(pa.string()), r"\.0$", "")
    return pa.array([None if v is None else _text(v) for v in column.to_pylist()], pa.string())


def _clock(column: pa.Array) -> pa.Array:
    zoned = pa.types.is_timestamp(column.type) and column.type.tz is not None
    if zoned:
        column = column.cast(pa.timestamp(column.type.unit, "UTC")).cast(pa.timestamp(column.type.unit))
    texts = pc.replace_substring_regex(column.cast(pa.string()), r"(\.\d*?)0+$", r"\1")
    texts = pc.replace_substring_regex(texts, r"\.$", "")
    return pc.binary_join_element_wise(texts, "Z", "") if zoned else texts


def _float(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _text(value: Any) -> str:
    return _json(value) if isinstance(value, dict | list | tuple) else _plain(value)


def _json(value: Any) -> str:
    """As json.dumps, but with a decimal's own digits."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(str(k))}: {_json(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_json, value)) + "]"
        case Decimal() if value.is_finite():
            return format(value, "f")
        case None | bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case float() if math.isfinite(value):
            return repr(value)
        case _:
            return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case bytes():
            return value.hex()
        case dt.datetime() if value.tzinfo:
            return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ") + "Z"
        case dt.datetime():
            return value.isoformat(" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return _duration(value)
        case _:
            return str(value)


def _duration(value: dt.timedelta) -> str:
    micros = value // dt.timedelta(microseconds=1)
    seconds, rest = divmod(abs(micros), 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return ("-" if micros < 0 else "") + text + (f".{rest:06}".rstrip("0") if rest else "")
