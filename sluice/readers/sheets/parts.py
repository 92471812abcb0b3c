"""From the cells of a sheet's XML to columns of texts, a part of its rows at a time.

Imports nothing of Sluice but its neighbours: see ``sheets.main``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sluice.readers.sheets import values, xml
from sluice.readers.sheets.tags import Unusual, number_at
from sluice.readers.sheets.texts import resolved, slices

_GRID = 1_000_000  # cells at once
_LAST = 2_958_465  # the serial number of the last day of 9999


@dataclass(slots=True)
class Rows:
    """Rows that hold anything: ``columns`` of texts, ``kinds`` by column and row (see ``values.KINDS``; 0: empty)."""

    lines: npt.NDArray[np.int64]
    columns: list[pa.Array]
    kinds: npt.NDArray[np.uint8]
    errors: dict[str, int]
    formulas: int = 0

    def filled(self, begin: int, stop: int) -> list[int]:
        """How many of those rows fill each column."""
        return np.count_nonzero(self.kinds[:, begin:stop], axis=1).tolist()  # type: ignore[no-any-return]

    def told(self, row: int, most: int) -> tuple[int, list[str]]:
        """The row's line, and its first cells as kind and text."""
        cells = [
            chr(kind) + column[row].as_py()[:200] if kind else ""
            for kind, column in zip(self.kinds[:most, row].tolist(), self.columns[:most], strict=True)
        ]
        return int(self.lines[row]), cells


@dataclass(slots=True)
class Book:
    """What cells refer to: texts, the meaning of each style, and whether days count from 1904."""

    shared: pa.StringArray
    meanings: npt.NDArray[np.int64]
    since_1904: bool

    def rows(self, cells: Any) -> Iterator[Rows]:
        """The rows of a part of the sheet that hold anything. Raises Unusual."""
        texts, kinds = self._texts(cells)
        size = np.diff(np.frombuffer(texts.buffers()[1], np.int32)[: len(texts) + 1])
        blank = pc.equal(pc.utf8_trim_whitespace(texts), "").to_numpy(zero_copy_only=False)
        keep = np.zeros(len(cells.lines), np.bool_)
        keep[cells.row[~blank]] = True
        width = int(cells.column.max(initial=-1)) + 1
        step = max(_GRID // max(width, 1), 1)
        kept = np.flatnonzero(keep)
        new = np.cumsum(keep) - 1
        for first in range(0, len(kept), step):
            some = kept[first : first + step]
            chosen = np.flatnonzero(
                keep[cells.row] & (cells.row >= some[0]) & (cells.row <= some[-1]) & (size > 0)
            )
            place = (cells.column[chosen], new[cells.row[chosen]] - first)
            grid = np.full((width, len(some)), -1, np.int64)
            grid[place] = chosen
            letters = np.zeros((width, len(some)), np.uint8)
            letters[place] = kinds[chosen]
            flat = texts.take(pa.array(grid.ravel(), mask=grid.ravel() < 0))
            flat = pc.fill_null(flat, "")
            errors = texts.take(pa.array(chosen[cells.kind[chosen] == xml.ERROR])).value_counts()
            yield Rows(
                cells.lines[some],
                [flat.slice(i * len(some), len(some)) for i in range(width)],
                letters,
                {e["values"]: e["counts"] for e in errors.to_pylist()},
                cells.formulas if not first else 0,
            )

    def _texts(self, cells: Any) -> tuple[pa.StringArray, npt.NDArray[np.uint8]]:
        """Each cell's text and kind."""
        found: list[pa.Array] = []
        order: list[npt.NDArray[np.int64]] = []
        kinds = np.full(len(cells.row), ord("s"), np.uint8)
        filled = cells.start > 0
        filled &= cells.start < cells.end
        for take in (self._shared, self._written, self._truths):
            these, texts = take(cells, filled)
            order.append(these)
            found.append(texts)
        kinds[order[-1]] = ord("b")
        numbers = np.flatnonzero(filled & (cells.kind == xml.NUMBER))
        texts, letters = self._numbers(cells, numbers)
        kinds[numbers] = letters
        order += [numbers, np.flatnonzero(~filled)]
        found += [texts, pa.array([""] * len(order[-1]), pa.string())]
        place = np.empty(len(cells.row), np.int64)
        place[np.concatenate(order)] = np.arange(len(cells.row))
        return pa.concat_arrays(found).take(pa.array(place)), kinds

    def _shared(self, cells: Any, filled: Any) -> tuple[npt.NDArray[np.int64], pa.StringArray]:
        these = np.flatnonzero(filled & (cells.kind == xml.SHARED))
        number, digits = number_at(cells.data, cells.start[these], 9)
        if (digits != cells.end[these] - cells.start[these]).any() or (number >= len(self.shared)).any():
            raise Unusual
        return these, self.shared.take(pa.array(number))

    def _written(self, cells: Any, filled: Any) -> tuple[npt.NDArray[np.int64], pa.StringArray]:
        these = np.flatnonzero(filled & np.isin(cells.kind, (xml.STRING, xml.INLINE, xml.ERROR)))
        return these, resolved(slices(cells.data, cells.start[these], cells.end[these]))

    def _truths(self, cells: Any, filled: Any) -> tuple[npt.NDArray[np.int64], pa.StringArray]:
        these = np.flatnonzero(filled & (cells.kind == xml.TRUTH))
        digit = cells.data[cells.start[these]]
        if (cells.end[these] != cells.start[these] + 1).any() or not np.isin(digit, (48, 49)).all():
            raise Unusual
        return these, pa.array(digit == 49).cast(pa.string())

    def _numbers(self, cells: Any, these: Any) -> tuple[pa.StringArray, npt.NDArray[np.uint8]]:
        written = slices(cells.data, cells.start[these], cells.end[these])
        try:
            number = written.cast(pa.float64()).to_numpy()
        except pa.ArrowInvalid as error:
            raise Unusual from error
        style = cells.style[these]
        if not np.isfinite(number).all() or (style >= len(self.meanings)).any():
            raise Unusual
        meaning = self.meanings[style]
        meaning[(number < 0) & (meaning == values.MOMENT)] = values.PLAIN
        meaning[np.abs(number) + 1463 * self.since_1904 > _LAST] = values.PLAIN
        plain, moment, length = (
            np.flatnonzero(meaning == m) for m in (values.PLAIN, values.MOMENT, values.LENGTH)
        )
        moments, times = values.moment_texts(number[moment], self.since_1904)
        texts = [
            values.number_texts(number[plain], written.take(pa.array(plain))),
            moments,
            pa.array([values.duration_text(v) for v in number[length].tolist()], pa.string()),
        ]
        letters = np.full(len(these), ord("n"), np.uint8)
        letters[moment] = np.where(times, ord("t"), ord("d"))
        letters[length] = ord("t")
        place = np.empty(len(these), np.int64)
        place[np.concatenate([plain, moment, length])] = np.arange(len(these))
        return pa.concat_arrays(texts).take(pa.array(place)), letters
