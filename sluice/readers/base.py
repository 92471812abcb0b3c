"""What every reader hands over: a table of text cells, and the stage made from it."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import duckdb
import pyarrow as pa

from sluice.readers.account import Account

REJECT_SCHEMA = pa.schema(
    [
        ("record_no", pa.int64()),
        ("line", pa.int64()),
        ("column", pa.string()),
        ("reason", pa.string()),
        ("message", pa.string()),
        ("raw", pa.string()),
        ("cells", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that will not be published. ``cells``: JSON object of header to cell text, where known."""

    record_no: int
    reason: str
    message: str
    line: int | None = None
    column: str | None = None
    raw: str | None = None
    cells: str | None = None


class Table(Protocol):
    """What is known of a table of text cells, and what becomes of a failed try to read it."""

    format: str
    path: Path
    """The file that was given."""

    account: Account
    details: dict[str, Any]
    """What detection found, for people."""

    @property
    def header(self) -> tuple[str, ...]:
        """The header cells exactly; they may repeat. JSON reads the whole file for it."""

    def expect(self, known: Callable[[str], bool]) -> None:
        """Told before reading which names the contract knows: an unclear header is decided by them."""

    def repair(self, error: Exception) -> bool:
        """After ``error`` came out of reading: True if there is now another way to read the same (start again from
        its first record), False if the error stands.
        """

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        """(record number, line from 1, exact raw text) of the given rising record numbers: one pass, flat in memory."""

    def close(self) -> None:
        """Remove what reading left on disk. Also happens when the table is forgotten."""


class RawTable(Table, Protocol):
    """A source file as one table whose cells are text exactly as in the file.

    Records are numbered from 1 in file order; header and blank lines are not counted, bad records are.
    """

    @property
    def record_size(self) -> int:
        """Characters of a usual record, roughly; 0 if unknown."""

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """A SQL FROM item: one VARCHAR column for each header cell, in file order, named ``c0``, ``c1``, ...
        (see ``cell``), then ``_record_no`` where numbers skip. NULL: the record has no such cell (JSON).
        """

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        """Records that have no clear cells (wrong width, bad encoding), by number. Known after the relation
        was read.
        """


@runtime_checkable
class Numbering(Protocol):
    """A table whose relation leaves records out and does not hold ``_record_no``: it stays in file order."""

    def numbers(self, first: int, count: int) -> pa.Array:
        """The numbers of ``count`` records after the first ``first`` of the relation."""


def cell(position: int) -> str:
    """The SQL name of the header cell at that position (from 0)."""
    return f"c{position}"


class Sink(Protocol):
    """Takes typed batches while they are staged (the warehouse's COPY, for one)."""

    def start(self, schema: pa.Schema) -> None: ...
    def write(self, batch: pa.RecordBatch) -> None: ...
    def finish(self) -> None: ...
    def abort(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Stage:
    """One source file, read: ``rows.parquet`` (typed, with ``_record_no``) and ``rejects.parquet``.

    ``records`` = ``rows`` + ``rejects``. ``drift`` names input columns the contract does not know,
    ``missing`` optional contract columns the input lacks, ``rising`` key columns whose values only rise.
    """

    directory: Path
    load_id: int
    records: int
    rows: int
    rejects: int
    drift: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    rising: tuple[str, ...] = ()
    source: str = ""
    sha256: str = ""
    size: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def rows_path(self) -> Path:
        return self.directory / "rows.parquet"

    @property
    def rejects_path(self) -> Path:
        return self.directory / "rejects.parquet"

    def save(self) -> Path:
        """Write ``stage.json`` beside the files; its existence says that the stage is whole."""
        path = self.directory / "stage.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({**asdict(self), "directory": str(self.directory)}))
        return partial.replace(path)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """The stage saved in ``directory``."""
        values = json.loads((directory / "stage.json").read_text())
        values["directory"] = Path(values["directory"])
        for name in ("drift", "missing", "rising"):
            values[name] = tuple(values[name])
        return cls(**values)
