"""How many columns a table has, where its header and its records have different numbers of cells."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sluice.readers.text.kinds import kind, typed_columns
from sluice.readers.text.records import Record

_HABIT = 3  # records that make a habit
_NEARLY_ALL = 0.9
_KEY = re.compile(
    r"(.*[\W_])?(id|key|index|idx|no|nr|num|number|name|code|date|time|day|year|#)", re.IGNORECASE
)


class Columns(NamedTuple):
    """The names; how many (mostly empty) cells the records have beyond them, or how many cells all records lack at
    their end; what to say.
    """

    names: list[str]
    padding: int = 0
    lacking: int = 0
    warnings: tuple[str, ...] = ()


def usual_width(found: Sequence[Record]) -> int:
    """The width of most records that hold a value; one cell counts only where nothing is split."""
    plain = [r for r in found if not r.raw.startswith("#")] or found  # comments may be many
    good = [r.cells for r in plain if not r.reason]
    widths = Counter(map(len, filter(any, good))) or Counter(map(len, good))
    split = {w: n for w, n in widths.items() if w > 1}
    if not split:
        return 1
    return max(split, key=lambda w: split[w])  # of a draw the first, where the header is


def named_width(found: Sequence[Record], known: int) -> int:
    """The table's width: that of most records, or of the names above if most records leave out cells at their end."""
    usual, top = known or usual_width(found), found[0]
    names = [cell.strip() for cell in top.cells]
    wide = len(names) > usual > 1 and not top.reason and len(set(names)) == len(names) and all(names)
    widths = Counter(len(r.cells) for r in found[1:] if not r.reason)
    full = widths[len(names)] > 1 and all(w <= len(names) for w in widths)
    return len(names) if wide and full and all(kind(name) == "text" for name in names) else usual


def fitted(header: Sequence[str], body: Sequence[Record]) -> Columns:
    """The columns of records below a header that may be wider or narrower than they are."""
    names = list(header)
    while len(names) > 1 and not names[-1].strip():
        names.pop()
    rows = [r.cells for r in body if not r.reason and any(r.cells)]
    widths = Counter(map(len, rows))
    usual = max(widths, key=lambda w: widths[w], default=len(names))
    habit = widths[usual] >= max(_HABIT, _NEARLY_ALL * len(rows))
    if usual < len(names):
        return _lacking(names, usual) if habit and usual > 1 else Columns(names)
    alike = [row for row in rows if len(row) == usual]
    if sum(any(row[len(names) :]) for row in alike) * 2 <= len(alike):
        return Columns(names, padding=usual - len(names))
    if usual > len(header) > 1 and habit and not all(c[:1] == " " for r in alike for c in r[len(header) :]):
        return _unnamed(list(header), alike)
    return Columns(list(header))


def _lacking(names: list[str], usual: int) -> Columns:
    lost = ", ".join(names[usual:])[:60]
    said = f"The header has {len(names)} cells, the records have {usual}: nothing stands under {lost}."
    return Columns(names, lacking=len(names) - usual, warnings=(said,))


def _unnamed(names: list[str], rows: Sequence[Sequence[str]]) -> Columns:
    """One name less than cells: as R and pandas have it, rows are named in a first column that has no name itself.
    They are not where its texts recur, or the first name is one for such a column. Then the last columns have none.
    """
    more = len(rows[0]) - len(names)
    first = [row[0].strip() for row in rows]
    named = (
        more == 1 and all(first) and len(set(first)) == len(first) and not _KEY.fullmatch(names[0].strip())
    )
    place = "first" if named else "last"
    said = (
        f"The header has {len(names)} cells, the records have {len(rows[0])}: the {place} "
        f"{'column has' if more == 1 else f'{more} columns have'} no name."
    )
    return Columns([""] * more + names if named else names + [""] * more, warnings=(said,))


def leaves_out(body: Sequence[Record], width: int, kinds: Sequence[str]) -> bool:
    """Whether the file's writer leaves out empty cells at the end of a record: it never writes one."""
    good = [r.cells for r in body if not r.reason and len(r.cells) > 1]
    short = [row for row in good if len(row) < width]
    full = [row for row in good if len(row) == width]
    if len(short) < _HABIT or not full or any(not row[-1].strip() for row in full):
        return False
    typed = typed_columns(kinds)
    return bool(typed) and all(
        kind(row[i]) in (kinds[i], "empty") for row in short for i in typed if i < len(row)
    )
