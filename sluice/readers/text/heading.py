"""Which rows of delimited text name its columns, and where they begin."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from sluice.readers.text.kinds import VALUES, column_kinds, is_header, kind
from sluice.readers.text.levels import count_levels, filled, group_above
from sluice.readers.text.names import has_header
from sluice.readers.text.records import Record
from sluice.readers.text.tables import end_line
from sluice.readers.text.titles import after_notes, fits, is_title
from sluice.readers.text.units import is_rule, is_unit_row

_SEEN = 60  # records whose kinds are looked at
_LONG = 1_000  # characters that no name of a column has


class Heading(NamedTuple):
    """``rows`` header rows (0: none) from the ``first`` on; ``names``: their cells, joined to one name a column."""

    first: int
    rows: int
    names: list[str]
    warnings: tuple[str, ...] = ()


def find_heading(found: Sequence[Record], width: int, wanted: bool | None) -> Heading:
    """Where the table begins, and with which header; ``wanted``: whether there is one, if known."""
    if width == 1:
        headed, doubt = (wanted, "") if wanted is not None else has_header(found, 0, width)
        return Heading(0, int(headed), list(found[0].cells), _said(doubt, found[0].cells))
    first = next((i for i, r in enumerate(found) if fits(r, width) and not is_title(found, i, width)), 0)
    kinds = lower_kinds(found[first + 1 :], width)
    first = after_notes(found, first, width, kinds)
    if wanted is False:
        return Heading(first, 0, [])
    group = group_above(found, first, width, kinds)
    rows = count_levels(found, first, width, kinds, group)
    if rows or group:
        return _joined(found, first, rows or 1, group, kinds)
    typed = [r.cells for r in found[first + 1 :] if fits(r, width)]
    clear = typed and is_header(found[first].cells, column_kinds(typed, width))
    if first and not clear and _may_head(found, first, width):
        return Heading(first - 1, 1, list(found[first - 1].cells))
    headed, said = (wanted, "") if wanted is not None else has_header(found, first, width)
    if not headed and _names_others(found[: first + 1]):
        return Heading(0, 1, list(found[0].cells))
    return Heading(first, int(headed), list(found[first].cells), _said(said, found[first].cells))


def _said(doubt: str, cells: Sequence[str]) -> tuple[str, ...]:
    long = [i for i, cell in enumerate(cells, 1) if len(cell) > _LONG]
    told = f"The name of column {long[0]} has {len(cells[long[0] - 1]):,} characters." if long else ""
    return tuple(filter(None, (doubt, told)))


def lower_kinds(rows: Sequence[Record], width: int) -> list[str]:
    """The kinds of the columns by the lower half of the rows, where no header is; all ``text`` if that is one row."""
    good = [r.cells for r in rows if fits(r, width)]
    half = good[len(good) // 2 :]
    lower = list(itertools.islice((r for r in half if all(map(str.strip, r))), _SEEN)) or half
    return column_kinds(lower[:_SEEN], width) if len(lower) > 1 else ["text"] * width


def _joined(
    found: Sequence[Record], first: int, rows: int, group: list[str], kinds: Sequence[str]
) -> Heading:
    """One name a column, of all levels; an empty group cell is that of the group at its left. Units are no names."""
    plain = [r for r in found[first : first + rows] if not is_rule(r.cells)]
    last = plain.pop() if len(plain) > 1 and is_unit_row(plain[-1].cells, kinds) else None
    levels = ([group] if group else []) + [filled(r.cells) for r in plain]
    for upper, lower in reversed(list(itertools.pairwise(levels))):
        for i in range(1, len(upper)):
            upper[i] = upper[i] or (upper[i - 1] if lower[i] else "")
    begin, said = first - bool(group), []
    if last:
        said.append(
            f"Line {last.line} is no record, it tells units: {', '.join(filter(None, last.cells))[:60]}."
        )
    names = list(plain[0].cells)
    if len(levels) > 1:
        names = [" ".join(filter(None, column)) for column in zip(*levels, strict=True)]
        lines = f"lines {found[begin].line} to {end_line(plain[-1])}"
        said.append(f"The header stands in {lines}; its rows were joined to one name a column.")
    return Heading(begin, rows + bool(group), names, tuple(said))


def _may_head(found: Sequence[Record], first: int, width: int) -> bool:
    """A row of another width right before the first usual one is its header if it has several names."""
    row, below = found[first - 1], found[first]
    if below.line != end_line(row) + 1:
        return False
    if row.reason:
        return first == 1
    named = [cell for cell in row.cells if cell.strip()]
    texts = sum(kind(cell) not in ("number", "date", "time") for cell in named)
    return len(named) > 1 and texts == len(named) and (first == 1 or len(named) >= width - 1)


def _names_others(above: Sequence[Record]) -> bool:
    """Whether the first row names columns of other width than the last: all below it begin with a value of one kind."""
    if len(above) < 2 or above[1].line != end_line(above[0]) + 1 or above[0].reason:
        return False
    names = above[0].cells
    own = all(name and name == name.strip() and kind(name) not in VALUES for name in names)
    begin = {kind(r.cells[0]) if r.cells else "" for r in above[1:]}
    return 1 < len(names) == len(set(names)) and own and len(begin) == 1 and begin <= set(VALUES)
