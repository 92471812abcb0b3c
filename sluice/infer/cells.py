"""A file's cells in a columnar copy on disk, and what stands in one column: memory stays flat."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sluice.contracts.sql import literal
from sluice.infer.words import NULLS_OF_TYPES
from sluice.readers.base import RawTable, Reject, cell
from sluice.readers.duck import another_way, connect_for
from sluice.readers.texts import bare

BLANKS = " \t\n\r\u00a0"
_BARE = f"({bare('value')})"
_TOP = 60
_FEW = 50_000  # different texts that are kept once each; of more, each cell is looked at
_BATCH = (
    50  # columns of a wide table that are taken from the copy at once: each query on it plans all its columns
)
_BATCH_CELLS = 500_000


@dataclass(frozen=True, slots=True)
class Profile:
    """A column's cells. ``empty``: missing or only white space. ``distinct``: different texts, an estimate where
    they are many. ``nulls``: words that may mean empty, as written, with counts. ``common``: the most frequent
    texts with counts, where they are few; ``texts``: some of the different ones, without empty cells and ``nulls``.
    ``padded``: digits-only texts with leading zeros.
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


def _sorted(word: str, each: str) -> str:
    return (
        "SELECT value, n, CASE WHEN value IS NULL OR ((value < '!' OR starts_with(value, chr(160))) "  # noqa: S608
        f"AND {_BARE} = '') THEN 0 WHEN {word} THEN 1 ELSE 2 END AS sort FROM ({each})"
    )


class Cells:
    """The copy, one column at a time as ``v(value, n, sort)``: n cells have that text. ``sort``: 0 empty, 1 a word
    that may mean empty, 2 a text. Where a column has few different texts, each stands there once.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, header: tuple[str, ...]) -> None:
        self.header = header
        self.rejected: tuple[Reject, ...] = ()
        self.rejects = 0
        self.grouped = True
        self._connection, self._path = connection, path
        self.records: int = self.row(f"SELECT count(*) FROM {self.relation}")[0]  # noqa: S608
        self._different = self._estimates()
        self._batch = range(0)

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

    def _estimates(self) -> list[int]:
        """About how many different texts each column has."""
        if self.records <= _FEW:
            return [self.records] * len(self.header)
        found: list[int] = []
        for start in range(0, len(self.header), 100):
            columns = range(start, min(start + 100, len(self.header)))
            listed = ", ".join(f"approx_count_distinct({cell(at)})" for at in columns)
            found += self.row(f"SELECT {listed} FROM {self.relation}")  # noqa: S608
        return found

    def _source(self, position: int) -> str:
        """A SQL FROM item with the column; of a wide table one that has few others."""
        size = min(_BATCH, _BATCH_CELLS // max(self.records, 1))
        if len(self.header) <= _BATCH or size < 2:
            return self.relation
        if position not in self._batch:
            self._batch = range(position, min(position + size, len(self.header)))
            listed = ", ".join(map(cell, self._batch))
            taken = f"SELECT {listed} FROM {self.relation}"  # noqa: S608
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE batch AS {taken}")
        return "batch"

    def open_column(self, position: int) -> Profile:
        """Make ``v`` that column's, and look at it."""
        name, different = cell(position), self._different[position]
        self.grouped = different <= _FEW
        words = ", ".join(map(literal, sorted(NULLS_OF_TYPES)))
        word = f"strlen(value) < 20 AND lower({_BARE}) IN ({words})"
        count = "count(*)" if self.grouped else "1::BIGINT"
        source = f"{self._source(position)}{' GROUP BY 1' if self.grouped else ''}"
        each = f"SELECT {name} AS value, {count} AS n FROM {source}"  # noqa: S608
        run = self._connection.execute
        run("DROP TABLE IF EXISTS grouped")
        if self.grouped:
            run(f"CREATE TEMP TABLE grouped AS {_sorted(word, each)}")
            run("CREATE OR REPLACE TEMP VIEW v AS FROM grouped")
        else:
            run(f"CREATE OR REPLACE TEMP VIEW v AS {_sorted(word, each)}")
        profile = self._profile(self.header[position], different)
        if not self.grouped:  # from here on the words are known as they are written
            written = f"value IN ({', '.join(map(literal, profile.nulls))})" if profile.nulls else "false"
            run(f"CREATE OR REPLACE TEMP VIEW v AS {_sorted(written, each)}")
        return replace(
            profile, texts=tuple(dict.fromkeys([*(t for t, _ in profile.common), *self._some(different)]))
        )

    def _profile(self, header: str, different: int) -> Profile:
        first = "(value < '1' OR starts_with(value, chr(160)))"
        empty, texts, shortest, longest, zeros, words = self.row(
            "SELECT coalesce(sum(n) FILTER (sort = 0), 0)::BIGINT, count(*) FILTER (sort > 0), "  # noqa: S608
            "coalesce(min(length(value)) FILTER (sort > 0), 0), coalesce(max(length(value)), 0), "
            f"min(value, 3) FILTER (sort = 2 AND strlen(value) < 40 AND {first} "
            f"AND regexp_full_match({_BARE}, '[+-]?0\\d+')), count(*) FILTER (sort = 1) FROM v"
        )
        common: list[tuple[str, int]] = []
        listed = "SELECT value, sum(n)::BIGINT FROM v WHERE sort = 1 GROUP BY 1 ORDER BY 2 DESC LIMIT 20"
        nulls = dict(self.rows(listed)) if words else {}
        if self.grouped:
            most = f"WHERE sort = 2 ORDER BY n DESC, hash(value) LIMIT {_TOP}"
            common = [(text, n) for text, n in self.rows(f"SELECT left(value, 200), n FROM v {most}")]  # noqa: S608
        return Profile(
            header, self.records, int(empty), texts if self.grouped else different, shortest, longest,
            nulls, tuple(common), (), tuple(zeros or ()),
        )  # fmt: skip

    def _some(self, different: int) -> list[str]:
        """Different texts from everywhere in the file; a frequent one counts no more than a rare one."""
        size = max(50, min(1000, 100_000 // max(len(self.header), 1)))
        part = max(1, different // (4 * size))
        return [
            text
            for (text,) in self.rows(
                f"SELECT left(any_value(value), 200) FROM v WHERE sort = 2 AND hash(value) % {part} = 0 "  # noqa: S608
                f"GROUP BY hash(value) ORDER BY hash(value) LIMIT {size}"
            )
        ]


@contextmanager
def cells_of(table: RawTable, folder: Path, memory_limit_mb: int) -> Iterator[Cells]:
    """Copy the table's cells into ``folder``. Raises ReadError."""
    path = folder / "cells.parquet"
    while True:
        with closing(connect_for(table, folder, memory_limit_mb, 0)) as connection:
            names = ", ".join(cell(position) for position in range(len(table.header)))
            group = max(2048, min(122_880, 1_000_000 // max(len(table.header), 1)))
            connection.execute("SET preserve_insertion_order = false")
            try:
                connection.execute(
                    f"COPY (SELECT {names} FROM {table.relation(connection)}) TO {literal(str(path))} "  # noqa: S608
                    f"(FORMAT parquet, ROW_GROUP_SIZE {group})"
                )
            except (duckdb.Error, pa.ArrowException) as error:
                another_way(table, error, memory_limit_mb)
                continue
            cells = Cells(connection, path, table.header)
            broken = iter(table.broken(connection))
            cells.rejected = tuple(islice(broken, 20))
            cells.rejects = len(cells.rejected) + sum(1 for _ in broken)
            yield cells
            return


def shown(text: str) -> str:
    """A cell's text for a sentence on one line."""
    return repr(text if len(text) <= 60 else text[:60] + "...")
