"""Where the table of a sheet is: titles above, header rows, columns, notes and totals below."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sluice.readers.sheets.footers import footers_of
from sluice.readers.text.heading import lower_kinds
from sluice.readers.text.levels import count_levels
from sluice.readers.text.records import Record
from sluice.readers.text.units import is_unit_row


@dataclass(frozen=True, slots=True)
class Layout:
    """``titles``, ``headers`` and ``footers`` are rows as (line, cells); ``names`` the header from column ``first``
    on; ``ends``: number of the last row that is a record, counting rows that hold anything from 1.
    """

    titles: tuple[tuple[int, list[str]], ...]
    headers: tuple[tuple[int, list[str]], ...]
    footers: tuple[tuple[int, list[str]], ...]
    names: tuple[str, ...]
    first: int
    ends: int
    warnings: tuple[str, ...] = ()


def lay_out(sheet: dict[str, Any], header: bool | None) -> Layout:
    """Decide by the rows told of the sheet. ``header``: None to find out."""
    head = sheet["head"]
    usual = median(_filled(cells) for _, cells in head)
    start = 0 if usual < 2 else _first_row(head, usual)
    used = [i for i, count in enumerate(sheet["filled"]) if count]
    has_header = header if header is not None else not _is_data(head, start)
    units, end = False, start - 1
    said: tuple[str, ...] = ()
    if has_header:
        end = _last_header(head, start, sheet)
        if end == start and not _merges(sheet, head[start][0]):
            start, end, units = _levels(head, start)
            said = _said(head[start : end + 1], units)
    below = sheet["rows"] - (end + 1)
    columns = _columns(sheet, head[start : end + 1], below, used)
    names = (
        _names(head[start : end + 1 - units], columns, sheet)
        if has_header
        else [f"column_{i - columns[0] + 1}" for i in columns]
    )
    footers = footers_of(sheet, end + 1, _filled(head[start][1]))
    return Layout(
        titles=tuple((line, _texts(cells)) for line, cells in head[:start]),
        headers=tuple((line, _texts(cells)) for line, cells in head[start : end + 1]),
        footers=tuple((line, _texts(cells)) for line, cells in footers),
        names=tuple(names),
        first=columns[0],
        ends=sheet["rows"] - len(footers),
        warnings=(*said, *_beside(names, columns, sheet)),
    )


def is_table(sheet: dict[str, Any]) -> bool:
    """Two rows and two columns at least, and not only a few lines on a cover ("Author | Smith")."""
    rows, wide = sheet["rows"], [i for i, count in enumerate(sheet["filled"]) if count > 1]
    if rows < 2 or len(wide) < 2:
        return False
    if median(_filled(cells) for _, cells in sheet["head"]) < 2:
        return False
    second = {cells[wide[1]][:1] for _, cells in sheet["head"][1:] if len(cells) > wide[1]} - {""}
    return len(wide) > 2 or rows > 30 or len(second) < 2


def _filled(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if cell[1:].strip())


def _texts(cells: Sequence[str]) -> list[str]:
    return [cell[1:] for cell in cells]


def _all_text(cells: Sequence[str]) -> bool:
    return all(cell[0] == "s" for cell in cells if cell)


def _first_row(head: Sequence[Any], usual: float) -> int:
    """The first row that fills more than half of what rows usually fill; a sparse row of texts right above numbers
    is the header all the same.
    """
    for position, (line, cells) in enumerate(head):
        if _filled(cells) > max(1, usual / 2):
            above = head[position - 1] if position else None
            if (
                above
                and above[0] == line - 1
                and _filled(above[1]) > 1
                and _all_text(above[1])
                and not _all_text(cells)
            ):
                return position - 1
            return position
    return 0


def _is_data(head: Sequence[Any], start: int) -> bool:
    """A first row with numbers, dates or booleans in the same columns as the rows below; years may be names."""
    rows = [cells for _, cells in head[start : start + 6]]
    kinds = [cell[:1] for cell in rows[0]]
    odd = [cell[1:] for cell in rows[0] if cell[:1] not in ("s", "")]
    if len(rows) < 2 or not odd or any([cell[:1] for cell in row] != kinds for row in rows[1:]):
        return False
    years = all(re.fullmatch(r"(19|20)\d\d", text) for text in odd) and sorted(set(odd)) == odd
    return not years


def _merges(sheet: dict[str, Any], line: int) -> list[tuple[int, int, int]]:
    """(first column, last column, last line) of merged cells that begin in that line; columns as in the rows."""
    left = sheet["left"]
    return [(a[1] - left, b[1] - left, b[0] + 1) for a, b in sheet["merged"] if a[0] + 1 == line]


def _last_header(head: Sequence[Any], start: int, sheet: dict[str, Any]) -> int:
    """Merged cells tell that the header goes on below."""
    line, width = head[start][0], len(sheet["filled"])
    merges = _merges(sheet, line)
    last = max((end for _, _, end in merges), default=line)
    if any(0 < right - left < width - 1 for left, right, _ in merges):
        last = max(last, line + 1)
    end = start
    while end + 2 < len(head) and head[end + 1][0] <= last and _all_text(head[end + 1][1]):
        end += 1
    return end


def _levels(head: Sequence[Any], start: int) -> tuple[int, int, bool]:
    """First and last row of the header by the rule for text, and whether the last one tells units."""
    width = max(len(cells) for _, cells in head)
    rows = [Record(line, "", (_texts(cells) + [""] * width)[:width]) for line, cells in head]
    near = start > 0 and rows[start - 1].line == rows[start].line - 1 and _filled(head[start - 1][1]) > 1
    for first in (start - 1, start) if near else (start,):
        kinds = lower_kinds(rows[first + 1 :], width)
        if (levels := count_levels(rows[first:], 0, width, kinds, [])) > 1:
            last = first + levels - 1
            return first, last, is_unit_row(rows[last].cells, kinds)
    return start, start, False


def _beside(names: Sequence[str], columns: range, sheet: dict[str, Any]) -> tuple[str, ...]:
    """What to say where an empty column parts columns of the same names or of other height."""
    filled = sheet["filled"]
    for i in (i for i in columns if not filled[i]):
        left, right = range(columns.start, i), range(i + 1, columns.stop)
        twice = {names[j - columns.start] for j in left} & {names[j - columns.start] for j in right} - {""}
        uneven = max((filled[j] for j in left), default=0) != max((filled[j] for j in right), default=0)
        if min(len(left), len(right)) > 1 and (twice or uneven):
            return (
                f"Column {sheet['left'] + i + 1} is empty: two tables may stand side by side; they were read as one.",
            )
    return ()


def _said(headers: Sequence[Any], units: bool) -> tuple[str, ...]:
    said = []
    if units:
        line, cells = headers[-1]
        told = ", ".join(filter(None, _texts(cells)))[:60]
        said.append(f"Row {line} is no record, it tells units: {told}.")
    if len(headers) - units > 1:
        lines = f"rows {headers[0][0]} to {headers[-1 - units][0]}"
        said.append(f"The header stands in {lines}; they were joined to one name a column.")
    return tuple(said)


def _columns(sheet: dict[str, Any], headers: Sequence[Any], below: int, used: Sequence[int]) -> range:
    """From the first to the last column with a name, or filled in most rows."""
    if not headers:
        return range(used[0], used[-1] + 1)
    named = {i for _, cells in headers for i, cell in enumerate(cells) if cell[1:].strip()}
    named |= {right for line, _ in headers for _, right, _ in _merges(sheet, line) if right in used}
    if len(sheet["filled"]) > len(headers[0][1]) and headers[0][1][-1]:  # it goes on beyond what is told
        named |= set(used)
    most = {i for i in used if sheet["filled"][i] > max(below / 2, 1)}
    left = [i for i in most if i < min(named)]
    return range(min([*named, *left]), max(named | most) + 1)


def _names(headers: Sequence[Any], columns: range, sheet: dict[str, Any]) -> list[str]:
    rows = []
    for line, cells in headers:
        texts = _texts(cells) + [""] * (columns.stop - len(cells))
        if len(headers) > 1:
            for left, right, _ in _merges(sheet, line):
                texts[left : right + 1] = [texts[left]] * (min(right, len(texts) - 1) - left + 1)
        rows.append(texts)
    if not any(_merges(sheet, line) for line, _ in headers):
        _spread(rows)
    if len(rows) == 1:
        return rows[0][columns.start : columns.stop]
    return [" ".join(row[i].strip() for row in rows if row[i].strip()) for i in columns]


def _spread(rows: Sequence[list[str]]) -> None:
    """The name of a group stands above the first of its columns."""
    for upper, lower in reversed(list(itertools.pairwise(rows))):
        for i in range(1, len(upper)):
            upper[i] = upper[i] or (upper[i - 1] if lower[i] else "")
