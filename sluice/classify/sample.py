"""Some different cells of each column, from everywhere in the file, in one pass that is bounded in memory and time."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sluice.infer.words import NULLS_OF_TYPES
from sluice.readers.base import RawTable, cell
from sluice.readers.duck import another_way, batches, connect_for

_ROWS = 8192
_CELLS = 500  # of a column
_ALL_CELLS = 100_000  # of a wide table
_LONGEST = 1_000  # characters of a cell: what is longer is judged by its beginning
_SEED = 20_260_101


@dataclass(slots=True)
class Sampled:
    """A column's different texts in random order, without empty ones, and how many cells are filled."""

    texts: tuple[str, ...]
    filled: int


@dataclass(slots=True)
class Sample:
    """``records`` were read; ``whole`` is false where the time was over before the file's end."""

    columns: list[Sampled]
    records: int
    whole: bool


@dataclass(slots=True)
class _Draw:
    """Draws from a column as it comes: each filled cell has a random key, and the lowest keys stay."""

    most: int
    filled: int = 0
    limit: float = 1.0
    kept: list[tuple[float, str]] = field(default_factory=list)

    def add(self, column: pa.Array, keys: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
        filled = pc.fill_null(pc.not_equal(column, ""), False).to_numpy(zero_copy_only=False)
        self.filled += int(filled.sum())
        rows = np.flatnonzero(filled & (keys < self.limit))
        if len(rows) > self.most:  # only what may stay becomes text of Python
            rows = rows[np.argpartition(keys[rows], self.most)[: self.most]]
        drawn = zip(keys[rows].tolist(), column.take(pa.array(rows)).to_pylist(), strict=True)
        self.kept += [(key, text[:_LONGEST]) for key, text in drawn]
        if len(self.kept) > self.most:
            self.kept = sorted(self.kept)[: self.most]
            self.limit = self.kept[-1][0]

    def texts(self) -> tuple[str, ...]:
        stripped = (text.strip() for _, text in sorted(self.kept)[: self.most])
        return tuple(dict.fromkeys(text for text in stripped if text and text.lower() not in NULLS_OF_TYPES))


def sample(table: RawTable, folder: Path, memory_limit_mb: int, threads: int, seconds: float) -> Sample:
    """Read the table, for at most ``seconds`` once its rows come. Raises ReadError."""
    most = max(50, min(_CELLS, _ALL_CELLS // max(len(table.header), 1)))
    while True:
        draws = [_Draw(most) for _ in table.header]
        records, whole, end = 0, True, time.monotonic() + seconds
        generator = np.random.default_rng(_SEED)
        with closing(connect_for(table, folder, memory_limit_mb, threads)) as connection:
            try:
                for batch in _batches(table, connection):
                    records += batch.num_rows
                    keys = generator.random(batch.num_rows)
                    for position, draw in enumerate(draws):
                        draw.add(batch.column(position), keys)
                    if records and time.monotonic() > end:
                        whole = False
                        break
            except duckdb.Error as error:
                another_way(table, error, memory_limit_mb)
                continue
        return Sample([Sampled(draw.texts(), draw.filled) for draw in draws], records, whole)


def _batches(table: RawTable, connection: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    names = ", ".join(cell(position) for position in range(len(table.header)))
    yield from batches(connection, f"SELECT {names} FROM {table.relation(connection)}", _ROWS)  # noqa: S608
