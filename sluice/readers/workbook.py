"""Takes the sheets of a workbook out as Parquet files of text cells, in a process of its own whose memory is limited.

calamine holds a whole sheet in memory, and a small file can describe a huge one: where that ends in an abort, only
this process ends. Run by its path, since importing the package would cost more than reading a small file; it
therefore imports nothing of it. Arguments, as JSON: ``path``, ``folder``, ``sheet``, ``memory_mb``. Answers in JSON.
"""

import datetime as dt
import gc
import json
import re
import sys
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import python_calamine as calamine

SMALL = 4_000_000  # bytes of XML; larger sheets are read only if no earlier one holds a table
HEAD, TAIL = 60, 40  # rows whose kinds of values are told
_BATCH_CELLS = 120_000
_SHOWN = 500  # cells of a row that are told
_MOST_PATCHES = 2_000_000
_EXACT = 2.0**53
# Values that calamine would give as nothing (errors) or rounded (long whole numbers), with what stands before.
_ODD = re.compile(rb">(#[A-Z][A-Z0-9/_]*[!?]?|-?\d{16,}|-?\d[\d.]*[eE]\+30\d)</(?:\w+:)?v\s*>")
_OPENING = re.compile(rb"<(?:\w+:)?c\b([^<>]*)>")
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]+)(\d+)[\"']")
_TEXT_CELL = re.compile(rb"\bt\s*=\s*[\"'](?:s|str|inlineStr|d|b)[\"']")
_KINDS = {
    str: "s",
    float: "n",
    int: "n",
    bool: "b",
    dt.date: "d",
    dt.datetime: "d",
    dt.time: "t",
    dt.timedelta: "t",
}


def text_of(value: Any) -> str:
    """The cell's text: ISO dates and times, whole numbers without '.0', true/false, '' for an empty cell."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return _number(value)
        case dt.datetime():
            return _short(value.isoformat(" "))
        case dt.time():
            return _short(value.isoformat())
        case dt.date():
            return value.isoformat()
        case dt.timedelta():
            return _duration(value)
        case _:
            return "" if value is None else str(value)


def _number(value: float) -> str:
    if not value.is_integer():
        return repr(value)
    if abs(value) < _EXACT:
        return str(int(value))
    return format(Decimal(repr(value)).to_integral_value(), "f") if abs(value) < 1e21 else repr(value)


def _short(text: str) -> str:
    return text.rstrip("0") if "." in text else text


def _duration(value: dt.timedelta) -> str:
    """Hours may be more than 24."""
    micros = round(value / dt.timedelta(microseconds=1))
    seconds, micros = divmod(abs(micros), 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return ("-" if value < dt.timedelta() else "") + text + (f".{micros:06}".rstrip("0") if micros else "")


def column_of(values: Sequence[Any]) -> pa.Array:
    """The texts of a column; the usual kinds without a Python call for each cell."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return pa.array(values, pa.string())
    if kinds == {float}:
        return _numbers(values)
    if kinds == {float, str} and len(blank := {v for v in values if v.__class__ is str}) == 1 and "" in blank:
        return pc.fill_null(_numbers([None if v == "" else v for v in values]), "")
    if kinds == {bool}:
        return pa.array(values, pa.bool_()).cast(pa.string())
    if kinds == {dt.date}:
        return pa.array(values, pa.date32()).cast(pa.string())
    if kinds == {dt.datetime}:
        moments = pa.array(values, pa.timestamp("us"))
        with suppress(pa.ArrowInvalid):  # parts of seconds
            return moments.cast(pa.timestamp("s")).cast(pa.string())
    known: dict[Any, str] = {}  # 1 and True are equal, so the type belongs to the key
    texts = []
    for value in values:
        if value.__class__ is str:
            texts.append(value)
            continue
        key = (value.__class__, value)
        text = known.get(key)
        if text is None:
            text = known[key] = text_of(value)
        texts.append(text)
    return pa.array(texts, pa.string())


def _numbers(values: Sequence[float | None]) -> pa.Array:
    numbers = pa.array(values, pa.float64())
    usual = pc.fill_null(pc.less(pc.abs(numbers), 1e15), True)
    if not pc.all(usual).as_py():
        return pa.array([None if v is None else _number(v) for v in values], pa.string())
    with suppress(pa.ArrowInvalid):  # not whole
        return numbers.cast(pa.int64()).cast(pa.string())
    tiny = pc.and_(pc.less(pc.abs(numbers), 1e-4), pc.not_equal(numbers, 0.0))
    if pc.any(tiny).as_py():
        return pa.array([None if v is None else _number(v) for v in values], pa.string())
    texts = numbers.cast(pa.string())
    return pc.if_else(pc.ends_with(texts, ".0"), pc.utf8_slice_codeunits(texts, 0, -2), texts)


class OddCells(threading.Thread):
    """Error cells and long whole numbers, from the sheet's XML while calamine reads it. By row (from 1)."""

    def __init__(self, path: str, member: str) -> None:
        super().__init__(daemon=True)
        self._path, self._member = path, member
        self.rows: dict[int, list[tuple[int, str]]] = {}
        self.count = 0
        self.unplaced = False

    def run(self) -> None:
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(self._member) as file:
                self._scan(file)
        except Exception:  # calamine tells what is wrong with the file
            self.unplaced = True

    def _scan(self, file: Any) -> None:
        rest = b""
        while chunk := file.read(1 << 20):
            text = rest + chunk
            for found in _ODD.finditer(text):
                self._take(text, found)
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
        place = _PLACE.search(opening[1])
        if not place or self.count >= _MOST_PATCHES:
            self.unplaced = True
            return
        column = 0
        for letter in place[1].upper():
            column = column * 26 + letter - 64
        row = self.rows.setdefault(int(place[2]), [])
        if (column - 1, found[1].decode()) not in row:
            row.append((column - 1, found[1].decode()))
            self.count += 1


def members(path: str) -> dict[str, tuple[str, int]]:
    """The archive's part and its size for each sheet name of an .xlsx; empty for other formats."""
    try:
        with zipfile.ZipFile(path) as archive:
            book = _xml(archive, "xl/workbook.xml")
            links = _xml(archive, "xl/_rels/workbook.xml.rels")
            targets = {link.get("Id"): link.get("Target", "") for link in links}
            found = {}
            for sheet in (e for e in book.iter() if e.tag.endswith("}sheet")):
                key = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
                target = targets.get(key, "").lstrip("/")
                name = target if target.startswith("xl/") else f"xl/{target}"
                if name in archive.NameToInfo:
                    found[sheet.get("name", "")] = (name, archive.getinfo(name).file_size)
            return found
    except (OSError, zipfile.BadZipFile, KeyError, ElementTree.ParseError, RuntimeError, NotImplementedError):
        return {}


def _xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with archive.open(name) as file:
        return ElementTree.fromstring(file.read(SMALL))  # noqa: S314 (expat guards against entity bombs)


class Dump:
    """Writes one sheet, rows that hold anything only; knows what the layout is decided by."""

    def __init__(self, sheet: Any, path: Path, odd: OddCells | None) -> None:
        self.left = sheet.start[1] if sheet.start else 0
        self.odd = odd
        self.errors: dict[str, int] = {}
        self.rows = self.last = 0
        self.head: list[Any] = []
        self.tail: list[Any] = []
        self.filled: list[int] = []
        self._path = path
        self._writer: pq.ParquetWriter | None = None
        self._chars = 0
        for lines, rows in self._batches(sheet):
            self._write(lines, rows)
        self._close()

    def _close(self) -> None:
        if self._writer:
            self._writer.close()

    def _batches(self, sheet: Any) -> Iterator[tuple[list[int], list[Any]]]:
        lines: list[int] = []
        rows: list[Any] = []
        for line, row in enumerate(sheet.iter_rows(), 1):
            if self.odd and line in self.odd.rows:
                self._patch(row, line)
            empty = row.count("")
            if empty == len(row) or (len(row) - empty < 3 and not any(text_of(v).strip() for v in row)):
                continue
            lines.append(line)
            rows.append(row)
            if len(rows) * len(row) >= _BATCH_CELLS:
                yield lines, rows
                lines, rows = [], []
        if rows:
            yield lines, rows

    def _patch(self, row: list[Any], line: int) -> None:
        for column, text in self.odd.rows.pop(line) if self.odd else ():
            position = column - self.left
            if not 0 <= position < len(row):
                continue
            value = row[position]
            if text.startswith("#"):
                if value == "":
                    row[position] = text
                    self.errors[text] = self.errors.get(text, 0) + 1
            elif isinstance(value, float) and (abs(value) >= _EXACT):
                row[position] = _Exact(text)

    def _write(self, lines: list[int], rows: list[Any]) -> None:
        columns = [column_of(values) for values in zip(*rows, strict=True)]
        if not self.filled:
            self.filled = [0] * len(columns)
        for position, column in enumerate(columns):
            self.filled[position] += len(rows) - _empty(column)
        self._chars += sum(column.nbytes for column in columns)
        numbers = pa.array(range(self.rows + 1, self.rows + len(rows) + 1), pa.int64())
        names = [*(f"c{i}" for i in range(len(columns))), "_row", "_line"]
        batch = pa.record_batch([*columns, numbers, pa.array(lines, pa.int64())], names=names)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, batch.schema, compression="lz4", use_dictionary=False)
        self._writer.write_batch(batch)
        told = [(line, self._told(row)) for line, row in zip(lines[-TAIL:], rows[-TAIL:], strict=True)]
        self.tail = (self.tail + told)[-TAIL:]
        if (missing := HEAD - len(self.head)) > 0:
            self.head += [
                (line, self._told(row)) for line, row in zip(lines[:missing], rows[:missing], strict=True)
            ]
        self.rows += len(rows)
        self.last = lines[-1]

    def _told(self, row: Sequence[Any]) -> list[str]:
        """Each cell as its kind and text: '' or 's...' or 'n1'."""
        return [
            "" if value == "" else _KINDS.get(type(value), "n") + text_of(value)[:200]
            for value in row[:_SHOWN]
        ]

    def as_dict(self, name: str, merged: Any) -> dict[str, Any]:
        """What the parent is told of the sheet."""
        return {
            "name": name,
            "file": str(self._path),
            "left": self.left,
            "rows": self.rows,
            "last": self.last,
            "head": self.head,
            "tail": self.tail,
            "filled": self.filled,
            "errors": self.errors,
            "unplaced": bool(self.odd and self.odd.unplaced),
            "merged": [m for m in (merged or []) if m[0][0] < 1000][:5000],
            "size": self._chars // max(self.rows, 1),
        }


class _Exact(str):
    """The digits of a long whole number."""


_KINDS[_Exact] = "n"


def _empty(column: pa.Array) -> int:
    return pc.sum(pc.equal(column, "")).as_py() or 0


def dump(asked: dict[str, Any]) -> dict[str, Any]:
    """The sheets: names, those taken out, and those that are too large to look at."""
    path, folder = asked["path"], Path(asked["folder"])
    book = calamine.CalamineWorkbook.from_path(path)
    names: list[str] = book.sheet_names
    wanted = asked["sheet"]
    if wanted and wanted not in names and wanted.isdecimal() and 0 < int(wanted) <= len(names):
        wanted = names[int(wanted) - 1]
    if wanted and wanted not in names:
        return {"names": names, "unknown": wanted}
    parts = members(path)
    sheets: list[dict[str, Any]] = []
    unseen = []
    for number, name in enumerate([wanted] if wanted else names):
        member, size = parts.get(name, ("", 0))
        if size > SMALL and any(_table(sheet) for sheet in sheets):
            unseen.append(name)
            continue
        odd = OddCells(path, member) if member else None
        if odd:
            odd.start()
        try:
            sheet = book.get_sheet_by_name(name)
        except calamine.WorksheetNotFound:  # charts
            continue
        if odd:
            odd.join()
        sheets.append(
            Dump(sheet, folder / f"sheet-{number}.parquet", odd).as_dict(name, sheet.merged_cell_ranges)
        )
    return {"names": names, "sheets": sheets, "unseen": unseen}


def _table(sheet: dict[str, Any]) -> bool:
    return bool(sheet["rows"] > 1 and sum(count > 1 for count in sheet["filled"]) > 1)


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
    except MemoryError:
        answer = {"error": "memory", "message": ""}
    except BaseException as error:  # Rust's panics are BaseExceptions
        kind = "password" if isinstance(error, calamine.PasswordError) else "damaged"
        message = (str(error).splitlines() or [type(error).__name__])[0]
        answer = {"error": "memory" if "alloc" in message.lower() else kind, "message": message}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
