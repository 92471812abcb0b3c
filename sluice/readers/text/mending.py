"""Records with too many or too few cells, mended where one reading is clearly right."""

from collections.abc import Sequence

from sluice.readers.text.kinds import kind
from sluice.readers.text.layout import Layout
from sluice.readers.text.records import Record


def mend(record: Record, layout: Layout) -> tuple[list[str], str]:
    """The record's cells and the name of the repair; '' if none is clearly right."""
    cells, width = record.cells, len(layout.header)
    if len(cells) < width:
        if layout.short and _ends_early(cells, layout.kinds):
            return cells + [""] * (width - len(cells)), "short_record"
        if layout.lacking and len(cells) == width - layout.lacking:
            return cells + [""] * layout.lacking, "short_record"
        return cells, ""
    if not any(cell.strip() for cell in cells[width:]):
        return cells[:width], "empty_cells_at_the_end"
    quote = layout.dialect.quote
    if quote and quote in record.raw:
        return cells, ""
    return _rejoined(cells, layout)


def _rejoined(cells: list[str], layout: Layout) -> tuple[list[str], str]:
    """A delimiter stands in the only column of free text: every other way of joining puts a cell in a wrong column."""
    width, delimiter, kinds = len(layout.header), layout.dialect.delimiter, layout.kinds
    more = len(cells) - width
    if more > width + 5 or all(k in ("text", "empty") for k in kinds):
        return cells, ""
    before = _fitting(cells, kinds)
    after = _fitting(cells[::-1], kinds[::-1])
    places = range(max(width - 1 - after, 0), min(before, width - 1) + 1)
    texts = [place for place in places if kinds[place] == "text"]
    if len(texts) != 1:
        return cells, ""
    place = texts[0]
    ways = {at: delimiter.join(cells[at : at + more + 1]) for at in places}
    if any(at != place and _is_like(text, kinds[at]) for at, text in ways.items()):
        return cells, ""
    # At the end, a cell too many may as well be one that has no column.
    if place == width - 1 and not all(cell[:1] == " " for cell in cells[width:]):
        return cells, ""
    return [*cells[:place], ways[place], *cells[place + more + 1 :]], "joined_cells"


def _fitting(cells: Sequence[str], kinds: Sequence[str]) -> int:
    """How many cells from the first on are like their columns."""
    for place, (cell, k) in enumerate(zip(cells, kinds, strict=False)):
        if k != "text" and not _is_like(cell, k):
            return place
    return len(kinds)


def _is_like(cell: str, wanted: str) -> bool:
    return wanted == "text" or kind(cell) in (wanted, "empty")


def _ends_early(cells: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether the cells are like their columns, and fit them better than they fit with a cell left out before."""
    if not all(_is_like(cell, k) for cell, k in zip(cells, kinds, strict=False)):
        return False
    gap, better = len(kinds) - len(cells), 0
    for place, cell in reversed(list(enumerate(cells))):  # the cells from here on, moved to the end
        if not _is_like(cell, kinds[place + gap]):
            return True
        better += _matches(cell, kinds[place + gap]) - _matches(cell, kinds[place])
        if better > 0:
            return False
    return True


def _matches(cell: str, wanted: str) -> bool:
    return wanted not in ("text", "empty") and kind(cell) == wanted
