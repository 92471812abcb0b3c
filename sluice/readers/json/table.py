"""JSON as a table: whatever RFC 8259 allows, streamed; numbers keep their text."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb

from sluice.errors import ReadError
from sluice.readers.account import Account
from sluice.readers.base import Reject
from sluice.readers.encodings import to_utf8
from sluice.readers.json.pattern import Run
from sluice.readers.json.shape import (
    ClashError,
    Columns,
    RecordError,
    Rows,
    Values,
    cells_of,
    shape_of,
)
from sluice.readers.json.source import Source
from sluice.readers.json.statement import unwrapped
from sluice.readers.json.values import Item
from sluice.readers.spool import RejectFile, TableSpool, WorkFolder
from sluice.readers.text.records import readable

_SAMPLE = 100
_SAMPLE_CHARS = 4_000_000
_CLASHES = 5  # objects kept whole one by one, before all are


class JsonTable:
    """One JSON file, read into Parquet when its header is asked for. Implements ``RawTable``."""

    format = "json"

    def __init__(self, path: Path, encoding: str, work: WorkFolder, list_path: str = "") -> None:
        self.path = path
        self._work = work
        self._whole: Callable[[str], bool] = lambda name: False
        self.account = Account()
        plain = encoding in ("utf-8", "utf-8-sig", "ascii")
        file = path if plain else to_utf8(path, encoding, work.path)
        file, self._before = unwrapped(file, work.path)
        self._source = Source(file, path, list_path)
        self._headed = False
        self.details: dict[str, Any] = {"encoding": encoding}

    def expect(self, known: Callable[[str], bool]) -> None:
        """Objects of the names that are ``known`` stay one cell of JSON text, not flattened."""
        self._whole = known
        self.__dict__.pop("_read", None)
        self.__dict__.pop("header", None)

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
        clashes: set[tuple[str, ...]] = set()
        while True:
            try:
                return self._read_once(clashes)
            except ClashError:
                if len(clashes) > _CLASHES:
                    self._whole = lambda name: True

    def _read_once(self, kept: set[tuple[str, ...]]) -> tuple[TableSpool, RejectFile]:
        for part in (self.account.lines, self.account.skipped, self.account.repairs, self.account.warnings):
            part.clear()
        if self._before:
            self.account.warnings.append(
                f"JSON in a statement of JavaScript; not read: '{self._before}' before it."
            )
        repairs: Counter[str] = Counter()
        known = self._source.known
        known.clear()
        items = self._source.items(self.account)
        sample = _first(items)
        shape = self._shape(sample, kept, repairs)
        spool = TableSpool(self._work.path)
        spool.positions.update({name: n for n, name in enumerate(shape.header)})
        spool.width = len(shape.header)
        good = 0
        with RejectFile(self._work.path / "broken.parquet") as rejects:
            for number, item in self._numbered(chain(sample, items)):
                if isinstance(item, Run):
                    known.spool(item, number, spool)
                    good += len(item)
                elif number:
                    good += self._add(number, item, shape, spool, rejects, repairs)
        if rejects.records and not good:
            raise self._unreadable(rejects)
        spool.close()
        self.account.repairs.update(+repairs)
        if self._source.place is not None:
            self.details["path"] = self._source.place
        return spool, rejects

    def _add(
        self,
        number: int,
        item: Item,
        shape: Columns | Rows | Values,
        spool: TableSpool,
        rejects: RejectFile,
        repairs: Counter[str],
    ) -> bool:
        try:
            spool.add_named(number, cells_of(item, shape, repairs), len(item.raw))
        except RecordError as error:
            raw = readable(item.raw)
            rejects.add(Reject(number, error.reason, error.message, line=item.line, raw=raw))
            return False
        self._source.known.miss(item, shape)
        return True

    def _shape(
        self, sample: list[Item], kept: set[tuple[str, ...]], repairs: Counter[str]
    ) -> Columns | Rows | Values:
        decoder = self._source.decoder
        self._headed = False
        match shape_of(sample):
            case "objects":
                return Columns(decoder, self._whole, repairs, kept)
            case "rows":
                rows = Rows(sample, decoder, repairs, self._named)
                self._headed = rows.headed
                if rows.headed:
                    self.account.skip("header", sample[0].line)
                return rows
            case _:
                return Values(decoder)

    def _named(self, width: int) -> list[str] | None:
        """The columns' names that stand beside the rows."""
        if self._source.found is None or not (found := self._source.found.names(width)):
            return None
        place, names = found
        self.account.warnings.append(f"The columns are named by the list {place}.")
        return names

    def _numbered(self, items: Iterable[Item | Run]) -> Iterator[tuple[int, Item | Run]]:
        """Each with the number of its record, or its first one; a header row is number 0."""
        number = 1 - self._headed
        for item in items:
            yield number, item
            number += len(item) if isinstance(item, Run) else 1

    def _unreadable(self, rejects: RejectFile) -> ReadError:
        first = next(iter(rejects))
        return ReadError(
            f"{self.path} holds no JSON record that can be read. Line {first.line}: {first.message}",
            hint="Expected an array of objects, or one object a line.",
            file=self.path,
            line=first.line,
        )

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        return self._read[0].relation()

    def repair(self, error: Exception) -> bool:
        return False

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        return self._read[1]

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        wanted = iter(record_numbers)
        number = next(wanted, None)
        if number is None:
            return
        for first, item in self._numbered(self._source.items(Account())):
            after = first + (len(item) if isinstance(item, Run) else 1)
            while number < after:
                one = item.item(number - first) if isinstance(item, Run) else item
                yield number, one.line, readable(one.raw)
                if (number := next(wanted, None)) is None:
                    return

    def close(self) -> None:
        self._work.close()


def _first(items: Iterator[Item | Run]) -> list[Item]:
    """Some of the items, enough to see what they are."""
    sample: list[Item] = []
    size = 0
    for item in items:
        if isinstance(item, Item):
            sample.append(item)
            size += len(item.raw)
        if len(sample) == _SAMPLE or size > _SAMPLE_CHARS:
            break
    return sample
