"""The sheets of a workbook as Parquet files of text cells.

Part of the process that ``sheets.main`` starts: it and what it imports know nothing of Sluice but their neighbours.
"""

import zipfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import python_calamine as calamine

from sluice.readers.sheets import xml
from sluice.readers.sheets.book import Parts, parts_of, refuse_entities
from sluice.readers.sheets.dump import Dump
from sluice.readers.sheets.odd import Odd, OddCells
from sluice.readers.sheets.odd_binary import xlsb_cells
from sluice.readers.sheets.odd_others import OdsCells, xls_cells
from sluice.readers.sheets.parts import Book, Rows
from sluice.readers.sheets.tags import ERRORS, Unusual
from sluice.readers.sheets.taken import taken

SMALL = 4_000_000  # bytes of XML; larger sheets are read only if no larger one holds a table
_WORKERS = 2


def _streamed(file: Any, book: Book, after: bytearray) -> Iterator[Rows]:
    """The rows of a sheet's XML, worked out by some threads a little ahead."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        ahead: deque[Future[list[Rows]]] = deque()
        for text in xml.chunks(file, after):
            ahead.append(pool.submit(lambda text: list(book.rows(xml.cells_of(text))), text))
            if len(ahead) > _WORKERS:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()


def _table(sheet: dict[str, Any]) -> bool:
    return bool(sheet["rows"] > 1 and sum(count > 1 for count in sheet["filled"]) > 1)


class Workbook:
    """The sheets of a file, each by the fastest way that understands it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._calamine: Any = None
        self._others: dict[str, Odd] | None = None
        self._archive: zipfile.ZipFile | None = None
        self._parts = Parts({}, "", "", False)
        self._book: Book | None = None
        if zipfile.is_zipfile(path):
            self._archive = zipfile.ZipFile(path)
            refuse_entities(self._archive)
            with suppress(*ERRORS, Unusual):
                self._parts = parts_of(self._archive)
        self.names: list[str] = list(self._parts.sheets) or self._slow_book().sheet_names

    def _slow_book(self) -> Any:
        if self._calamine is None:  # an open file: by a path, the name's extension would decide
            file = Path(self._path).open("rb")  # noqa: SIM115
            try:
                self._calamine = calamine.CalamineWorkbook.from_filelike(file)
            except calamine.CalamineError:
                if not self._archive:
                    xls_cells(self._path)  # says so if a password is needed
                raise
        return self._calamine

    def size(self, name: str) -> int:
        """Bytes of the sheet's XML, 0 if unknown."""
        return self._parts.sheets.get(name, ("", 0))[1]

    def sheet(self, name: str, target: Path) -> dict[str, Any] | None:
        """One sheet, taken out; None for one without cells (charts)."""
        if self._archive and name in self._parts.sheets:
            try:
                self._book = self._book or self._parts.book(self._archive)
                return self.fast(name, target, self._archive, self._book)
            except (*ERRORS, Unusual):
                target.unlink(missing_ok=True)
        return self.slow(name, target)

    def fast(self, name: str, target: Path, archive: zipfile.ZipFile, book: Book) -> dict[str, Any]:
        """The sheet from its XML. Raises Unusual."""
        after = bytearray()
        with archive.open(self._parts.sheets[name][0]) as file:
            dump = Dump(target, _streamed(file, book, after))
        return dump.as_dict(name, 0, xml.merges(bytes(after)), unplaced=False)

    def slow(self, name: str, target: Path) -> dict[str, Any] | None:
        """The sheet by calamine."""
        try:
            sheet = self._slow_book().get_sheet_by_name(name)
        except calamine.WorksheetNotFound:
            return None
        odd = self._odd(name)
        left = sheet.start[1] if sheet.start else 0
        dump = Dump(target, taken(sheet, left, odd))
        return dump.as_dict(name, left, sheet.merged_cell_ranges, odd.unplaced)

    def _odd(self, name: str) -> Odd:
        if self._archive and (member := self._parts.sheets.get(name, ("", 0))[0]):
            return OddCells(self._archive, member)
        if self._others is None:
            self._others = self._find_others()
        return self._others.get(name, Odd(unplaced=self._others.get("") is not None))

    def _find_others(self) -> dict[str, Odd]:
        try:
            if not self._archive:
                return xls_cells(self._path)
            if "content.xml" in self._archive.NameToInfo:
                return OdsCells(self._archive).sheets
            if "xl/workbook.bin" in self._archive.NameToInfo:
                return xlsb_cells(self._archive)
        except (*ERRORS, ExpatError):
            pass
        return {"": Odd()}  # nothing is known


def dump(asked: dict[str, Any]) -> dict[str, Any]:
    """The sheets: names, those taken out, and those that are too large to look at."""
    book = Workbook(asked["path"])
    names = book.names
    wanted = asked["sheet"]
    if wanted and wanted not in names and wanted.isdecimal() and 0 < int(wanted) <= len(names):
        wanted = names[int(wanted) - 1]
    if wanted and wanted not in names:
        return {"names": names, "unknown": wanted}
    sheets: list[dict[str, Any]] = []
    unseen = []
    for name in sorted([wanted] if wanted else names, key=book.size, reverse=True):
        if book.size(name) > SMALL and any(map(_table, sheets)):
            unseen.append(name)
        elif sheet := book.sheet(name, Path(asked["folder"]) / f"sheet-{names.index(name)}.parquet"):
            sheets.append(sheet)
    sheets.sort(key=lambda sheet: names.index(sheet["name"]))
    return {"names": names, "sheets": sheets, "unseen": unseen}
