"""JSON: an array of objects or one object a line, streamed; numbers keep their text."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from sluice.errors import ReadError
from sluice.readers.base import Reject
from sluice.readers.bytes import to_utf8
from sluice.readers.records import RECORD_LIMIT, readable
from sluice.readers.spool import RejectFile, TableSpool, WorkFolder

_CHUNK = 1 << 20
_SPACE = re.compile(r"[ \t\r\n]*")
_FLAT = (str, type(None))


class _Number(str):
    """A number's text."""

    __slots__ = ()


class _Pairs(list[tuple[str, Any]]):
    """An object's members in order, repeated names kept."""

    __slots__ = ()


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_float=_Number, parse_int=_Number, parse_constant=_constant
)


class Item(NamedTuple):
    """One element: its first line, exact text, value, and what is wrong with it."""

    line: int
    raw: str
    value: Any
    reason: str = ""
    message: str = ""


class JsonTable:
    """One JSON file, read into Parquet when its header is asked for. Implements ``RawTable``."""

    format = "json"

    def __init__(self, path: Path, encoding: str, work: WorkFolder) -> None:
        self._source = path
        self._work = work
        plain = encoding in ("utf-8", "utf-8-sig", "ascii")
        self._path = path if plain else to_utf8(path, encoding, work.path)
        self.details: dict[str, Any] = {"encoding": encoding}

    @cached_property
    def header(self) -> tuple[str, ...]:
        """All names in order of first appearance. Raises ReadError."""
        return tuple(self._read[0].positions)

    @property
    def record_size(self) -> int:
        """Characters of a usual record."""
        return self._read[0].record_size

    @cached_property
    def _read(self) -> tuple[TableSpool, RejectFile]:
        """The whole file as Parquet, and its broken records."""
        spool, rejects = TableSpool(self._work.path), RejectFile(self._work.path / "broken.parquet")
        for number, item in enumerate(self._items(), 1):
            cells, reason, message = _cells(item) if not item.reason else ({}, item.reason, item.message)
            if reason:
                rejects.add(Reject(number, reason, message, line=item.line, raw=readable(item.raw)))
            else:
                spool.add_named(number, cells, len(item.raw))
        rejects.close()
        if not spool.positions:
            raise self._headless(rejects)
        spool.close()
        return spool, rejects

    def _headless(self, rejects: RejectFile) -> ReadError:
        if not rejects.records:
            what = f"{self._source} holds no records and no names of columns."
            return ReadError(what, hint="Nothing was loaded.", file=self._source)
        first = next(iter(rejects))
        return ReadError(
            f"{self._source} holds no JSON object. Line {first.line}: {first.message}",
            hint="Expected an array of objects, or one object a line.",
            file=self._source,
            line=first.line,
        )

    def _items(self) -> Iterator[Item]:
        with self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            start = file.read(_CHUNK)
            first = _SPACE.match(start)
            array = first is not None and start[first.end() : first.end() + 1] == "["
            file.seek(0)
            if array or not _first_line_is_whole(start):
                yield from _stream(file, self._source, array)
            else:
                yield from _lines(file)

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        return self._read[0].relation()

    def repair(self, error: Exception) -> bool:
        return False

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        return self._read[1]

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        wanted = iter(record_numbers)
        number = next(wanted, None)
        for count, item in enumerate(self._items() if number else (), 1):
            if count == number:
                yield count, item.line, readable(item.raw)
                if (number := next(wanted, None)) is None:
                    return

    def locate(self, record_numbers: Iterable[int]) -> dict[int, tuple[int, str]]:
        return {number: (line, raw) for number, line, raw in self.find(sorted(set(record_numbers)))}

    def close(self) -> None:
        self._work.close()


def _cells(item: Item) -> tuple[dict[str, str | None], str, str]:
    """Cell texts by name, or the reason and message why there are none."""
    value = item.value
    if type(value) is not _Pairs:
        return {}, "not_an_object", f"The record is {_what(value)}, not an object."
    cells = {name: v if isinstance(v, _FLAT) else _text(v) for name, v in value}
    if len(cells) != len(value):
        names = [name for name, _ in value]
        twice = next(name for name in names if names.count(name) > 1)
        return {}, "duplicate_name", f"The name '{twice}' occurs twice in the object."
    if not item.raw.isascii() or "\\u" in item.raw:
        try:
            "".join(filter(None, (*cells, *cells.values()))).encode()
        except UnicodeEncodeError:
            return {}, "bad_encoding", "The record holds bytes or escapes that are no Unicode text."
    return cells, "", ""


def _what(value: Any) -> str:
    names = {list: "an array", str: "a string", _Number: "a number", bool: "a boolean", type(None): "null"}
    return names[type(value)]


def _text(value: Any) -> str:
    """JSON text of a value, numbers as they were written."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _Number():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case _Pairs():
            members = (f"{json.dumps(name, ensure_ascii=False)}:{_text(v)}" for name, v in value)
            return "{" + ",".join(members) + "}"
        case _:
            return "[" + ",".join(map(_text, value)) + "]"


def _first_line_is_whole(text: str) -> bool:
    """True for one object a line. A first line that is broken but ends in '}' still looks like that."""
    line = text.lstrip().partition("\n")[0].rstrip()
    try:
        _, end = _DECODER.raw_decode(line)
    except (ValueError, RecursionError):
        return line.endswith("}") or len(line) == len(text.strip())
    return end == len(line)


def _lines(file: Any) -> Iterator[Item]:
    number = 0
    while line := file.readline(RECORD_LIMIT):
        number += 1
        text = line.strip(" \t\r\n\ufeff")
        if len(line) == RECORD_LIMIT and line[-1] not in "\r\n":
            while (part := file.readline(RECORD_LIMIT)) and part[-1] not in "\r\n":
                pass
            yield Item(number, text, None, "too_long", "The line is longer than 16 million characters.")
        elif text:
            yield _line(number, text)


def _line(number: int, text: str) -> Item:
    try:
        return Item(number, text, _DECODER.decode(text))
    except RecursionError:
        return Item(number, text, None, "bad_json", "The value is nested too deeply.")
    except ValueError as error:
        return Item(number, text, None, "bad_json", f"The line is not valid JSON: {error}.")


class _Window:
    """A moving part of the file, for values that span lines."""

    def __init__(self, file: Any, path: Path) -> None:
        self._file, self._path = file, path
        self.text, self.position, self.line, self.ended = "", 0, 1, False

    def more(self, size: int = _CHUNK) -> bool:
        """Drop what was used and read on; False at the end of the file."""
        part = self._file.read(size)
        self.text = self.text[self.position :] + part
        self.position = 0
        self.ended = not part
        return bool(part)

    def peek(self) -> str:
        """The next character that is not white space, '' at the end."""
        while True:
            found = _SPACE.match(self.text, self.position)
            self._go(found.end() if found else self.position)
            if self.position < len(self.text):
                return self.text[self.position]
            if not self.more():
                return ""

    def take(self) -> Item:
        """The value that begins here."""
        size = _CHUNK
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.position)
                if end < len(self.text) or self.ended:
                    return self._item(value, end)
                failure: Exception | None = None
            except RecursionError as error:
                raise self.error("A value is nested too deeply") from error
            except ValueError as error:
                failure = error
            if len(self.text) - self.position > RECORD_LIMIT:
                raise self.error(f"A value is longer than {RECORD_LIMIT:,} characters, or broken")
            if not self.more(size) and failure:
                raise self.error(_cause(failure)) from failure
            size *= 2

    def _item(self, value: Any, end: int) -> Item:
        item = Item(self.line, self.text[self.position : end], value)
        self._go(end)
        return item

    def _go(self, end: int) -> None:
        self.line += self.text.count("\n", self.position, end)
        self.position = end

    def step(self) -> None:
        """Past one character."""
        self._go(self.position + 1)

    def error(self, what: str) -> ReadError:
        return ReadError(
            f"{self._path}, line {self.line}: {what}.",
            hint="The file is cut off or not valid JSON; make or fetch it again.",
            file=self._path,
            line=self.line,
        )


def _cause(failure: Exception) -> str:
    message = failure.msg if isinstance(failure, json.JSONDecodeError) else str(failure)
    return f"the JSON value that begins here cannot be read ({message})"


def _stream(file: codecs.StreamReaderWriter | Any, path: Path, array: bool) -> Iterator[Item]:
    """Values of an array, or values that simply follow each other."""
    window = _Window(file, path)
    if array:
        window.peek()
        window.step()
        if window.peek() == "]":
            return
    while char := window.peek():
        yield window.take()
        char = window.peek()
        if not array:
            continue
        if char == "]":
            window.step()
            if window.peek():
                raise window.error("there is more text after the array")
            return
        if char != ",":
            raise window.error(
                "the array is cut off" if not char else "a comma is missing between two values"
            )
        window.step()
    if array:
        raise window.error("the array is cut off")
