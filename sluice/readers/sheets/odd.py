"""Cells that calamine gives as nothing (errors, texts out of place) or rounded (long whole numbers), found in the file.

Imports nothing of Sluice but its neighbours: see ``sheets.main``.
"""

import re
import zipfile
from typing import Any

from sluice.readers.sheets.texts import unescape

_MOST_PATCHES = 2_000_000
# Values that calamine would give as nothing (errors) or rounded (long whole numbers), with what stands before.
_ODD = re.compile(rb">(#[A-Z][A-Z0-9/_]*[!?]?|-?\d{16,}|-?\d[\d.]*[eE]\+30\d)</(?:\w+:)?v\s*>")
_INLINE = re.compile(
    rb"<(?:\w+:)?c\b[^<>]*\bt\s*=\s*[\"']inlineStr[\"'][^<>]*>\s*<(?:\w+:)?v>([^<]+)</(?:\w+:)?v\s*>"
)
_OPENING = re.compile(rb"<(?:\w+:)?c\b([^<>]*)>")
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]+)(\d+)[\"']")
_TEXT_CELL = re.compile(rb"\bt\s*=\s*[\"'](?:s|str|inlineStr|d|b)[\"']")


class Odd:
    """By row (from 1), the columns (from 0) and their texts. ``unplaced``: some could not be told."""

    def __init__(self, unplaced: bool = False) -> None:
        self.rows: dict[int, list[tuple[int, str]]] = {}
        self.unplaced = unplaced


class OddCells(Odd):
    """Error cells, texts out of place and long whole numbers in the XML of an .xlsx sheet."""

    def __init__(self, archive: zipfile.ZipFile, member: str) -> None:
        super().__init__()
        self.count = 0
        try:
            with archive.open(member) as file:
                self._scan(file)
        except Exception:  # calamine tells what is wrong with the file
            self.unplaced = True

    def _scan(self, file: Any) -> None:
        rest = b""
        while chunk := file.read(1 << 20):
            text = rest + chunk
            for found in _ODD.finditer(text):
                self._take(text, found)
            for found in _INLINE.finditer(text):
                self._add(found[0], unescape(found[1].decode()))
            end = text.rfind(b"</", max(0, len(text) - 100_000))
            start = text.rfind(b"<row", max(0, end - 1_000_000), end) if end > 0 else -1
            cell = max(text.rfind(b"<c ", max(start, 0)), text.rfind(b":c ", max(start, 0)))
            rest = text[cell - 10 if cell > 10 else cell :] if cell >= 0 else text[-1000:]

    def _take(self, text: bytes, found: re.Match[bytes]) -> None:
        opening = None
        for opening in _OPENING.finditer(text, max(0, found.start() - 20_000), found.start() + 1):  # noqa: B007
            pass
        if opening is None or _TEXT_CELL.search(opening[1]):
            return
        self._add(opening[1], found[1].decode())

    def _add(self, opening: bytes, value: str) -> None:
        place = _PLACE.search(opening)
        if not place or self.count >= _MOST_PATCHES:
            self.unplaced = True
            return
        column = 0
        for letter in place[1].upper():
            column = column * 26 + letter - 64
        row = self.rows.setdefault(int(place[2]), [])
        if (column - 1, value) not in row:
            row.append((column - 1, value))
            self.count += 1
