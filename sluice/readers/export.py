"""Writes what a reader understood as clean CSV: UTF-8, RFC 4180, header first, every cell's text as in the file."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa

from sluice.errors import ReadError
from sluice.readers.base import RawTable, Reject, cell
from sluice.readers.duck import connect

SHOWN = 100  # rejects that are told one by one


@dataclass(frozen=True, slots=True)
class Understood:
    """What was read: ``records`` of which ``rejects`` have no clear cells; the first of these are listed."""

    header: tuple[str, ...]
    records: int
    rejects: int
    rejected: tuple[Reject, ...]


def export(table: RawTable, out: IO[str], work: Path, memory_limit_mb: int, threads: int) -> Understood:
    """Write the table's header and records to ``out``, which can be rewound: an untidy file is read a second time.

    ``work`` is a folder for what does not fit into memory. A cell that a record lacks (JSON) is empty.
    Raises ReadError.
    """
    while True:
        out.seek(0)
        out.truncate()
        writer = csv.writer(out)
        writer.writerow(table.header)
        with closing(connect(work, memory_limit_mb, threads)) as connection:
            try:
                written = 0
                for rows in _rows(table, connection):
                    writer.writerows(rows)
                    written += len(rows)
            except (duckdb.Error, pa.ArrowException) as error:
                if table.repair(error):
                    continue
                raise ReadError.of(error, hint="The file could not be read to its end.") from error
            broken = iter(table.broken(connection))
            first = tuple(islice(broken, SHOWN))
            rejects = len(first) + sum(1 for _ in broken)
        return Understood(table.header, written + rejects, rejects, first)


def _rows(table: RawTable, connection: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Sequence[Any]]]:
    names = ", ".join(cell(position) for position in range(len(table.header)))
    reader = connection.sql(f"SELECT {names} FROM {table.relation(connection)}").to_arrow_reader(8192)  # noqa: S608
    for batch in reader:
        yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
