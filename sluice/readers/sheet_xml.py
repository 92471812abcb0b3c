"""Reads a sheet of an .xlsx straight from its XML, a few megabytes at a time: faster than a parser and flat in memory.

Only the usual way of writing is understood (the one of Excel, LibreOffice and the libraries); anything else is
``Unusual`` and left to calamine. Imports nothing of Sluice: see ``workbook``.
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
CHUNK = 1 << 19
_LONGEST_ROW = 1 << 26
_PAD = b" " * 32
_LT, _GT, _QUOTE, _SLASH, _SPACE = b'<>"/ '
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
_ENTITY = re.compile(r"&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|amp|lt|gt|quot|apos|[^;]{0,20};?);?")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ESCAPED = re.compile(r"_x([0-9a-fA-F]{4})_")
_MERGED = re.compile(rb'<mergeCell ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')


ERRORS = (
    OSError,
    zipfile.BadZipFile,
    KeyError,
    ElementTree.ParseError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


class Unusual(Exception):
    """The XML is valid perhaps, but not written as usual."""


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
        if len(rest) > _LONGEST_ROW:
            raise Unusual
        if text[:cut].strip():
            yield text[:cut]
    while more := file.read(CHUNK):
        after += more
        if len(after) > _LONGEST_ROW:
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


def tags_of(data: Bytes) -> tuple[Ints, Ints, Ints]:
    """Where each tag starts and ends, and its first two characters as one number. Raises Unusual."""
    start, end = np.flatnonzero(data == _LT), np.flatnonzero(data == _GT)
    if len(start) != len(end) or (start > end).any() or (end[:-1] > start[1:]).any():
        raise Unusual
    key = data.take(start + 2).astype(np.int64)
    key <<= 8
    key |= data.take(start + 1)
    return start, end, key


def cells_of(text: bytes) -> Cells:
    """The cells of whole rows. Raises Unusual."""
    data = np.frombuffer(text + _PAD, np.uint8)
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
    for opening, closing, wanted in ((_VALUE, _VALUE_END, False), (_TEXT, _TEXT_END, True)):
        found = np.flatnonzero(code == opening)
        found = found[data[end[found] - 1] != _SLASH]
        of = number[found]
        if (code[found + 1] != closing).any() or (np.diff(of) == 0).any() or (of < 0).any():
            raise Unusual
        if ((kind[of] == INLINE) != wanted).any():
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


def number_at(data: Bytes, at: Ints, most: int) -> tuple[Ints, Ints]:
    """The whole number that starts there, and how many digits it has."""
    value, count = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
    active = np.ones(len(at), np.bool_)
    for k in range(most):
        digit = data.take(at + k).astype(np.int64) - 48
        active &= (digit >= 0) & (digit <= 9)
        if not active.any():
            break
        value = np.where(active, value * 10 + digit, value)
        count += active
    return value, count


def _lines(data: Bytes, at: Ints) -> tuple[Ints, Ints]:
    """The number of each row and how many digits it has."""
    if not _says(data, at + 4, b' r="').all():
        raise Unusual
    lines, digits = number_at(data, at + 8, 7)
    if (data[at + 8 + digits] != _QUOTE).any() or (np.diff(lines) <= 0).any() or (lines < 1).any():
        raise Unusual
    return lines, digits


def _says(data: Bytes, at: Ints, text: bytes) -> npt.NDArray[np.bool_]:
    same: npt.NDArray[np.bool_] = data.take(at) == text[0]
    for k, byte in enumerate(text[1:], 1):
        same &= data.take(at + k) == byte
    return same


def _attributes(data: Bytes, at: Ints, end: Ints, line: Ints, digits: Ints) -> tuple[Ints, Ints, Ints]:
    """Column (from 0), kind and style of each cell."""
    end = end - (data.take(end - 1) == _SLASH)
    end = end - (data.take(end - 1) == _SPACE)
    one, two, three = (data.take(at + k).astype(np.int64) - 64 for k in (6, 7, 8))
    has_two = two > 0
    has_three = has_two & (three > 0)
    column = np.where(has_two, one * 26 + two, one)
    column = np.where(has_three, column * 26 + three, column) - 1
    place = at + 7 + has_two + has_three + digits
    wrong = ~_says(data, at + 3, b'r="') | (data.take(place) != _QUOTE) | (one < 1) | (one > 26)
    wrong |= (has_two & (two > 26)) | (has_three & (three > 26)) | (column > 16_383)
    wrong |= data.take(place - 1) != line % 10 + 48
    if wrong.any():
        raise Unusual
    kind, style = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
    place += 1
    for _ in range(2):  # in either order
        has = np.flatnonzero((place < end) & _says(data, place, b' s="'))
        if len(has):
            style[has], count = number_at(data, place[has] + 4, 6)
            place[has] += 5 + count
        has = np.flatnonzero((place < end) & _says(data, place, b' t="'))
        if not len(has):
            break
        for name, number in _TYPES.items():
            these = has[_says(data, place[has] + 4, name + b'"')]
            kind[these] = number
            place[these] += 5 + len(name)
    if (place != end).any():
        raise Unusual
    return column, kind, style


def slices(data: Bytes, start: Ints, end: Ints) -> pa.StringArray:
    """The pieces of the XML as texts, entities and Excel's own escapes resolved. Raises Unusual."""
    length = end - start
    offsets = np.zeros(len(start) + 1, np.int64)
    np.cumsum(length, out=offsets[1:])
    position = np.repeat(start - offsets[:-1], length) + np.arange(offsets[-1])
    return strings(data[position], offsets)


def strings(content: Bytes, offsets: Ints) -> pa.StringArray:
    """Texts from their bytes. Raises Unusual."""
    return pa.StringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(content)
    )


def resolved(texts: pa.StringArray) -> pa.StringArray:
    """Entities, Excel's ``_x000D_`` and line ends as XML wants them. Raises Unusual."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        raise Unusual from error
    odd = pc.match_substring_regex(texts, r"[&\r]|_x[0-9a-fA-F]{4}_")
    if not pc.any(odd).as_py():
        return texts
    changed = [unescape(text) for text in texts.filter(odd).to_pylist()]
    return pc.replace_with_mask(texts, odd, pa.array(changed, pa.string()))


def unescape(text: str) -> str:
    """One text. Raises Unusual for an entity of the file's own."""
    text = _ENTITY.sub(_entity, text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if any("\ud800" <= c <= "\udfff" for c in text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _entity(found: re.Match[str]) -> str:
    name = found[1]
    if name in _NAMED and found[0].endswith(";"):
        return _NAMED[name]
    if not name.startswith("#") or not found[0].endswith(";"):
        raise Unusual
    code = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    if not 0 < code < 0x110000:
        raise Unusual
    return chr(code)


def shared_strings(file: IO[bytes]) -> pa.StringArray:
    """The texts that cells refer to; those in parts are joined, readings above them left out. Raises Unusual."""
    found: list[pa.Array] = []
    rest = b""
    while True:
        read = file.read(CHUNK)
        text = rest + read
        end = text.rfind(b"</si>") + 5 if read else len(text)
        if end < 5:
            end = 0
        rest = text[end:]
        if len(rest) > _LONGEST_ROW or b"<!" in text[:end]:
            raise Unusual
        if end:
            found.append(resolved(_shared(np.frombuffer(text[:end] + _PAD, np.uint8))))
        if not read:
            return pa.chunked_array(found, pa.string()).combine_chunks()


def _shared(data: Bytes) -> pa.StringArray:
    start, end, key = tags_of(data)
    third = data[start + 3]
    items = key == (ord("s") | ord("i") << 8)
    opens = ((key == (ord("t") | ord(">") << 8)) | (key == (ord("t") | ord(" ") << 8))) & (
        data[end - 1] != _SLASH
    )
    reading = (key == (ord("r") | ord("P") << 8)) & (third == ord("h"))
    read = (key == (ord("/") | ord("r") << 8)) & (third == ord("P")) & (data[start + 4] == ord("h"))
    opens &= (np.cumsum(reading) - np.cumsum(read)) == 0
    texts = np.flatnonzero(opens)
    if not len(texts):
        return pa.array([""] * int(items.sum()), pa.string())
    if (key[texts + 1] != (ord("/") | ord("t") << 8)).any():
        raise Unusual
    of = (np.cumsum(items) - 1)[texts]
    if (of < 0).any():
        raise Unusual
    begins, length = end[texts] + 1, start[texts + 1] - end[texts] - 1
    sizes = np.bincount(of, weights=length, minlength=int(items.sum())).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    before = np.concatenate([[0], np.cumsum(length)])[:-1]
    position = np.repeat(begins - before, length) + np.arange(int(length.sum()))
    return strings(data[position], offsets)


def merges(after: bytes) -> list[Any]:
    """Merged ranges as ((row, column), (row, column)), from 0."""
    return [((int(a[2]) - 1, letters(a[1])), (int(a[4]) - 1, letters(a[3]))) for a in _MERGED.finditer(after)]


def letters(name: bytes) -> int:
    """The column with that name, from 0."""
    column = 0
    for letter in name.upper():
        column = column * 26 + letter - 64
    return column - 1
