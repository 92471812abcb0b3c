"""Writes one sheet as a Parquet file of text cells, and tells what its layout is decided by.

Imports nothing of Sluice but its neighbours: see ``sheets.main``.
"""

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sluice.readers.sheets.parts import Rows
from sluice.readers.sheets.taken import Taken

HEAD, TAIL = 60, 40  # rows whose kinds of values are told
_BATCH_CELLS = 200_000
_SHOWN = 500  # cells of a row that are told


class Dump:
    """Writes one sheet, rows that hold anything only; knows what the layout is decided by."""

    def __init__(self, path: Path, batches: Iterable[Rows | Taken]) -> None:
        self.errors: dict[str, int] = {}
        self.rows = self.last = self.formulas = self._chars = 0
        self.head: list[Any] = []
        self.filled: list[int] = []
        self._path = path
        self._tail: deque[Rows | Taken] = deque()
        self._writer: pq.ParquetWriter | None = None
        self._width = 0
        self._waiting: list[tuple[list[pa.Array], pa.Array, pa.Array]] = []
        self._cells = 0
        for batch in batches:
            self._add(batch)
        self._write()
        self._close()

    def _close(self) -> None:
        if self._writer:
            self._writer.close()

    def _add(self, batch: Rows | Taken) -> None:
        count, width = len(batch.lines), len(batch.columns)
        self.filled += [0] * (width - len(self.filled))
        for position, filled in enumerate(batch.filled):
            self.filled[position] += int(filled)
        for text, times in batch.errors.items():
            self.errors[text] = self.errors.get(text, 0) + times
        self.formulas += batch.formulas
        missing = HEAD - len(self.head)
        self.head += [batch.told(i, _SHOWN) for i in range(min(missing, count))]
        self._tail.append(batch)
        while sum(len(b.lines) for b in self._tail) - len(self._tail[0].lines) >= TAIL:
            self._tail.popleft()
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
        if self._writer is None or self._width < len(self.filled):
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
        narrow, self._width = self._writer, len(self.filled)
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

    def _even(self, rows: list[Any]) -> list[Any]:
        """The rows told, all as wide as the sheet."""
        width = min(len(self.filled), _SHOWN)
        return [(line, cells + [""] * (width - len(cells))) for line, cells in rows]

    def _told_tail(self) -> list[Any]:
        rows = [(batch, i) for batch in self._tail for i in range(len(batch.lines))]
        return [batch.told(i, _SHOWN) for batch, i in rows[-TAIL:]]

    def as_dict(self, name: str, left: int, merged: Any, unplaced: bool) -> dict[str, Any]:
        """What the parent is told of the sheet."""
        return {
            "name": name,
            "file": str(self._path),
            "left": left,
            "rows": self.rows,
            "last": self.last,
            "head": self._even(self.head),
            "tail": self._even(self._told_tail()),
            "filled": self.filled,
            "errors": self.errors,
            "formulas": self.formulas,
            "unplaced": unplaced,
            "merged": [m for m in (merged or []) if m[0][0] < 1000][:5000],
            "size": self._chars // max(self.rows, 1),
        }
