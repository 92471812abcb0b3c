"""Which rows of delimited text name its columns, and where they begin."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from sluice.readers.text.dialect import column_kinds, is_header, kind
from sluice.readers.text.records import Record
from sluice.readers.text.tables import end_line
from sluice.readers.text.titles import after_notes, fits, is_title
from sluice.readers.text.units import is_rule, is_unit_row

PLAIN = ("number", "date", "time", "link")
_FEW = 3  # records that show nothing by their kinds alone
_YEARS = range(1800, 2200)
_LEVELS = 4
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
        headed, doubt = (wanted, "") if wanted is not None else _has_header(found, 0, width)
        return Heading(0, int(headed), list(found[0].cells), _said(doubt, found[0].cells))
    first = next((i for i, r in enumerate(found) if fits(r, width) and not is_title(found, i, width)), 0)
    kinds = lower_kinds(found[first + 1 :], width)
    first = after_notes(found, first, width, kinds)
    if wanted is False:
        return Heading(first, 0, [])
    group = _group_above(found, first, width, kinds)
    rows = _levels(found, first, width, kinds, group)
    if rows or group:
        return _joined(found, first, rows or 1, group, kinds)
    typed = [r.cells for r in found[first + 1 :] if fits(r, width)]
    clear = typed and is_header(found[first].cells, column_kinds(typed, width))
    if first and not clear and _may_head(found, first, width):
        return Heading(first - 1, 1, list(found[first - 1].cells))
    headed, said = (wanted, "") if wanted is not None else _has_header(found, first, width)
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
    lower = [r for r in good[len(good) // 2 :] if all(c.strip() for c in r)] or good[len(good) // 2 :]
    return column_kinds(lower[:_SEEN], width) if len(lower) > 1 else ["text"] * width


def _levels(found: Sequence[Record], first: int, width: int, kinds: Sequence[str], group: list[str]) -> int:
    """How many rows from the first on are one header of several rows; 0: no such header."""
    typed = [i for i, k in enumerate(kinds) if k not in ("text", "empty")]
    if not typed or any(kind(found[first].cells[i]) in ("date", "link") for i in typed):
        return 0
    upper, rows = group or _filled(found[first].cells), 1
    for at in range(first + 1, min(first + _LEVELS, len(found) - 1)):
        row, body = found[at], found[at + 1 :]
        if row.line != end_line(found[at - 1]) + 1 or not fits(row, width):
            break
        if not (is_rule(row.cells) or _is_level(upper, row, body, kinds) or is_unit_row(row.cells, kinds)):
            break
        rows += 1
        if not is_rule(row.cells):
            upper = [f"{a} {b}".strip() for a, b in zip(upper, row.cells, strict=True)]
    return rows if rows > 1 and all(upper[i] for i in typed) else 0


def _filled(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def _is_level(upper: Sequence[str], row: Record, body: Sequence[Record], kinds: Sequence[str]) -> bool:
    """Whether a row goes on with the names above: it tells columns apart that have none or the same so far, with words
    where all records have values of a kind.
    """
    cells = _filled(row.cells)
    typed = [i for i, k in enumerate(kinds) if k not in ("text", "empty")]
    gaps = [i for i, name in enumerate(upper) if cells[i] and (not name or upper.count(name) > 1)]
    if not gaps:
        return False
    words = [i for i in typed if cells[i] and kind(cells[i]) not in PLAIN]
    years = [i for i in typed if _is_year(cells[i])]
    if years and all(_is_year(r.cells[i].strip()) for r in body[:_SEEN] for i in years if i < len(r.cells)):
        return False
    named = all(kind(c) in ("text", "empty") or _is_code(c) for c in upper)
    strange = all(not cells[i] or i in words or i in years for i in typed)
    return (
        named
        and strange
        and len(words) + len(years) > 1
        and not any(kind(c) in ("date", "link") for c in cells)
    )


def _is_code(cell: str) -> bool:
    return kind(cell) not in PLAIN or _is_year(cell.strip())


def _is_year(cell: str) -> bool:
    return cell.isdecimal() and len(cell) == 4 and int(cell) in _YEARS


def _group_above(found: Sequence[Record], first: int, width: int, kinds: Sequence[str]) -> list[str]:
    """The names of groups right above the header, where the row ends with its last name."""
    if not first or not is_header(found[first].cells, kinds):
        return []
    row = found[first - 1]
    cells = _filled(row.cells)
    near = not row.reason and end_line(row) + 1 == found[first].line
    if not near or len(cells) > width or len(list(filter(None, cells))) < 2 or not cells[-1]:
        return []
    apart = any(not a and b for a, b in itertools.pairwise(cells))
    return cells + [""] * (width - len(cells)) if apart and kind(cells[0]) in ("text", "empty") else []


def _joined(
    found: Sequence[Record], first: int, rows: int, group: list[str], kinds: Sequence[str]
) -> Heading:
    """One name a column, of all levels; an empty group cell is that of the group at its left. Units are no names."""
    plain = [r for r in found[first : first + rows] if not is_rule(r.cells)]
    last = plain.pop() if len(plain) > 1 and is_unit_row(plain[-1].cells, kinds) else None
    levels = ([group] if group else []) + [_filled(r.cells) for r in plain]
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
    own = all(name and name == name.strip() and kind(name) not in PLAIN for name in names)
    begin = {kind(r.cells[0]) if r.cells else "" for r in above[1:]}
    return 1 < len(names) == len(set(names)) and own and len(begin) == 1 and begin <= set(PLAIN)


def _has_header(found: Sequence[Record], at: int, width: int) -> tuple[bool, str]:
    """False if the first row is clearly a record: its cells are like those below. And what to say if in doubt."""
    row = found[at].cells
    kinds = [kind(cell) for cell in row]
    rows = [r.cells for r in found[at + 1 :] if fits(r, width)]
    if not rows:
        plain = [k in PLAIN for k in kinds if k != "empty"]
        return not any(plain) or _rises(row, kinds) or len(found) > at + 1, ""
    below = column_kinds(rows, width)
    typed = [(k, b) for k, b in zip(kinds, below, strict=False) if b not in ("text", "empty")]
    if any(k not in (b, "empty") for k, b in typed):
        return True, ""
    if not any(k == b for k, b in typed):
        return _is_named(row, rows)
    matching = sum(k == b and k in PLAIN for k, b in typed)
    if not matching and len(rows) < _FEW:
        return True, ""
    years = [c.strip() for c, k in zip(row, kinds, strict=True) if k == "number"]
    headed = _rises(row, kinds) and not any(
        _rises(one, [kind(c) for c in one]) and (len(years[0]) < 4 or one[-1].strip()[:2] == years[-1][:2])
        for one in rows[:20]
    )
    return headed, ""


def _is_named(row: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[bool, str]:
    """Whether a row of texts above texts holds names: a cell that recurs below in its column is a value."""
    title = list(row)[: len(rows[0])]
    others = [one for one in rows if list(one) != title]
    texts = [(i, cell.strip()) for i, cell in enumerate(title) if cell.strip()]
    again = [i for i, cell in texts if any(one[i].strip() == cell for one in others)]
    digits = [i for i, c in texts if " " in c and _digits(c) and all(_digits(one[i]) for one in others)]
    values = {i for i, cell in texts if kind(cell) in ("date", "link") or len(cell) > 60}
    if (again or digits or values) and len(others) > 1:
        return False, ""
    shapes = [(_shape(cell), {_shape(one[i]) for one in others if one[i].strip()}) for i, cell in texts]
    if not others or any(shape not in below for shape, below in shapes):
        return True, ""
    return True, "The first row was taken for the header, though nothing shows that it is one (header=false)."


def _digits(cell: str) -> bool:
    return any(map(str.isdigit, cell))


def _shape(cell: str) -> str:
    """How a text is written: its first letter's case, and whether it has digits or words apart."""
    text = cell.strip()
    letter = "A" if text[0].isupper() else "a" if text[0].islower() else text[0]
    return f"{letter}{_digits(text)}{' ' in text}{'_' in text}{text.isupper()}"


def _rises(row: Sequence[str], kinds: Sequence[str]) -> bool:
    """Numbers that name columns: years, or one more than the last."""
    numbers = [cell.strip() for cell, k in zip(row, kinds, strict=False) if k == "number"]
    if len(numbers) < 2 or not all(n.isdecimal() and len(n) < 9 for n in numbers):
        return False
    values = [int(n) for n in numbers]
    steps = {b - a for a, b in itertools.pairwise(values)}
    return steps == {1} or (len(steps) == 1 and steps != {0} and all(v in _YEARS for v in values))
