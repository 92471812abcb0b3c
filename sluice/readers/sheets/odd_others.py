"""Cells of .ods and .xls files that calamine gives as nothing or not as written.

Imports nothing of Sluice but ``odd``.
"""

import re
import struct
import zipfile
from typing import Any
from xml.parsers import expat

from sluice.readers.sheets.odd import Odd

_WORTH = re.compile(rb'value-type="(?:error|time)"|<text:tab|\bvalue="-?\d{16}')
_LENGTH = re.compile(r"(-?)P(?:(\d+)D)?T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?")
_SPACES = 10_000  # in a row
_FORMULA, _ERROR, _SHEET, _SECRET, _BEGIN, _END = 0x06, 0x205, 0x85, 0x2F, 0x809, 0x0A
CODES = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}


class Protected(Exception):
    """The workbook needs a password."""


class OdsCells:
    """Errors, lengths of time, texts with tabs and long whole numbers of every sheet, by its name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.sheets: dict[str, Odd] = {}
        self._odd = Odd()
        self._row = self._column = 0
        self._height = self._width = 1
        self._found: list[tuple[int, int, str]] = []
        self._error = False
        self._words: list[str] = []
        self._paragraphs, self._inside = 0, False
        self._note = 0
        if not self._worth(archive):
            return
        parser = expat.ParserCreate(namespace_separator=None)
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        with archive.open("content.xml") as file:
            parser.ParseFile(file)

    def _worth(self, archive: zipfile.ZipFile) -> bool:
        with archive.open("content.xml") as file:
            rest = b""
            while chunk := file.read(1 << 20):
                if _WORTH.search(rest + chunk):
                    return True
                rest = chunk[-60:]
        return False

    def _start(self, tag: str, given: dict[str, str]) -> None:
        match tag:
            case "table:table":
                self._odd = self.sheets.setdefault(given.get("table:name", ""), Odd())
                self._row = 0
            case "table:table-row":
                self._height, self._column = int(given.get("table:number-rows-repeated", 1)), 0
                self._found = []
            case "table:table-cell" | "table:covered-table-cell":
                self._width = int(given.get("table:number-columns-repeated", 1))
                self._cell(given)
            case "office:annotation":
                self._note += 1
            case "text:p" if not self._note:
                if self._paragraphs:
                    self._words.append("\n")
                self._paragraphs += 1
                self._inside = True
            case "text:s":
                self._text(" " * min(int(given.get("text:c", 1)), _SPACES))
            case "text:tab":
                self._text("\t")
            case "text:line-break":
                self._text("\n")

    def _cell(self, given: dict[str, str]) -> None:
        self._error, self._words = given.get("calcext:value-type") == "error", []
        self._paragraphs = 0
        number, length = given.get("office:value", ""), given.get("office:time-value", "")
        if found := _LENGTH.fullmatch(length):
            self._add(_clock(*found.groups()))
        elif re.fullmatch(r"-?\d{16,}", number):
            self._add(number)

    def _add(self, text: str) -> None:
        if self._width > 16_384:
            self._odd.unplaced = True
        else:
            self._found += [(self._column + i, self._width, text) for i in range(self._width)]

    def _text(self, text: str) -> None:
        if self._inside and not self._note:
            self._words.append(text)

    def _end(self, tag: str) -> None:
        match tag:
            case "table:table-cell" | "table:covered-table-cell":
                if self._error:
                    self._add("".join(self._words).strip())
                elif "\t" in self._words:
                    self._add("".join(self._words))
                self._column += self._width
            case "table:table-row":
                cells = [(column, text) for column, _, text in self._found]
                if cells and self._height > 10_000:
                    self._odd.unplaced = True
                elif cells:
                    for line in range(self._row + 1, self._row + self._height + 1):
                        self._odd.rows[line] = list(cells)
                self._row += self._height
            case "office:annotation":
                self._note -= 1
            case "text:p" if not self._note:
                self._inside = False


def _clock(sign: str, days: str, hours: str, minutes: str, seconds: str, part: str) -> str:
    total = int(days or 0) * 24 + int(hours or 0)
    text = f"{sign}{total:02}:{int(minutes or 0):02}:{int(seconds or 0):02}"
    rest = (part or "").rstrip("0")
    return f"{text}.{rest}" if rest else text


def xls_cells(path: str) -> dict[str, Odd]:
    """Errors of every sheet of an .xls, by its name. Raises Protected, OSError."""
    import olefile  # only here: most files are no .xls

    with olefile.OleFileIO(path) as ole:
        name = next((n for n in ("Workbook", "Book") if ole.exists(n)), None)
        if not name:
            return {}
        with ole.openstream(name) as stream:
            book = stream.read()
    sheets = _sheets(book, wide=name == "Workbook")
    return {name: _errors(book, at) for name, at in sheets.items()}


def _sheets(book: bytes, wide: bool) -> dict[str, int]:
    """Where each sheet begins."""
    found: dict[str, int] = {}
    for kind, at, size in _records(book, 0):
        if kind == _SECRET:
            raise Protected
        if kind == _SHEET and size >= 8:
            length = book[at + 6]
            if not wide:
                text = book[at + 7 : at + 7 + length].decode("latin-1")
            elif book[at + 7] & 1:
                text = book[at + 8 : at + 8 + 2 * length].decode("utf-16-le", "replace")
            else:
                text = book[at + 8 : at + 8 + length].decode("latin-1")
            found[text] = int.from_bytes(book[at : at + 4], "little")
    return found


def _records(book: bytes, at: int) -> Any:
    """(kind, where its content is, its size) up to the end of what begins there."""
    depth = 0
    while at + 4 <= len(book):
        kind, size = struct.unpack_from("<HH", book, at)
        at += 4
        yield kind, at, size
        at += size
        depth += (kind == _BEGIN) - (kind == _END)
        if depth <= 0:
            return


def _errors(book: bytes, start: int) -> Odd:
    odd = Odd()
    for kind, at, size in _records(book, start):
        if kind == _ERROR and size >= 8 and book[at + 7]:
            code = book[at + 6]
        elif kind == _FORMULA and size >= 14 and book[at + 12 : at + 14] == b"\xff\xff" and book[at + 6] == 2:
            code = book[at + 8]
        else:
            continue
        row, column = struct.unpack_from("<HH", book, at)
        odd.rows.setdefault(row + 1, []).append((column, CODES.get(code, "#N/A")))
    return odd
