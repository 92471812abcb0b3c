"""A file's cells in a columnar copy on disk, and what stands in one column: memory stays flat."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sluice.contracts.sql import literal
from sluice.errors import ReadError
from sluice.infer.words import NULLS_OF_TYPES
from sluice.readers.base import RawTable, Reject, cell
from sluice.readers.duck import connect

BLANKS = " \t\n\r\u00a0"
_BARE = "trim(value, ' ' || chr(9) || chr(10) || chr(13) || chr(160))"
_HOLLOW = r"regexp_full_match(value, '[\s\x{a0}]*')"
_TOP = 60
_WIDE = 500


@dataclass(frozen=True, slots=True)
class Profile:
    """A column's cells. ``empty``: missing or only white space. ``nulls``: words that may mean empty, as written,
    with counts. ``common``: the most frequent texts with counts; ``texts``: some of the different ones, without
    empty cells and ``nulls``. ``padded``: different digits-only texts with leading zeros.
    """

    header: str
    records: int
    empty: int
    distinct: int
    shortest: int
    longest: int
    nulls: dict[str, int]
    common: tuple[tuple[str, int], ...]
    texts: tuple[str, ...]
    padded: tuple[str, ...]

    @property
    def filled(self) -> int:
        """Cells that hold something; null words count as something."""
        return self.records - self.empty


class Cells:
    """The copy, one column at a time as a table ``v(value, n)`` of its different texts."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, header: tuple[str, ...]) -> None:
        self.header = header
        self.rejected: tuple[Reject, ...] = ()
        self.rejects = 0
        self._connection, self._path = connection, path
        self.records: int = self.row(f"SELECT count(*) FROM {self.relation}")[0]  # noqa: S608

    @property
    def relation(self) -> str:
        """A SQL FROM item with the columns c0, c1, ..."""
        return f"read_parquet({literal(str(self._path))})"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query that has few."""
        return self._connection.execute(sql).fetchall()

    def row(self, sql: str) -> tuple[Any, ...]:
        """The one row of a query."""
        return self.rows(sql)[0]

    def open_column(self, position: int) -> Profile:
        """Make ``v`` that column's, and look at it. ``sort``: 0 empty, 1 a word that may mean empty, 2 a text."""
        words = ", ".join(map(literal, sorted(NULLS_OF_TYPES)))
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE v AS SELECT value, n, CASE WHEN value IS NULL OR {_HOLLOW} THEN 0 "  # noqa: S608
            f"WHEN strlen(value) < 30 AND lower({_BARE}) IN ({words}) THEN 1 ELSE 2 END AS sort "
            f"FROM (SELECT {cell(position)} AS value, count(*) AS n FROM {self.relation} GROUP BY 1)"
        )
        empty, distinct, shortest, longest = self.row(
            "SELECT coalesce(sum(n) FILTER (sort = 0), 0)::BIGINT, count(*) FILTER (sort > 0), "
            "coalesce(min(length(value)) FILTER (sort > 0), 0), coalesce(max(length(value)), 0) FROM v"
        )
        nulls = dict(self.rows("SELECT value, n FROM v WHERE sort = 1 ORDER BY n DESC LIMIT 20"))
        other = "FROM v WHERE sort = 2"
        common = self.rows(f"SELECT left(value, 200), n {other} ORDER BY n DESC, hash(value) LIMIT {_TOP}")
        size = max(50, min(1000, 1_000_000 // max(len(self.header), 1)))
        some = self.rows(f"SELECT left(value, 200) {other} ORDER BY hash(value) LIMIT {size}")
        texts = dict.fromkeys([*(text for text, _ in common), *(text for (text,) in some)])
        padded = self.rows(
            f"SELECT value {other} AND strlen(value) < 40 AND contains('0+- ', left(value, 1)) "
            rf"AND regexp_full_match({_BARE}, '[+-]?0\d+') ORDER BY n DESC, value LIMIT 3"
        )
        return Profile(
            self.header[position], self.records, int(empty), distinct, shortest, longest, nulls,
            tuple(common), tuple(texts), tuple(text for (text,) in padded),
        )  # fmt: skip


@contextmanager
def cells_of(table: RawTable, folder: Path, memory_limit_mb: int) -> Iterator[Cells]:
    """Copy the table's cells into ``folder``. Raises ReadError."""
    path = folder / "cells.parquet"
    while True:
        with closing(
            connect(folder, memory_limit_mb, threads=1 if len(table.header) > _WIDE else 0)
        ) as connection:
            names = ", ".join(cell(position) for position in range(len(table.header)))
            group = max(2048, min(122_880, 1_000_000 // max(len(table.header), 1)))
            try:
                connection.execute(
                    f"COPY (SELECT {names} FROM {table.relation(connection)}) TO {literal(str(path))} "  # noqa: S608
                    f"(FORMAT parquet, ROW_GROUP_SIZE {group})"
                )
            except (duckdb.Error, pa.ArrowException) as error:
                if table.repair(error):
                    continue
                raise ReadError.of(error, hint="The file could not be read to its end.") from error
            cells = Cells(connection, path, table.header)
            broken = iter(table.broken(connection))
            cells.rejected = tuple(islice(broken, 20))
            cells.rejects = len(cells.rejected) + sum(1 for _ in broken)
            yield cells
            return


def shown(text: str) -> str:
    """A cell's text for a sentence on one line."""
    return repr(text if len(text) <= 60 else text[:60] + "...")
