"""A folder of files of JSON, one after another a table, which may be read while the last of them have yet to come."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb

from sluice import deadline
from sluice.errors import RetryError
from sluice.readers.account import Account
from sluice.readers.base import RawTable, Reject, cell
from sluice.readers.json.flat import FlatTable
from sluice.readers.json.table import JsonTable
from sluice.readers.spool import WorkFolder
from sluice.security import sealed

INDEX = "parts.json"
_LOOK = 0.05  # seconds between two looks for the next part


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the folder: a record a line. ``size``: its bytes before it was sealed. ``names``: those of its records
    where ``FlatTable`` may read them.
    """

    name: str
    records: int
    size: int
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """The parts so far. ``complete``: there will be no more; ``given_up``: nor will they ever be complete."""

    parts: tuple[Part, ...] = ()
    complete: bool = False
    given_up: bool = False

    def write(self, folder: Path) -> None:
        """Lay it into the folder, whole or not at all."""
        draft = folder / f"{INDEX}.new"
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(folder / INDEX)

    @classmethod
    def read(cls, folder: Path) -> "Index":
        """The folder's, now."""
        told = json.loads((folder / INDEX).read_text())
        parts = tuple(Part(**{**one, "names": one["names"] and tuple(one["names"])}) for one in told["parts"])
        return cls(parts, told["complete"], told["given_up"])


class Parts:
    """The folder as a table. A part that comes has the columns of those before it as well; where all are there, each
    has those of all. Implements ``Table``.
    """

    format = "json"

    def __init__(self, folder: Path, work: Path) -> None:
        self.path, self._work = folder, work
        self.account = Account()
        self.details: dict[str, Any] = {"encoding": "utf-8"}
        self._exact = False
        self._known: Callable[[str], bool] = lambda name: False
        self._opened: _Wide | None = None  # the first part

    def expect(self, known: Callable[[str], bool]) -> None:
        """As of a ``RawTable``, for all parts."""
        self._known = known

    @property
    def header(self) -> tuple[str, ...]:
        """That of the first part."""
        if self._opened is None:
            self._opened = self._open(next(self._coming())[1])
        return self._opened.header

    def tables(self) -> Iterator[tuple[int, RawTable]]:
        """Each part as it comes, with the number of records before it; it is closed when the next one is asked for."""
        index = Index.read(self.path)
        names = dict.fromkeys(self._names() if index.complete and len(index.parts) > 1 else ())
        self.account.repairs.clear()
        for first, part in self._coming():
            table = (not first and self._opened) or self._open(part)
            self._opened = None
            try:
                names |= dict.fromkeys(table.header)
                table.widen(names)
                yield first, table
                self.account.repairs += table.account.repairs
            finally:
                table.close()

    def joined(self) -> RawTable:
        """All parts, which must be there, as one."""
        return Joined(self.path, [self._open(part) for part in Index.read(self.path).parts])

    def repair(self, error: Exception) -> bool:
        """Whether there is another way: none is taken for what it was said to be."""
        changed = not self._exact
        self._exact, self._opened = True, None
        return changed

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        """As of a ``RawTable``."""
        wanted = iter(record_numbers)
        number = next(wanted, None)
        for first, part in self._coming():
            within: list[int] = []
            while number is not None and number <= first + part.records:
                within.append(number - first)
                number = next(wanted, None)
            if within:
                with closing(self._open(part)) as table:
                    yield from ((one + first, line + first, raw) for one, line, raw in table.find(within))

    def close(self) -> None:
        """Remove what reading left on disk."""
        if self._opened:
            self._opened.close()

    def _coming(self) -> Iterator[tuple[int, Part]]:
        """Each part, with the number of records before it. Raises RetryError where they will not all come."""
        taken = first = 0
        while True:
            index = Index.read(self.path)
            for part in index.parts[taken:]:
                yield first, part
                first += part.records
            taken = len(index.parts)
            if index.complete:
                return
            if index.given_up:
                raise RetryError(f"{self.path.name}: not all of it came.", hint="Load it again.")
            deadline.check()
            time.sleep(_LOOK)

    def _names(self) -> Iterator[str]:
        for _, part in self._coming():
            if part.names and not self._exact:
                yield from part.names
            else:
                with closing(self._open(part)) as table:
                    yield from table.header

    def _open(self, part: Part) -> "_Wide":
        stack = ExitStack()
        path = stack.enter_context(sealed.laid_open(self.path / part.name, self._work))
        table: RawTable
        if part.names and not self._exact:
            table = FlatTable(path, part.names, part.records)
        else:
            table = JsonTable(path, "utf-8", WorkFolder(self._work))
            table.expect(self._known)
        stack.callback(table.close)
        return _Wide(table, stack)


class _Wide:
    """A part, with the columns of others, which are empty in it. ``opened``: ends with it. Implements ``RawTable``."""

    def __init__(self, table: RawTable, opened: ExitStack) -> None:
        self._table, self._stack = table, opened
        self._more: tuple[str, ...] = ()
        self.format, self.path, self.details = table.format, table.path, table.details
        self.account = table.account

    def widen(self, names: Iterable[str]) -> None:
        """Have all these columns."""
        own = set(self._table.header)
        self._more = tuple(name for name in names if name not in own)

    @property
    def header(self) -> tuple[str, ...]:
        return (*self._table.header, *self._more)

    @property
    def record_size(self) -> int:
        return self._table.record_size

    def expect(self, known: Callable[[str], bool]) -> None:
        self._table.expect(known)

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        relation, own = self._table.relation(connection), len(self._table.header)
        more = ", ".join(f"NULL::VARCHAR AS {cell(own + place)}" for place in range(len(self._more)))
        return f"(SELECT *, {more} FROM {relation})" if more else relation  # noqa: S608

    def repair(self, error: Exception) -> bool:
        return self._table.repair(error)

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        return self._table.broken(connection)

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        return self._table.find(record_numbers)

    def close(self) -> None:
        self._stack.close()


class Joined:
    """All parts at once, where nobody asks for the numbers of records. Implements ``RawTable``."""

    format = "json"

    def __init__(self, folder: Path, tables: Sequence[_Wide]) -> None:
        self.path, self._tables = folder, tables
        self.header = tuple(dict.fromkeys(name for table in tables for name in table.header))
        self.account = Account()
        self.details: dict[str, Any] = {"encoding": "utf-8"}
        self.record_size = max(table.record_size for table in tables)

    def expect(self, known: Callable[[str], bool]) -> None:
        """The header has been read."""

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        selected = []
        for table in self._tables:
            table.widen(self.header)
            places = {name: place for place, name in enumerate(table.header)}
            cells = ", ".join(f"{cell(places[name])} AS {cell(n)}" for n, name in enumerate(self.header))
            selected.append(f"SELECT {cells} FROM {table.relation(connection)}")  # noqa: S608
        return f"({' UNION ALL '.join(selected)})"

    def repair(self, error: Exception) -> bool:
        return False

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        return ()

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        return iter(())

    def close(self) -> None:
        for table in self._tables:
            table.close()


def parts_of(table: RawTable | Parts) -> Iterator[tuple[int, RawTable]]:
    """The parts of a table, each with the number of records before it; most tables are the only part of themselves."""
    return table.tables() if isinstance(table, Parts) else chain([(0, table)])
