"""Tables below each other in one sheet: where the next begins, and which is the largest.

Imports nothing of Sluice but its neighbours: see ``sheets.main``.
"""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import numpy as np

from sluice.readers.sheets.parts import Rows
from sluice.readers.sheets.taken import Taken

HEAD, TAIL = 60, 40  # rows whose kinds of values are told
SEEN = 10  # rows beside a blank one that are looked at
SHOWN = 500  # cells of a row that are told
_NOTHING = re.compile(r"[-–—.?]*|n\.?/?a\.?|nan|none|null|unknown|missing|tb[acd]", re.I)
Told = tuple[int, list[str]]


@dataclass(slots=True)
class Region:
    """Rows of a sheet in which no other table begins; ``before``: rows of the sheet above them that hold anything."""

    before: int
    rows: int = 0
    first: int = 0
    last: int = 0
    head: list[Told] = field(default_factory=list)
    filled: list[int] = field(default_factory=list)
    _tail: deque[tuple[Rows | Taken, int, int]] = field(default_factory=deque)

    def add(self, batch: Rows | Taken, begin: int, stop: int) -> None:
        """Some rows of the batch go on with it."""
        if begin == stop:
            return
        counts = batch.filled(begin, stop)
        self.filled += [0] * (len(counts) - len(self.filled))
        for position, count in enumerate(counts):
            self.filled[position] += count
        missing = HEAD - len(self.head)
        self.head += [batch.told(i, SHOWN) for i in range(begin, min(begin + missing, stop))]
        self._tail.append((batch, begin, stop))
        while sum(b - a for _, a, b in self._tail) - (self._tail[0][2] - self._tail[0][1]) >= TAIL:
            self._tail.popleft()
        self.first = self.first or int(batch.lines[begin])
        self.last = int(batch.lines[stop - 1])
        self.rows += stop - begin

    def tail(self, most: int = TAIL) -> list[Told]:
        """Its last rows."""
        rows = [(batch, i) for batch, begin, stop in self._tail for i in range(begin, stop)]
        return [batch.told(i, SHOWN) for batch, i in rows[-most:]]

    def as_dict(self) -> dict[str, Any]:
        """What its layout is decided by."""
        width = min(len(self.filled), SHOWN)
        return {
            "before": self.before,
            "rows": self.rows,
            "head": [(line, cells + [""] * (width - len(cells))) for line, cells in self.head],
            "tail": [(line, cells + [""] * (width - len(cells))) for line, cells in self.tail()],
            "filled": self.filled,
        }

    def brief(self) -> dict[str, Any]:
        """What is told of a table that is not read."""
        kinds = set(_kinds([cells for _, cells in self.head[1:]]).values())
        names = next((cells for _, cells in self.head if len(_places(cells)) > 1), self.head[0][1])
        return {
            "before": self.before,
            "rows": self.rows,
            "first": self.first,
            "last": self.last,
            "values": self.rows > 2 and not kinds <= {"s", "*"},
            "width": max(len(_places(cells)) for _, cells in self.head),
            "told": [(line, " ".join(cell[1:] for cell in cells if cell)) for line, cells in self.head],
            "names": [cell[1:] for cell in names if cell],
        }


def begins_table(region: Region, below: Sequence[Told]) -> bool:
    """Whether the rows below a blank one are another table than those above: names, where the columns above or below
    hold values of other kinds. Names that stand above already go on with the table, unless they have a title of
    their own.
    """
    block = [row for i, row in enumerate(below) if row[0] == below[0][0] + i]
    titles = [cells for _, cells in takewhile(lambda row: len(_places(row[1])) == 1, block)]
    rows = [cells for _, cells in block[len(titles) :]]
    above = [cells for line, cells in region.tail(SEEN) if line != region.first and len(_places(cells)) > 1]
    if len(rows) < 2 or not above or not _are_names(rows[0]):
        return False
    names, before, after = _places(rows[0]), _kinds(above), _kinds(rows[1:])
    if not names.issuperset(after):
        return False
    known = [_texts(cells) for _, cells in region.head]
    if _texts(rows[0]) in known:
        return any(_texts(title) not in known for title in titles)
    strange = sum(before.get(i, "s") not in "s*" for i in names)
    headed = any(after.get(i, "s") not in "s*" for i in names)
    elsewhere = names != set(before)
    if headed:
        return elsewhere or strange > 1 or bool(strange and (titles or before != after))
    same = all(_places(cells) == names for cells in rows[1:])
    return bool(strange) and elsewhere and same and set(after.values()) == {"s"}


def _places(cells: Sequence[str]) -> set[int]:
    return {i for i, cell in enumerate(cells) if cell[1:].strip()}


def _texts(cells: Sequence[str]) -> list[str]:
    return [cell[1:].strip() for cell in cells if cell[1:].strip()]


def _are_names(cells: Sequence[str]) -> bool:
    texts = _texts(cells)
    return (
        len(texts) > 1
        and len(set(texts)) == len(texts)
        and all(cell[0] == "s" for cell in cells if cell)
        and not any(map(_NOTHING.fullmatch, map(str.lower, texts)))
    )


def _kinds(rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """By column, the kind of all its values; ``*``: of several kinds."""
    found: dict[int, str] = {}
    for cells in rows:
        for i in _places(cells):
            kind = cells[i][0]
            found[i] = kind if found.get(i, kind) == kind else "*"
    return found


def gaps(batch: Rows | Taken, line: int) -> list[int]:
    """Where rows begin that do not follow right upon those before; ``line``: the last before the batch."""
    lines = np.asarray(batch.lines)
    return np.flatnonzero(np.diff(lines, prepend=line) > 1).tolist()
