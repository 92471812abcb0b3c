"""Excel and OpenDocument sheets through calamine; each value as the text a person would write."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import python_calamine as calamine

from sluice.errors import ReadError, SetupError
from sluice.readers.base import Reject
from sluice.readers.dialect import boolean
from sluice.readers.records import readable
from sluice.readers.spool import RejectFile, TableSpool, WorkFolder


class ExcelTable:
    """One sheet, read once into Parquet when opened. Implements ``RawTable``."""

    format = "excel"

    def __init__(self, path: Path, options: dict[str, str], work: WorkFolder) -> None:
        self._path = path
        self._work = work
        self._name, self._sheet = _sheet(path, options.get("sheet", ""))
        self._first, self.header = self._find_header(boolean("header", options.get("header", "true")))
        self.details: dict[str, Any] = {"sheet": self._name}
        self._rejects = RejectFile(work.path / "broken.parquet")
        self._spool = TableSpool(work.path, self.header)
        for number, (line, row) in enumerate(self._rows(), 1):
            self._take(number, line, row)
        self._rejects.close()
        self._spool.close()
        self.record_size = self._spool.record_size

    def _find_header(self, has_header: bool) -> tuple[int, tuple[str, ...]]:
        """The first data row's number (from 1) and the header, its empty cells at the end left out."""
        for line, row in enumerate(self._sheet.iter_rows(), 1):
            cells = [text_of(value) for value in row]
            if any(text.strip() for text in cells):
                while not cells[-1].strip():
                    cells.pop()
                if has_header:
                    return line + 1, tuple(cells)
                return line, tuple(f"column_{i}" for i in range(1, len(row) + 1))
        raise ReadError(
            f"The sheet '{self._name}' of {self._path} is empty.", hint="Name another one: sheet=NAME."
        )

    def _rows(self) -> Iterator[tuple[int, Sequence[Any]]]:
        for line, row in enumerate(self._sheet.iter_rows(), 1):
            if line >= self._first and any(value != "" for value in row):
                yield line, row

    def _take(self, number: int, line: int, row: Sequence[Any]) -> None:
        cells, width = [text_of(value) for value in row], len(self.header)
        if any(cells[width:]):
            found = max(i for i, text in enumerate(cells, 1) if text)
            message = f"The record has {found} cells, the header {width}."
            self._rejects.add(Reject(number, "too_many_cells", message, line=line, raw=_raw(row)))
        else:
            self._spool.add_cells(number, cells[:width], sum(map(len, cells)))

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        return self._spool.relation()

    def repair(self, error: Exception) -> bool:
        return False

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        return self._rejects

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        wanted = set(record_numbers)
        for number, (line, row) in enumerate(self._rows(), 1):
            if number in wanted:
                yield number, line, _raw(row)

    def locate(self, record_numbers: Iterable[int]) -> dict[int, tuple[int, str]]:
        return {number: (line, raw) for number, line, raw in self.find(record_numbers)}

    def close(self) -> None:
        self._work.close()


def text_of(value: Any) -> str:
    """The cell's text: ISO dates and times, whole numbers without '.0', true/false, '' for an empty cell."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case dt.datetime():
            return value.isoformat(" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return _duration(value)
        case None:
            return ""
        case _:
            return str(value)


def _duration(value: dt.timedelta) -> str:
    hours, seconds = divmod(value.total_seconds(), 3600)
    minutes, seconds = divmod(seconds, 60)
    return f"{int(hours):02}:{int(minutes):02}:{seconds:02g}"


def _raw(row: Sequence[Any]) -> str:
    return readable(json.dumps([text_of(value) for value in row], ensure_ascii=False))


def _sheet(path: Path, wanted: str) -> tuple[str, Any]:
    """The wanted sheet, by name or number, else the first that holds anything. Raises ReadError, SetupError."""
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        names: list[str] = book.sheet_names
        if wanted:
            if wanted not in names and wanted.isdecimal() and 0 < int(wanted) <= len(names):
                wanted = names[int(wanted) - 1]
            if wanted not in names:
                raise SetupError(
                    f"{path} has no sheet '{wanted}'.", hint=f"Its sheets: {', '.join(names)}.", file=path
                )
            return wanted, book.get_sheet_by_name(wanted)
        for name in names:
            sheet = _try_sheet(book, name)
            if sheet is not None and sheet.height:
                return name, sheet
    except calamine.PasswordError as error:
        raise ReadError(
            f"{path} is protected by a password.", hint="Save it without one.", file=path
        ) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise ReadError(
            f"{path} is not a workbook that can be read: {str(error).splitlines()[0]}.",
            hint="It may be cut off, or another kind of archive; save it again as xlsx.",
            file=path,
        ) from error
    raise ReadError(f"{path} is empty: no sheet holds a table.", hint="Nothing was loaded.", file=path)


def _try_sheet(book: Any, name: str) -> Any:
    """None for a sheet of another kind (charts)."""
    try:
        return book.get_sheet_by_name(name)
    except calamine.WorksheetNotFound:
        return None
