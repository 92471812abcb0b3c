"""Whether a row names columns, by what stands below it."""

import itertools
from collections.abc import Sequence

from sluice.readers.text.kinds import DATE, VALUES, column_kinds, kind
from sluice.readers.text.levels import YEARS
from sluice.readers.text.records import Record
from sluice.readers.text.titles import fits

_FEW = 3  # records that show nothing by their kinds alone


def has_header(found: Sequence[Record], at: int, width: int) -> tuple[bool, str]:
    """False if the first row is clearly a record: its cells are like those below. And what to say if in doubt."""
    row = found[at].cells
    kinds = [kind(cell) for cell in row]
    rows = [r.cells for r in found[at + 1 :] if fits(r, width)]
    if not rows:
        plain = [k in VALUES for k in kinds if k != "empty"]
        return not any(plain) or _rises(row, kinds) or len(found) > at + 1, ""
    below = column_kinds(rows, width)
    typed = [(k, b) for k, b in zip(kinds, below, strict=False) if b not in ("text", "empty")]
    if any(k not in (b, "empty") for k, b in typed) or _is_dates(row, rows, below):
        return True, ""
    if not any(k == b for k, b in typed):
        return _is_named(row, rows)
    # A code of digits and signs names nothing.
    matching = sum(k == b and (k in VALUES or not any(map(str.isalpha, k))) for k, b in typed)
    if not matching and len(rows) < _FEW:
        return True, ""
    years = [c.strip() for c, k in zip(row, kinds, strict=True) if k == "number"]
    headed = _rises(row, kinds) and not any(
        _rises(one, [kind(c) for c in one]) and (len(years[0]) < 4 or one[-1].strip()[:2] == years[-1][:2])
        for one in rows[:20]
    )
    return headed, ""


def _is_dates(row: Sequence[str], rows: Sequence[Sequence[str]], below: Sequence[str]) -> bool:
    """Whether dates (with points they may pass for numbers) stand over all numbers, and none below."""
    numbers = [i for i, k in enumerate(below) if k == "number"]
    over = bool(numbers) and all(i < len(row) and DATE.fullmatch(row[i].strip()) for i in numbers)
    return over and not any(DATE.fullmatch(one[i].strip()) for one in rows for i in numbers)


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
    return steps == {1} or (len(steps) == 1 and steps != {0} and all(v in YEARS for v in values))
