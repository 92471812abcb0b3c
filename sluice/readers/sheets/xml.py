"""Reads a sheet of an .xlsx straight from its XML, a few megabytes at a time: faster than a parser and flat in memory.

Only the usual way of writing is understood (the one of Excel, LibreOffice and the libraries); anything else is
``Unusual`` and left to calamine. Imports nothing of Sluice: see ``sheets.main``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from sluice.readers.sheets.tags import (
    LONGEST,
    PAD,
    QUOTE,
    SLASH,
    SPACE,
    Bytes,
    Ints,
    Unusual,
    number_at,
    says,
    tags_of,
)

CHUNK = 1 << 19
_TAGS = (
    "ro",
    "/r",
    "c ",
    "/c",
    "v>",
    "/v",
    "f>",
    "f ",
    "/f",
    "is",
    "/i",
    "t>",
    "t ",
    "/t",
    "v/",
    "v ",
    "f/",
    "t/",
)
_ROW, _CELL, _VALUE, _VALUE_END, _TEXT, _TEXT_END, _FORMULA, _OTHER = range(1, 9)
_CODES = np.zeros(1 << 16, np.uint8)
for _tag in _TAGS:
    _CODES[_tag.encode()[0] | _tag.encode()[1] << 8] = _OTHER
for _tag, _code in (
    ("ro", _ROW),
    ("c ", _CELL),
    ("v>", _VALUE),
    ("v ", _VALUE),
    ("/v", _VALUE_END),
    ("t>", _TEXT),
    ("t ", _TEXT),
    ("/t", _TEXT_END),
    ("f>", _FORMULA),
    ("f ", _FORMULA),
):
    _CODES[_tag.encode()[0] | _tag.encode()[1] << 8] = _code
NUMBER, SHARED, STRING, INLINE, TRUTH, ERROR = range(6)
_TYPES = {b"n": NUMBER, b"s": SHARED, b"str": STRING, b"inlineStr": INLINE, b"b": TRUTH, b"e": ERROR}
_MERGED = re.compile(rb'<mergeCell ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')


@dataclass(slots=True)
class Cells:
    """The cells of some rows. ``row`` counts the rows of this part from 0, ``lines`` are their numbers in the sheet."""

    data: Bytes
    lines: Ints
    row: Ints
    column: Ints
    kind: Ints
    style: Ints
    start: Ints
    end: Ints
    formulas: int
    """Cells with a formula but no value."""


def chunks(file: IO[bytes], after: bytearray) -> Iterator[bytes]:
    """The XML of a sheet, whole rows at a time; what follows the rows goes to ``after``. Raises Unusual."""
    rest = _start(file)
    known = 0  # bytes of the rest without the end
    done = False
    while not done:
        read = file.read(CHUNK)
        text = rest + read
        stop = text.find(b"</sheetData>", known)
        if stop >= 0:
            done = True
            after += text[stop:]
            text = text[:stop]
        elif not read:
            raise Unusual
        cut = len(text) if done else _row_end(text)
        rest = text[cut:]
        known = max(len(rest) - 12, 0)
        if len(rest) > LONGEST:
            raise Unusual
        if text[:cut].strip():
            yield text[:cut]
    while more := file.read(CHUNK):
        after += more
        if len(after) > LONGEST:
            raise Unusual


def _start(file: IO[bytes]) -> bytes:
    """What was read beyond ``<sheetData>``."""
    head = b""
    while (at := head.find(b"<sheetData")) < 0:
        more = file.read(1 << 16)
        head += more
        if not more or len(head) > CHUNK or b"<!" in head:
            raise Unusual
    head += file.read(100)
    declared = re.match(rb"\s*(\xef\xbb\xbf)?\s*<\?xml[^>]*encoding=[\"']([^\"']+)", head)
    if head[at + 10 : at + 11] != b">" or (declared and declared[2].lower() not in (b"utf-8", b"us-ascii")):
        raise Unusual
    return head[at + 11 :]


def _row_end(text: bytes) -> int:
    end = text.rfind(b"</row>")
    return end + 6 if end >= 0 else 0


def cells_of(text: bytes) -> Cells:
    """The cells of whole rows. Raises Unusual."""
    data = np.frombuffer(text + PAD, np.uint8)
    start, end, key = tags_of(data)
    code = _CODES.take(key)
    if not code.all():
        raise Unusual
    rows, cells = np.flatnonzero(code == _ROW), np.flatnonzero(code == _CELL)
    lines, digits = _lines(data, start[rows])
    owner = np.searchsorted(rows, cells) - 1
    if (owner < 0).any():
        raise Unusual
    column, kind, style = _attributes(data, start[cells], end[cells], lines[owner], digits[owner])
    value_start, value_end = np.zeros(len(cells), np.int64), np.zeros(len(cells), np.int64)
    number = np.cumsum((code == _CELL).view(np.int8), dtype=np.int64) - 1
    for opening, closing, inline in ((_VALUE, _VALUE_END, False), (_TEXT, _TEXT_END, True)):
        found = np.flatnonzero(code == opening)
        found = found[data[end[found] - 1] != SLASH]
        of = number[found]
        if (code[found + 1] != closing).any() or (np.diff(of) == 0).any() or (of < 0).any():
            raise Unusual
        if inline and (kind[of] != INLINE).any():  # a value in its stead is text all the same
            raise Unusual
        value_start[of], value_end[of] = end[found] + 1, start[found + 1]
    formula = number[code == _FORMULA]
    return Cells(
        data,
        lines,
        owner,
        column,
        kind,
        style,
        value_start,
        value_end,
        int((value_start[formula] == 0).sum()),
    )


def _lines(data: Bytes, at: Ints) -> tuple[Ints, Ints]:
    """The number of each row and how many digits it has."""
    if not says(data, at + 4, b' r="').all():
        raise Unusual
    lines, digits = number_at(data, at + 8, 7)
    if (data[at + 8 + digits] != QUOTE).any() or (np.diff(lines) <= 0).any() or (lines < 1).any():
        raise Unusual
    return lines, digits


def _attributes(data: Bytes, at: Ints, end: Ints, line: Ints, digits: Ints) -> tuple[Ints, Ints, Ints]:
    """Column (from 0), kind and style of each cell."""
    end = end - (data.take(end - 1) == SLASH)
    end = end - (data.take(end - 1) == SPACE)
    one, two, three = (data.take(at + k).astype(np.int64) - 64 for k in (6, 7, 8))
    has_two = two > 0
    has_three = has_two & (three > 0)
    column = np.where(has_two, one * 26 + two, one)
    column = np.where(has_three, column * 26 + three, column) - 1
    place = at + 7 + has_two + has_three + digits
    wrong = ~says(data, at + 3, b'r="') | (data.take(place) != QUOTE) | (one < 1) | (one > 26)
    wrong |= (has_two & (two > 26)) | (has_three & (three > 26)) | (column > 16_383)
    wrong |= data.take(place - 1) != line % 10 + 48
    if wrong.any():
        raise Unusual
    kind, style = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
    place += 1
    for _ in range(2):  # in either order
        has = np.flatnonzero((place < end) & says(data, place, b' s="'))
        if len(has):
            style[has], count = number_at(data, place[has] + 4, 6)
            place[has] += 5 + count
        has = np.flatnonzero((place < end) & says(data, place, b' t="'))
        if not len(has):
            break
        for name, number in _TYPES.items():
            these = has[says(data, place[has] + 4, name + b'"')]
            kind[these] = number
            place[these] += 5 + len(name)
    if (place != end).any():
        raise Unusual
    return column, kind, style


def merges(after: bytes) -> list[Any]:
    """Merged ranges as ((row, column), (row, column)), from 0."""
    return [((int(a[2]) - 1, letters(a[1])), (int(a[4]) - 1, letters(a[3]))) for a in _MERGED.finditer(after)]


def letters(name: bytes) -> int:
    """The column with that name, from 0."""
    column = 0
    for letter in name.upper():
        column = column * 26 + letter - 64
    return column - 1
