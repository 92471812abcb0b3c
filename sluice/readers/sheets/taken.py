"""Rows that calamine has read, as columns of texts. Imports nothing of Sluice but its neighbours."""

from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc

from sluice.readers.sheets.odd import Odd
from sluice.readers.sheets.values import EXACT, KINDS, Exact, column_of, text_of

_BATCH_CELLS = 120_000


class Taken:
    """Some rows that hold anything."""

    formulas = 0

    def __init__(self, lines: list[int], rows: list[Any], errors: dict[str, int]) -> None:
        self.lines = lines
        self.errors = errors
        self.columns = [column_of(values) for values in zip(*rows, strict=True)]
        self._rows = rows

    def filled(self, begin: int, stop: int) -> list[int]:
        """How many of those rows fill each column."""
        columns = [column.slice(begin, stop - begin) for column in self.columns]
        return [pc.sum(pc.not_equal(column, "")).as_py() or 0 for column in columns]

    def told(self, row: int, most: int) -> tuple[int, list[str]]:
        """The row's line, and its first cells as kind and text: '' or 's...' or 'n1'."""
        cells = self._rows[row][:most]
        return self.lines[row], [
            "" if value == "" else KINDS.get(type(value), "n") + text_of(value)[:200] for value in cells
        ]


def taken(sheet: Any, left: int, odd: Odd) -> Iterator[Taken]:
    """The rows of a sheet whose first column is ``left``."""
    lines: list[int] = []
    rows: list[Any] = []
    errors: dict[str, int] = {}
    for line, row in enumerate(sheet.iter_rows(), 1):
        if line in odd.rows:
            _patch(row, left, odd.rows.pop(line), errors)
        empty = row.count("")
        if empty == len(row) or (len(row) - empty < 3 and not any(text_of(v).strip() for v in row)):
            continue
        lines.append(line)
        rows.append(row)
        if len(rows) * len(row) >= _BATCH_CELLS:
            yield Taken(lines, rows, errors)
            lines, rows, errors = [], [], {}
    if rows:
        yield Taken(lines, rows, errors)


def _patch(row: list[Any], left: int, cells: list[tuple[int, str]], errors: dict[str, int]) -> None:
    for column, text in cells:
        position = column - left
        if not 0 <= position < len(row):
            continue
        value = row[position]
        if value == "":
            row[position] = text
            if text.startswith("#"):
                errors[text] = errors.get(text, 0) + 1
        elif isinstance(value, float) and abs(value) >= EXACT:
            row[position] = Exact(text)
        elif "\t" in text:
            if isinstance(value, str) and "".join(value.split()) == "".join(text.split()):
                row[position] = text
        elif isinstance(value, str) and value.startswith("P"):
            row[position] = Length(text)


class Length(str):
    """A length of time."""


KINDS[Length] = "t"
