"""Writes one sheet as a Parquet file of text cells, and tells what its layout is decided by.

Imports nothing of Sluice but its neighbours: see ``sheets.main``.
"""

from collections.abc import Iterable
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sluice.readers.sheets.parts import Rows
from sluice.readers.sheets.regions import SEEN, SHOWN, Region, begins_table, gaps
from sluice.readers.sheets.taken import Taken

_BATCH_CELLS = 200_000
_MOST_GAPS = 200  # blank rows below which another table is looked for


class Dump:
    """Writes one sheet, rows that hold anything only; knows what the layout is decided by."""

    def __init__(self, path: Path, batches: Iterable[Rows | Taken]) -> None:
        self.errors: dict[str, int] = {}
        self.rows = self.last = self.formulas = self._chars = 0
        self._seen = 0
        self._region = Region(0)
        self._main: Region | None = None
        self._others: list[dict[str, Any]] = []
        self._gaps = 0
        self._path = path
        self._writer: pq.ParquetWriter | None = None
        self._width = 0
        self._waiting: list[tuple[list[pa.Array], pa.Array, pa.Array]] = []
        self._cells = 0
        for batch, following in pairwise(chain(batches, [None])):
            assert batch
            self._divide(batch, following)
            self._add(batch)
        self._next_region()
        self._write()
        self._close()

    def _close(self) -> None:
        if self._writer:
            self._writer.close()

    def _divide(self, batch: Rows | Taken, following: Rows | Taken | None) -> None:
        """Give the rows to the tables that they belong to."""
        begin, count = 0, len(batch.lines)
        for at in gaps(batch, self.last)[: _MOST_GAPS - self._gaps]:
            self._region.add(batch, begin, at)
            begin = at
            below = [batch.told(i, SHOWN) for i in range(at, min(at + SEEN, count))]
            if following and len(below) < SEEN:
                more = min(SEEN - len(below), len(following.lines))
                below += [following.told(i, SHOWN) for i in range(more)]
            self._gaps += 1
            if begins_table(self._region, below):
                self._next_region(self.rows + at)
        self._region.add(batch, begin, count)

    def _next_region(self, before: int = 0) -> None:
        """Only of the largest table everything is kept."""
        smaller: Region | None = self._region
        if self._main is None or sum(self._region.filled) > sum(self._main.filled):
            smaller, self._main = self._main, self._region
        if smaller:
            self._others.append(smaller.brief())
        self._region = Region(before)

    def _add(self, batch: Rows | Taken) -> None:
        count, width = len(batch.lines), len(batch.columns)
        self._seen = max(self._seen, width)
        for text, times in batch.errors.items():
            self.errors[text] = self.errors.get(text, 0) + times
        self.formulas += batch.formulas
        numbers = pa.array(range(self.rows + 1, self.rows + count + 1), pa.int64())
        self._waiting.append((batch.columns, numbers, pa.array(batch.lines, pa.int64())))
        self._chars += sum(column.nbytes for column in batch.columns)
        self.rows += count
        self.last = int(batch.lines[-1])
        self._cells += count * max(width, 1)
        if self._cells >= _BATCH_CELLS:
            self._write()

    def _write(self) -> None:
        if not self._waiting:
            return
        if self._writer is None or self._width < self._seen:
            self._widen()
        assert self._writer
        schema = self._writer.schema
        batches = [self._batch(*waiting, schema) for waiting in self._waiting]
        self._writer.write_table(pa.Table.from_batches(batches, schema))
        self._waiting, self._cells = [], 0

    def _batch(self, columns: list[pa.Array], numbers: pa.Array, lines: pa.Array, schema: pa.Schema) -> Any:
        if missing := self._width - len(columns):
            columns = columns + [pa.repeat(pa.scalar(""), len(lines))] * missing
        return pa.record_batch([*columns, numbers, lines], schema=schema)

    def _widen(self) -> None:
        """Later rows may be wider than the first; what is written gets empty cells."""
        narrow, self._width = self._writer, self._seen
        old = self._path.with_suffix(".narrow")
        if narrow:
            narrow.close()
            self._path.rename(old)
        fields = [(f"c{i}", pa.string()) for i in range(self._width)]
        schema = pa.schema([*fields, ("_row", pa.int64()), ("_line", pa.int64())])
        self._writer = pq.ParquetWriter(self._path, schema, compression="lz4", use_dictionary=False)
        if narrow:
            with pq.ParquetFile(old) as file:
                for batch in file.iter_batches(max(_BATCH_CELLS // self._width, 1)):
                    *columns, numbers, lines = batch.columns
                    self._writer.write_batch(self._batch(columns, numbers, lines, schema))
            old.unlink()

    def as_dict(self, name: str, left: int, merged: Any, unplaced: bool) -> dict[str, Any]:
        """What the parent is told of the sheet."""
        return {
            "name": name,
            "file": str(self._path),
            "left": left,
            **(self._main or Region(0)).as_dict(),
            "others": self._others,
            "held": self.rows,
            "last": self.last,
            "errors": self.errors,
            "formulas": self.formulas,
            "unplaced": unplaced,
            "merged": [m for m in (merged or []) if m[0][0] < 1000][:5000],
            "size": self._chars // max(self.rows, 1),
        }
