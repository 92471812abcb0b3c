"""Where the table of a sheet is: titles above, header rows, columns, notes and totals below."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

_TOTAL = re.compile(r"(grand |sub ?)?(totals?|sum|summe|gesamt|insgesamt|somme|totale|suma)\b.{0,20}", re.I)
_NOTE = re.compile(
    r"[*†©¹²³]|\(?(notes?|source|sources|quelle|nota|remark|legend|generated|exported|last updated)\b", re.I
)


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


def lay_out(sheet: dict[str, Any], header: bool | None) -> Layout:
    """Decide by the rows told of the sheet. ``header``: None to find out."""
    head = sheet["head"]
    usual = median(_filled(cells) for _, cells in head)
    start = 0 if usual < 2 else _first_row(head, usual)
    used = [i for i, count in enumerate(sheet["filled"]) if count]
    has_header = header if header is not None else not _is_data(head, start)
    end = _last_header(head, start, sheet) if has_header else start - 1
    below = sheet["rows"] - (end + 1)
    columns = _columns(sheet, head[start : end + 1], below, used)
    names = (
        _names(head[start : end + 1], columns, sheet)
        if has_header
        else [f"column_{i - columns[0] + 1}" for i in columns]
    )
    footers = _footers(sheet, end + 1, _filled(head[start][1]))
    return Layout(
        titles=tuple((line, _texts(cells)) for line, cells in head[:start]),
        headers=tuple((line, _texts(cells)) for line, cells in head[start : end + 1]),
        footers=tuple((line, _texts(cells)) for line, cells in footers),
        names=tuple(names),
        first=columns[0],
        ends=sheet["rows"] - len(footers),
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
    if len(rows) == 1:
        return rows[0][columns.start : columns.stop]
    return [" ".join(row[i].strip() for row in rows if row[i].strip()) for i in columns]


def _footers(sheet: dict[str, Any], first: int, usual: int) -> list[Any]:
    """Rows at the end that cannot be records: one cell of text where records fill three or more, or a total that
    lacks what every record has.
    """
    tail = sheet["tail"]
    body = max(sheet["rows"] - first, 0)
    candidates = tail[max(len(tail) - body, 0) :][1:]  # one record stays
    found: list[Any] = []
    before = {line: tail[i - 1][0] for i, (line, _) in enumerate(tail) if i}
    for line, cells in reversed(candidates):
        texts = [cell for cell in cells if cell]
        gap = before.get(line, line) < line - 1
        note = (
            usual >= 3
            and len(texts) == 1
            and texts[0][0] == "s"
            and (gap or found or _NOTE.match(texts[0][1:].strip()))
        )
        total = (
            texts and _TOTAL.fullmatch(texts[0][1:].strip()) and _lacks(cells, line, sheet["head"][first:])
        )
        if not (note or total):
            break
        found.insert(0, [line, cells])
    return found


def _lacks(cells: Sequence[str], line: int, records: Sequence[Any]) -> bool:
    """Whether a column is empty that all first records above fill."""
    above = [other for number, other in records[:20] if number < line]
    return bool(above) and any(
        not cell and all(len(o) > i and o[i] for o in above) for i, cell in enumerate(cells)
    )
