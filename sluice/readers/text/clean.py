"""The tidy copy of an untidy delimited file: DuckDB reads it as fast as any tidy file."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from sluice.readers.base import cell
from sluice.readers.text.blocks import Run
from sluice.readers.text.tokens import Dialect

_NUMBER = np.dtype(np.int64)
_BATCH = 10_000
_SHORT = 100  # records of a run whose numbers are written with those of others
_LF, _CR = 10, 13


class CleanCopy:
    """The good records of a file under a header, in the same dialect with LF at each end, and beside them their
    numbers.
    """

    def __init__(self, folder: Path, dialect: Dialect, width: int, padding: int) -> None:
        self.path = folder / "clean.csv"
        self._numbers_path = folder / "clean.numbers"
        self._dialect = dialect
        self._tail = dialect.delimiter * padding + "\n"
        self._file = self.path.open("wb")
        self._numbers = self._numbers_path.open("wb")
        self._pending: list[int] = []
        self.add_cells(0, [cell(position) for position in range(width)])

    def add_run(self, first: int, run: Run) -> None:
        """Append tidy records as they are, but for other line ends."""
        self._file.write(_with_line_feeds(run) if b"\r" in run.data else run.data)
        stop = first + len(run.ends)
        if len(run.ends) < _SHORT:
            self._add_numbers(range(first, stop))
            return
        self._flush()
        self._numbers.write(np.arange(first, stop, dtype=_NUMBER).tobytes())

    def add_cells(self, number: int, cells: Sequence[str], chars: int = 0) -> None:
        """Append one record. ``chars`` does not matter."""
        quote, escape = self._dialect.quote, self._dialect.escape
        if quote:
            if escape != quote:
                cells = [text.replace(escape, escape * 2) for text in cells]
            cells = [f"{quote}{text.replace(quote, escape + quote)}{quote}" for text in cells]
        self._file.write((self._dialect.delimiter.join(cells) + self._tail).encode())
        self._add_numbers((number,))

    def _add_numbers(self, numbers: Iterable[int]) -> None:
        self._pending.extend(numbers)
        if len(self._pending) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            self._numbers.write(np.array(self._pending, _NUMBER).tobytes())
            self._pending = []

    def close(self) -> None:
        """The copy is whole."""
        self._flush()
        self._file.close()
        self._numbers.close()

    def numbers(self, first: int, count: int) -> pa.Array:
        """The record numbers of ``count`` rows after the first ``first``."""
        return pa.array(
            np.fromfile(self._numbers_path, _NUMBER, count, offset=(first + 1) * _NUMBER.itemsize)
        )

    def remove(self) -> None:
        """Free the disk."""
        self.close()
        self.path.unlink()
        self._numbers_path.unlink()


def _with_line_feeds(run: Run) -> bytes:
    """The records' text with LF at the end of each; line ends in cells stay."""
    data, last = np.frombuffer(run.data, np.uint8).copy(), run.ends - 1
    feeds = data[last] == _LF
    data[last] = _LF
    kept = np.ones(len(data), np.bool_)
    kept[last - 1] = (data[last - 1] != _CR) | ~feeds
    return data[kept].tobytes()
