"""Rows below the table of a sheet that are no records: notes and totals."""

import re
from collections.abc import Sequence
from typing import Any

_TOTAL = re.compile(r"(grand |sub ?)?(totals?|sum|summe|gesamt|insgesamt|somme|totale|suma)\b.{0,20}", re.I)
_NOTE = re.compile(
    r"[*†©¹²³]|\(?(notes?|source|sources|quelle|nota|remark|legend|generated|exported|last updated)\b", re.I
)
_NOTES = 10  # rows of text below a blank one that are no records


def footers_of(sheet: dict[str, Any], first: int, usual: int) -> list[Any]:
    """Rows at the end that cannot be records: texts of one cell from a blank row or a note on, and totals that lack
    what every record has. Where records fill two cells, only a note below a blank row is surely none.
    """
    tail = sheet["tail"]
    body = max(sheet["rows"] - first, 0)
    candidates = tail[max(len(tail) - body, 0) :][1:]  # one record stays
    before = {line: tail[i - 1][0] for i, (line, _) in enumerate(tail) if i}
    found: list[Any] = []
    begin = 0
    for line, cells in reversed(candidates):
        texts = [cell for cell in cells if cell]
        total = (
            texts and _TOTAL.fullmatch(texts[0][1:].strip()) and _lacks(cells, line, sheet["head"][first:])
        )
        single = usual >= 2 and len(texts) == 1 and texts[0][0] == "s"
        if not (total or single):
            break
        found.insert(0, [line, cells])
        gap = before[line] < line - 1 and len(found) <= _NOTES
        note = bool(_NOTE.match(texts[0][1:].strip()))
        if total or ((gap or note) if usual > 2 else (gap and note)):
            begin = len(found)
    return found[len(found) - begin :]


def _lacks(cells: Sequence[str], line: int, records: Sequence[Any]) -> bool:
    """Whether a column is empty that all first records above fill."""
    above = [other for number, other in records[:20] if number < line]
    return bool(above) and any(
        not cell and all(len(o) > i and o[i] for o in above) for i, cell in enumerate(cells)
    )
