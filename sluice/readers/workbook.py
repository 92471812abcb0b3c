"""Takes the sheets of a workbook out as Parquet files of text cells, in a process of its own whose memory is limited.

A small file can describe a huge sheet: where that ends in an abort, only this process ends. Run by its path, since
importing the package would cost more than reading a small file; it therefore imports only its neighbours.
Arguments, as JSON: ``path``, ``folder``, ``sheet``, ``memory_mb``, ``seconds``. Answers in JSON.
"""

import gc
import json
import sys
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.parsers.expat import ExpatError

if __name__ == "__main__":  # let the neighbours be found without running the package's own imports
    for _name, _folder in (("sluice", Path(__file__).parents[1]), ("sluice.readers", Path(__file__).parent)):
        sys.modules[_name] = ModuleType(_name)
        sys.modules[_name].__path__ = [str(_folder)]

import pyarrow as pa
import pyarrow.parquet as pq
import python_calamine as calamine

from sluice.readers import sheet_xml as xml
from sluice.readers.sheet_book import Parts, parts_of, refuse_entities
from sluice.readers.sheet_odd import Odd, OddCells
from sluice.readers.sheet_odd_others import OdsCells, Protected, xls_cells
from sluice.readers.sheet_parts import Book, Rows
from sluice.readers.sheet_taken import Taken, taken

SMALL = 4_000_000  # bytes of XML; larger sheets are read only if no larger one holds a table
HEAD, TAIL = 60, 40  # rows whose kinds of values are told
_BATCH_CELLS = 200_000
_SHOWN = 500  # cells of a row that are told
_WORKERS = 2


class Dump:
    """Writes one sheet, rows that hold anything only; knows what the layout is decided by."""

    def __init__(self, path: Path, batches: Iterable[Rows | Taken]) -> None:
        self.errors: dict[str, int] = {}
        self.rows = self.last = self.formulas = self._chars = 0
        self.head: list[Any] = []
        self.filled: list[int] = []
        self._path = path
        self._tail: deque[Rows | Taken] = deque()
        self._writer: pq.ParquetWriter | None = None
        self._width = 0
        self._waiting: list[tuple[list[pa.Array], pa.Array, pa.Array]] = []
        self._cells = 0
        for batch in batches:
            self._add(batch)
        self._write()
        self._close()

    def _close(self) -> None:
        if self._writer:
            self._writer.close()

    def _add(self, batch: Rows | Taken) -> None:
        count, width = len(batch.lines), len(batch.columns)
        self.filled += [0] * (width - len(self.filled))
        for position, filled in enumerate(batch.filled):
            self.filled[position] += int(filled)
        for text, times in batch.errors.items():
            self.errors[text] = self.errors.get(text, 0) + times
        self.formulas += batch.formulas
        missing = HEAD - len(self.head)
        self.head += [batch.told(i, _SHOWN) for i in range(min(missing, count))]
        self._tail.append(batch)
        while sum(len(b.lines) for b in self._tail) - len(self._tail[0].lines) >= TAIL:
            self._tail.popleft()
        numbers = pa.array(range(self.rows + 1, self.rows + count + 1), pa.int64())
        self._waiting.append((batch.columns, numbers, pa.array(batch.lines, pa.int64())))
        self._chars += sum(column.nbytes for column in batch.columns)
        self.rows += count
        self.last = int(batch.lines[-1])
        self._cells += count * max(width, 1)
        if self._cells >= _BATCH_CELLS:
            self._write()

    def _write(self) -> None:
        if not self._waiting:
            return
        if self._writer is None or self._width < len(self.filled):
            self._widen()
        assert self._writer
        schema = self._writer.schema
        batches = [self._batch(*waiting, schema) for waiting in self._waiting]
        self._writer.write_table(pa.Table.from_batches(batches, schema))
        self._waiting, self._cells = [], 0

    def _batch(self, columns: list[pa.Array], numbers: pa.Array, lines: pa.Array, schema: pa.Schema) -> Any:
        if missing := self._width - len(columns):
            columns = columns + [pa.repeat(pa.scalar(""), len(lines))] * missing
        return pa.record_batch([*columns, numbers, lines], schema=schema)

    def _widen(self) -> None:
        """Later rows may be wider than the first; what is written gets empty cells."""
        narrow, self._width = self._writer, len(self.filled)
        old = self._path.with_suffix(".narrow")
        if narrow:
            narrow.close()
            self._path.rename(old)
        fields = [(f"c{i}", pa.string()) for i in range(self._width)]
        schema = pa.schema([*fields, ("_row", pa.int64()), ("_line", pa.int64())])
        self._writer = pq.ParquetWriter(self._path, schema, compression="lz4", use_dictionary=False)
        if narrow:
            with pq.ParquetFile(old) as file:
                for batch in file.iter_batches(max(_BATCH_CELLS // self._width, 1)):
                    *columns, numbers, lines = batch.columns
                    self._writer.write_batch(self._batch(columns, numbers, lines, schema))
            old.unlink()

    def _even(self, rows: list[Any]) -> list[Any]:
        """The rows told, all as wide as the sheet."""
        width = min(len(self.filled), _SHOWN)
        return [(line, cells + [""] * (width - len(cells))) for line, cells in rows]

    def _told_tail(self) -> list[Any]:
        rows = [(batch, i) for batch in self._tail for i in range(len(batch.lines))]
        return [batch.told(i, _SHOWN) for batch, i in rows[-TAIL:]]

    def as_dict(self, name: str, left: int, merged: Any, unplaced: bool) -> dict[str, Any]:
        """What the parent is told of the sheet."""
        return {
            "name": name,
            "file": str(self._path),
            "left": left,
            "rows": self.rows,
            "last": self.last,
            "head": self._even(self.head),
            "tail": self._even(self._told_tail()),
            "filled": self.filled,
            "errors": self.errors,
            "formulas": self.formulas,
            "unplaced": unplaced,
            "merged": [m for m in (merged or []) if m[0][0] < 1000][:5000],
            "size": self._chars // max(self.rows, 1),
        }


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


def _fast(name: str, target: Path, archive: zipfile.ZipFile, parts: Parts, book: Book) -> dict[str, Any]:
    """The sheet from its XML. Raises Unusual."""
    after = bytearray()
    with archive.open(parts.sheets[name][0]) as file:
        dump = Dump(target, _streamed(file, book, after))
    return dump.as_dict(name, 0, xml.merges(bytes(after)), unplaced=False)


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
            with suppress(*xml.ERRORS, xml.Unusual):
                self._parts = parts_of(self._archive)
        self.names: list[str] = list(self._parts.sheets) or self._slow_book().sheet_names

    def _slow_book(self) -> Any:
        if self._calamine is None:  # an open file: by a path, the name's extension would decide
            self._calamine = calamine.CalamineWorkbook.from_filelike(Path(self._path).open("rb"))  # noqa: SIM115
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
            except (*xml.ERRORS, xml.Unusual):
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
        except (*xml.ERRORS, ExpatError):
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


def _limit(memory_mb: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:
        return
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        used = 1 << 30
    for kind, value in (
        (resource.RLIMIT_AS, used + memory_mb * 1_000_000),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, hard))
        except (ValueError, OSError):  # not on every system
            continue


def main() -> None:
    """Do what the command line asks; always answer."""
    gc.disable()  # rows hold no cycles, and there are many
    asked = json.loads(sys.argv[1])
    _limit(asked["memory_mb"], asked["seconds"])
    try:
        answer = dump(asked)
    except (MemoryError, pa.ArrowMemoryError):
        answer = {"error": "memory", "message": ""}
    except BaseException as error:  # Rust's panics are BaseExceptions
        kind = "password" if isinstance(error, calamine.PasswordError | Protected) else "damaged"
        message = (str(error).splitlines() or [type(error).__name__])[0]
        answer = {"error": "memory" if "alloc" in message.lower() else kind, "message": message}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
