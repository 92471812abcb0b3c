"""Headers of several rows: names of groups above names, and units below."""

import itertools
from collections.abc import Sequence

from sluice.readers.text.kinds import VALUES, is_header, kind, typed_columns
from sluice.readers.text.records import Record
from sluice.readers.text.tables import end_line
from sluice.readers.text.titles import fits
from sluice.readers.text.units import is_rule, is_unit_row

YEARS = range(1800, 2200)
_LEVELS = 4
_SEEN = 60  # records whose kinds are looked at


def count_levels(
    found: Sequence[Record], first: int, width: int, kinds: Sequence[str], group: list[str]
) -> int:
    """How many rows from the first on are one header of several rows; 0: no such header."""
    typed = typed_columns(kinds)
    ruled = first + 1 < len(found) and is_rule(found[first + 1].cells)
    if not (typed or ruled) or any(kind(found[first].cells[i]) in ("date", "link") for i in typed):
        return 0
    upper, rows = group or filled(found[first].cells), 1
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


def group_above(found: Sequence[Record], first: int, width: int, kinds: Sequence[str]) -> list[str]:
    """The names of groups right above the header, where the row ends with its last name."""
    if not first or not is_header(found[first].cells, kinds):
        return []
    row = found[first - 1]
    cells = filled(row.cells)
    near = not row.reason and end_line(row) + 1 == found[first].line
    if not near or len(cells) > width or len(list(filter(None, cells))) < 2 or not cells[-1]:
        return []
    apart = any(not a and b for a, b in itertools.pairwise(cells))
    return cells + [""] * (width - len(cells)) if apart and kind(cells[0]) in ("text", "empty") else []


def filled(cells: Sequence[str]) -> list[str]:
    """The cells without spaces around them."""
    return [cell.strip() for cell in cells]


def _is_level(upper: Sequence[str], row: Record, body: Sequence[Record], kinds: Sequence[str]) -> bool:
    """Whether a row goes on with the names above: it tells columns apart that have none or the same so far, with words
    where all records have values of a kind.
    """
    cells = filled(row.cells)
    typed = typed_columns(kinds)
    gaps = [i for i, name in enumerate(upper) if cells[i] and (not name or upper.count(name) > 1)]
    if not gaps:
        return False
    if _complements(upper, cells, body):
        return True
    words = [i for i in typed if cells[i] and kind(cells[i]) not in VALUES]
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


def _complements(upper: Sequence[str], cells: Sequence[str], body: Sequence[Record]) -> bool:
    """Whether a row holds words for just the columns without name so far, several, which no record has."""
    gaps = [i for i, name in enumerate(upper) if not name]
    words = [i for i, cell in enumerate(cells) if kind(cell) == "text"]
    again = any(i < len(r.cells) and r.cells[i].strip() in ("", cells[i]) for r in body[:_SEEN] for i in gaps)
    plain = not any(cell for i, cell in enumerate(cells) if i not in gaps)
    return len(gaps) > 1 and words == gaps and plain and not again


def _is_code(cell: str) -> bool:
    return kind(cell) not in VALUES or _is_year(cell.strip())


def _is_year(cell: str) -> bool:
    return cell.isdecimal() and len(cell) == 4 and int(cell) in YEARS
