"""What there is to download of a job: the rows that it published and that still stand, and its rejects."""

from collections.abc import Callable, Iterator
from typing import IO, Any

from psycopg import sql
from psycopg.rows import DictRow

from sluice.contracts.model import Contract
from sluice.jobs.export import Writer
from sluice.jobs.unsealing import Reader, tuples
from sluice.readers.header import by_column
from sluice.warehouse.columns import EXTRA, SEALED
from sluice.warehouse.connection import Connection

REJECT = ("load_id", "record_no", "line", "column_name", "reason", "message", "raw", "cells")
NOTES = ("_sluice_record", "_sluice_line", "_sluice_reason", "_sluice_message", "_sluice_raw")
PORTION = 1000  # rows that are held in memory at a time


def write_rows(connection: Connection, job_id: str, reader: Reader, write: Writer, file: IO[bytes]) -> int:
    """Write the rows of the organization's job that stand in its table, in the order of its records.

    The columns are the contract's, then ``_extra``; encrypted values are as the reader sees them, and what is decrypted
    is written down. Returns how many rows. ``connection`` acts for an organization.
    """
    contract = reader.contract
    wanted = [*(column.name for column in contract.columns), EXTRA]
    connection.execute("SET LOCAL TimeZone = 'UTC'")
    asked = [*wanted, SEALED] if contract.ceiling else wanted
    cursor = connection.execute("SELECT sluice.job_rows(%s, %s)", [job_id, asked]).fetchone()
    if cursor is None or cursor[0] is None:  # no load, or its table is no more
        return write((), wanted, file)
    shape = connection.execute(_fetch(0, cursor[0])).description or ()
    there = [column.name for column in shape]
    found = _fetched(connection, cursor[0])
    if not contract.ceiling:
        return write(found, there, file)
    seen = reader.rows(dict(zip(there, row, strict=True)) for row in found)
    header = [name for name in there if name != SEALED]
    count = write(tuples(seen, header), header, file)
    reader.note("result", count, job_id)
    return count


def _fetch(count: int, reader: str) -> sql.Composed:
    return sql.SQL("FETCH FORWARD {} FROM {}").format(sql.Literal(count), sql.Identifier(reader))


def _fetched(connection: Connection, reader: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a cursor that a function has opened. psycopg's own can't be had where a pipeline is open."""
    while rows := connection.execute(_fetch(PORTION, reader)).fetchall():
        yield from rows


def write_rejects(connection: Connection, job_id: str, reader: Reader, write: Writer, file: IO[bytes]) -> int:
    """Write the rejects of the organization's job, a row each, as ``write_rows`` does; returns how many."""
    count = export_rejects(lambda: reader.rejects(_rejects(connection, job_id)), reader.contract, write, file)
    reader.note("rejects", count, job_id)
    return count


def _rejects(connection: Connection, job_id: str) -> Iterator[DictRow]:
    row = connection.execute("SELECT sluice.job_rejects(%s)", [job_id]).fetchone()
    assert row is not None
    for values in _fetched(connection, row[0]):
        yield dict(zip(REJECT, values, strict=True))


def export_rejects(
    rows: Callable[[], Iterator[dict[str, Any]]], contract: Contract, write: Writer, file: IO[bytes]
) -> int:
    """Write a line for each rejected record, its cells first and then its reasons; returns how many.

    Twice over the rows: the files of one job may have different columns, and a broken record has none.
    """
    names = {name for line in _lines(rows(), contract) for name in line}
    known = [column.name for column in contract.columns if column.name in names]
    header = [*known, *sorted(names - {*known, *NOTES}), *NOTES]
    return write(([line.get(name) for name in header] for line in _lines(rows(), contract)), header, file)


def _lines(rows: Iterator[dict[str, Any]], contract: Contract) -> Iterator[dict[str, Any]]:
    """The record's cells and its reasons; several reasons of one record in one line."""
    spelled = _Columns(contract)
    current: dict[str, Any] = {}
    place: tuple[int, int] | None = None
    for row in rows:
        here = (row["load_id"], row["record_no"])
        if here == place:
            current["_sluice_reason"] += f", {row['reason']}"
            current["_sluice_message"] += f"; {row['message']}"
            continue
        if place is not None:
            yield current
        place = here
        current = {
            **{spelled[name]: text for name, text in (row["cells"] or {}).items()},
            "_sluice_record": row["record_no"],
            "_sluice_line": row["line"],
            "_sluice_reason": row["reason"],
            "_sluice_message": row["message"],
            "_sluice_raw": row["raw"],
        }
    if place is not None:
        yield current


class _Columns(dict[str, str]):
    """The column that each header cell means, found once."""

    def __init__(self, contract: Contract) -> None:
        super().__init__()
        self._contract = contract

    def __missing__(self, name: str) -> str:
        (self[name],) = by_column({name: None}, self._contract)
        return self[name]
