"""Writes what a reader understood as clean CSV: UTF-8, RFC 4180, header first, every cell's text as in the file."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sluice.readers.base import RawTable, Reject, cell
from sluice.readers.duck import another_way, batches, connect_for
from sluice.readers.rejects import merged, nul_rejects, nul_rows, record_numbers
from sluice.readers.spool import RejectFile

_BATCH_BYTES = 64_000_000
_SPECIAL = (b'"', b",", b"\r", b"\n")
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
        csv.writer(out).writerow(table.header)
        with ExitStack() as stack:
            connection = stack.enter_context(closing(connect_for(table, work, memory_limit_mb, threads)))
            nul = stack.enter_context(RejectFile(work / "nul.partial"))
            stack.callback(nul.path.unlink)
            try:
                written = 0
                for rows, text in _lines(table, connection, nul):
                    out.write(text)
                    written += rows
            except duckdb.Error as error:
                another_way(table, error, memory_limit_mb)
                continue
            broken = merged(table, table.broken(connection), nul)
            first = tuple(islice(broken, SHOWN))
            rejects = len(first) + sum(1 for _ in broken)
        return Understood(table.header, written + rejects, rejects, first)


def _lines(
    table: RawTable, connection: duckdb.DuckDBPyConnection, nul: RejectFile
) -> Iterator[tuple[int, str]]:
    """How many records, and their lines; those that hold a NUL character go into ``nul``."""
    names = [cell(position) for position in range(len(table.header))]
    relation, read = table.relation(connection), 0
    if "_record_no" in connection.sql(f"SELECT * FROM {relation}").columns:  # noqa: S608
        names.append("_record_no")
    query = f"SELECT {', '.join(names)} FROM {relation}"  # noqa: S608
    for whole in batches(connection, query, 8192):
        batch, first = whole, read
        read += whole.num_rows
        if (bad := nul_rows(whole)) is not None:
            numbers = record_numbers(table, whole, first)
            for reject in nul_rejects(whole.filter(bad), table.header, numbers.filter(bad)):
                nul.add(reject)
            batch = whole.filter(pc.invert(bad))
        rows = max(1, batch.num_rows * _BATCH_BYTES // max(batch.nbytes, 1))
        for start in range(0, batch.num_rows, rows):
            part = batch.slice(start, rows)
            yield part.num_rows, _csv(part.columns[: len(table.header)])


def _csv(columns: list[pa.Array]) -> str:
    """The lines as Python's csv writes them, made column by column: many times as fast."""
    cells = [_quoted(column) for column in columns]
    if len(cells) == 1:
        cells = [pc.if_else(pc.equal(cells[0].fill_null(""), ""), '""', cells[0])]
    lines = pc.binary_join_element_wise(*cells, ",", null_handling="replace")
    ended = pc.binary_join_element_wise(lines, "", "\r\n")
    return b"".join(ended.cast(pa.binary()).to_pylist()).decode()


def _quoted(column: pa.Array) -> pa.Array:
    content = column.buffers()[2]
    held = bytes(content or b"")
    if not any(char in held for char in _SPECIAL):
        return column
    doubled = pc.replace_substring(column, '"', '""')
    special = pc.match_substring_regex(column, '[",\r\n]')
    return pc.if_else(special, pc.binary_join_element_wise("", doubled, "", '"'), column)
