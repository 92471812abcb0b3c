"""Titles and metadata above a table that have as many cells as the table."""

from collections.abc import Sequence

from sluice.readers.text.kinds import VALUES, kind, typed_columns
from sluice.readers.text.records import Record

_MOST = 30  # lines of metadata that have the table's width by chance


def fits(record: Record, width: int) -> bool:
    """Whether the record has so many clear cells; broken bytes do not matter."""
    return len(record.cells) == width and record.reason in ("", "bad_encoding")


def is_title(found: Sequence[Record], at: int, width: int) -> bool:
    """A title or its metadata, padded with empty cells to the width of the table that begins below."""
    filled = [i for i, cell in enumerate(found[at].cells) if cell.strip()]
    if width < 3 or filled not in ([], [0], [1], [0, 1][: width - 2]):
        return False
    if filled == [1] and (kind(found[at].cells[1]) in VALUES or not _is_named_below(found, at)):
        return False
    below = [sum(bool(c.strip()) for c in r.cells) for r in found[at + 1 : at + 12] if fits(r, width)]
    usual = sorted(below)[len(below) // 2] if below else 0
    return usual > len(filled) + 1 and max(below) >= width - 1


def _is_named_below(found: Sequence[Record], at: int) -> bool:
    """Whether the next row names all columns, so that a name above all but the first would tell nothing."""
    cells = next((r.cells for r in found[at + 1 :] if any(map(str.strip, r.cells))), [])
    return all(map(str.strip, cells)) and len(set(cells)) == len(cells)


def after_notes(found: Sequence[Record], first: int, width: int, kinds: Sequence[str]) -> int:
    """Where the header is that follows rows which are clearly neither header nor records; else ``first``."""
    for at in range(first + 1, min(first + _MOST, len(found) - 2)):
        row = found[at]
        if not fits(row, width):
            continue
        if _agrees(row.cells, kinds):
            break
        above = [r.cells for r in found[first:at] if fits(r, width)]
        if _is_names(row.cells, kinds) and _is_notes(above):
            return at
    return first


def _agrees(cells: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether it may be a record: nothing speaks against it."""
    return all(kind(cells[i]) in (kinds[i], "empty") for i in typed_columns(kinds))


def _is_names(cells: Sequence[str], kinds: Sequence[str]) -> bool:
    """A full row of words of its own, where the records below have values of a kind."""
    words = [cell.strip() for cell in cells]
    plain = all(word and kind(word) not in VALUES for word in words)
    return plain and bool(typed_columns(kinds)) and len(set(words)) == len(words) and words == list(cells)


def _is_notes(above: Sequence[Sequence[str]]) -> bool:
    """Whether one of the rows above can't be the header: it holds a value, is a sentence cut at commas, or some end
    early.
    """
    for cells in above:
        value = cells[0].strip() and any(kind(c) in VALUES for c in cells[1:])
        sentence = all(c[:1] == " " for c in cells[1:]) and " " in cells[0].strip()
        early = len(above) > 1 and _is_early(cells)
        if (value and len(cells) < 4) or sentence or early or cells[0].rstrip().endswith(":"):
            return True
    return False


def _is_early(cells: Sequence[str]) -> bool:
    """Filled from the left, and then empty."""
    filled = [bool(cell.strip()) for cell in cells]
    return not filled[-1] and filled == sorted(filled, reverse=True)
