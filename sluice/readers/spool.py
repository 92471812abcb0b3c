"""Temporary Parquet files in a work folder: rejects, and tables that had to be read by Python."""

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from sluice.readers.base import REJECT_SCHEMA, Reject, cell
from sluice.security import lake, sealed

_BATCH_ROWS = 10_000
_BATCH_CHARS = 8_000_000


class WorkFolder:
    """A folder that goes when it is closed or forgotten."""

    def __init__(self, parent: Path | None = None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="read-", dir=parent and sealed.work_parent(parent)))
        self._remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def close(self) -> None:
        """Remove the folder and all it holds."""
        self._remove()


class RejectFile:
    """A Parquet file of rejects, written in order and read back in order, flat in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.records = 0
        self._last = 0
        self._chars = 0
        self._pending: list[Reject] = []
        self._writer: lake.ParquetWriter | None = lake.ParquetWriter(path, REJECT_SCHEMA, compression="lz4")

    def add(self, reject: Reject) -> None:
        """Append; several rejects of one record must come together."""
        self.rows += 1
        self.records += reject.record_no != self._last
        self._last = reject.record_no
        self._pending.append(reject)
        self._chars += len(reject.raw or "") + len(reject.cells or "")
        if len(self._pending) >= _BATCH_ROWS or self._chars >= _BATCH_CHARS:
            self._flush()

    def _flush(self) -> None:
        if self._pending and self._writer:
            columns = [[getattr(r, name) for r in self._pending] for name in REJECT_SCHEMA.names]
            arrays = [pa.array(c, t) for c, t in zip(columns, REJECT_SCHEMA.types, strict=True)]
            self._writer.write_batch(pa.record_batch(arrays, schema=REJECT_SCHEMA))
        self._pending = []
        self._chars = 0

    def close(self) -> None:
        """Write what is pending; the file is whole."""
        self._flush()
        if self._writer:
            self._writer.close()
        self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Reject]:
        self.close()
        with lake.parquet(self.path) as file:
            for batch in file.iter_batches(_BATCH_ROWS):
                for row in batch.to_pylist():
                    yield Reject(**row)


class TableSpool:
    """Records of text cells on their way to Parquet; the header may grow while they come.

    Each time it has grown a further file begins, so files differ in width only.
    """

    def __init__(self, folder: Path, header: Sequence[str] = ()) -> None:
        self.folder = folder
        self.positions: dict[str, int] = {}
        self.width = len(header)
        self.paths: list[Path] = []
        self._numbers: list[int] = []
        self._rows: list[Any] = []
        self._chars = self._all_chars = self._all_rows = 0
        self._writer: lake.ParquetWriter | None = None
        self._writer_width = -1

    def add_cells(self, record_no: int, cells: Sequence[str | None], chars: int) -> None:
        """Append one record whose cells stand in header order."""
        self._rows.append(cells)
        self._count(record_no, chars)

    def add_named(self, record_no: int, cells: Mapping[str, str | None], chars: int) -> None:
        """Append one record of named cells; new names widen the header."""
        if not cells.keys() <= self.positions.keys():
            for name in cells:
                self.positions.setdefault(name, len(self.positions))
            self.width = len(self.positions)
        self._rows.append(cells)
        self._count(record_no, chars)

    def add_columns(self, first_no: int, columns: Mapping[str, pa.Array], rows: int, chars: int) -> None:
        """Append records that stand as whole columns, under names that are known."""
        if self._rows:
            self._flush()
        arrays = [columns.get(name, pa.nulls(rows, pa.string())) for name in self.positions]
        self._write(arrays, range(first_no, first_no + rows))
        self._all_chars += chars
        self._all_rows += rows

    def _count(self, record_no: int, chars: int) -> None:
        self._numbers.append(record_no)
        self._chars += chars
        self._all_chars += chars
        self._all_rows += 1
        if len(self._rows) >= _BATCH_ROWS or self._chars >= _BATCH_CHARS:
            self._flush()

    def _columns(self) -> list[pa.Array]:
        if self.positions:
            if len(self.positions) > 1 and all(len(row) == len(self.positions) for row in self._rows):
                full = zip(*map(itemgetter(*self.positions), self._rows), strict=True)
                return [pa.array(column, pa.string()) for column in full]
            return [pa.array([row.get(name) for row in self._rows], pa.string()) for name in self.positions]
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * self.width
        return [pa.array(column, pa.string()) for column in columns]

    def _flush(self) -> None:
        self._write(self._columns(), self._numbers)
        self._numbers, self._rows, self._chars = [], [], 0

    def _write(self, columns: Sequence[pa.Array], numbers: Sequence[int]) -> None:
        names = [cell(i) for i in range(self.width)]
        batch = pa.record_batch([*columns, pa.array(numbers, pa.int64())], names=[*names, "_record_no"])
        if self._writer is None or self._writer_width != self.width:
            self._finish_file()
            self.paths.append(self.folder / f"part-{len(self.paths):06}.parquet")
            self._writer = lake.ParquetWriter(
                self.paths[-1], batch.schema, compression="lz4", use_dictionary=False
            )
            self._writer_width = self.width
        self._writer.write_batch(batch)

    def _finish_file(self) -> None:
        if self._writer:
            self._writer.close()
        self._writer = None

    def close(self) -> None:
        """Write what is pending. At least one file stands afterwards."""
        if self._rows or not self.paths:
            self._flush()
        self._finish_file()

    @property
    def record_size(self) -> int:
        """Characters of a usual record."""
        return self._all_chars // max(self._all_rows, 1)

    def relation(self) -> str:
        """The SQL FROM item over all files."""
        files = ", ".join(quote_text(str(path)) for path in self.paths)
        return f"read_parquet([{files}], union_by_name = true)"


def quote_text(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
