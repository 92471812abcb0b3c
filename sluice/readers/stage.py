"""Stages one file: typed batches to Parquet and to any further sinks, rejects beside them, in one pass."""

import contextlib
import heapq
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sluice.contracts.model import Contract
from sluice.errors import ReadError
from sluice.readers.base import RawTable, Reject, Sink, Stage
from sluice.readers.pump import ParquetSink, Pump
from sluice.readers.spool import RejectFile
from sluice.readers.typing import REASONS, Mapping, kind, match_header, projection, unique_names

BATCH_ROWS = 40_000
_SHOWN = 80
_NUL = re.compile(rb"\0")


@dataclass(slots=True)
class _Run:
    """One attempt to read the table."""

    table: RawTable
    contract: Contract
    mapping: Mapping
    constants: dict[str, pa.Scalar]
    rejects: RejectFile
    progress: Callable[[int], None] | None
    records: int = 0
    rows: int = 0


def stage(
    table: RawTable,
    contract: Contract,
    directory: Path,
    *,
    load_id: int,
    organization_id: int,
    sinks: Sequence[Sink] = (),
    progress: Callable[[int], None] | None = None,
    memory_limit_mb: int = 300,
    threads: int = 0,
    **facts: Any,
) -> Stage:
    """Read ``table`` into ``directory`` as the contract's types and save the Stage; ``facts`` fill its other fields
    (source, sha256, size).

    Each sink runs in a thread of its own: start, write for each batch, then finish, or abort if anything failed.
    A file that turns out to be untidy is read again from its start, another way: then each sink sees abort and
    start once more. ``progress`` gets the number of records read so far.

    Raises ReadError or DataRefused for the input; what a sink raises comes out unchanged.
    """
    began = time.perf_counter()
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(_connect(directory, memory_limit_mb, threads)) as connection:
        while True:
            mapping = match_header(table.header, contract)
            constants = {
                "organization_id": pa.scalar(organization_id, pa.int32()),
                "_load_id": pa.scalar(load_id, pa.int64()),
            }
            with RejectFile(directory / "typing.partial") as rejects:
                run = _Run(table, contract, mapping, constants, rejects, progress)
                everything = [ParquetSink(directory / "rows.parquet"), *sinks]
                try:
                    _read(connection, run, everything)
                    break
                except _Unreadable as error:
                    if not table.repair(error.cause):
                        raise _explain(error.cause, table) from error.cause
        rejected = _write_rejects(connection, run, directory / "rejects.parquet")
    done = Stage(
        directory=directory,
        load_id=load_id,
        records=run.rows + rejected,
        rows=run.rows,
        rejects=rejected,
        drift=mapping.drift,
        missing=mapping.missing,
        details={"format": table.format, **table.details, "seconds": round(time.perf_counter() - began, 3)},
        **facts,
    )
    done.save()
    return done


class _Unreadable(Exception):
    """DuckDB could not read the relation (as opposed to: a sink failed)."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _explain(error: Exception, table: RawTable) -> ReadError:
    return ReadError.of(error, hint="The file could not be read to its end.", format=table.format)


def _connect(directory: Path, memory_limit_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = '{int(memory_limit_mb)}MB'")
    connection.execute("SET temp_directory = ?", [str(directory / "spill")])
    if threads:
        connection.execute(f"SET threads = {int(threads)}")
    else:
        connection.execute("SET threads = least(4, current_setting('threads')::INTEGER)")
    return connection


def _read(connection: duckdb.DuckDBPyConnection, run: _Run, sinks: Sequence[Sink]) -> None:
    pumps: list[Pump] = []
    try:
        for batch in _batches(connection, run):
            if not pumps:
                pumps = [Pump(sink, batch.schema) for sink in sinks]
            for pump in pumps:
                if batch.num_rows:
                    pump.put(batch)
                else:
                    pump.check()
        for pump in pumps:
            pump.written()
    except BaseException:
        for pump in pumps:
            pump.abort()
        raise
    _finish(pumps)


def _finish(pumps: Sequence[Pump]) -> None:
    for position, pump in enumerate(pumps):
        try:
            pump.finish()
        except BaseException:
            for other in pumps[position + 1 :]:
                other.abort()
            raise


def _batches(connection: duckdb.DuckDBPyConnection, run: _Run) -> Iterator[pa.RecordBatch]:
    """Typed batches of good rows; the first may be empty and tells the schema. Bad rows go to ``run.rejects``."""
    try:
        relation = run.table.relation(connection)
        reader = _query(connection, run, relation)
        empty = pa.RecordBatch.from_pylist([], schema=reader.schema)
    except duckdb.Error as error:
        raise _Unreadable(error) from error
    yield _good(empty, run)
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise _Unreadable(error) from error
        yield _good(batch, run)
        if run.progress:
            run.progress(run.records)


def _query(connection: duckdb.DuckDBPyConnection, run: _Run, relation: str) -> pa.RecordBatchReader:
    names = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
    sql = projection(run.mapping, run.contract, run.table.header, relation, "_record_no" in names)
    return connection.sql(sql).to_arrow_reader(BATCH_ROWS)


def _good(batch: pa.RecordBatch, run: _Run) -> pa.RecordBatch:
    """The batch's good rows with organization, load and record number; its bad rows become rejects."""
    count = batch.num_rows
    names = [c.name for c in run.contract.columns] + ["_extra"]
    if "_record_no" in batch.schema.names:
        numbers = batch["_record_no"]
    else:
        numbers = pa.array(range(run.records + 1, run.records + count + 1), pa.int64())
    columns = {name: batch.column(i) for i, name in enumerate(names)}
    columns |= {name: pa.repeat(value, count) for name, value in run.constants.items()}
    typed = pa.RecordBatch.from_pydict(columns | {"_record_no": numbers})
    bad = _bad_rows(batch, typed)
    if bad is not None:
        _reject(batch.filter(bad), numbers.filter(bad), run)
        typed = typed.filter(pc.invert(bad))
    run.records += count
    run.rows += typed.num_rows
    return typed


def _bad_rows(batch: pa.RecordBatch, typed: pa.RecordBatch) -> pa.BooleanArray | None:
    """True for rows with cells that cannot be typed or hold a NUL character; None if there is no such row."""
    flags = batch["_bad"]
    bad = pc.is_valid(flags) if flags.null_count < batch.num_rows else None
    for column in typed.columns:
        if pa.types.is_string(column.type) and _holds_nul(column):
            found = pc.fill_null(pc.match_substring(column, "\0"), False)
            bad = pc.or_(bad, found) if bad is not None else found
    return bad


def _holds_nul(column: pa.StringArray) -> bool:
    """PostgreSQL takes no NUL in text. A look at the whole buffer costs next to nothing."""
    buffer = column.buffers()[2]
    return buffer is not None and _NUL.search(buffer) is not None


def _reject(rows: pa.RecordBatch, numbers: pa.Array, run: _Run) -> None:
    names = unique_names(run.table.header)
    columns = {position: run.contract.column(name) for name, position in run.mapping.positions.items()}
    cells_known = rows["_cells"].to_pylist()
    strings = {c.name: rows[c.name].to_pylist() for c in run.contract.columns if kind(c) == "VARCHAR"}
    for row, (number, bad, cells) in enumerate(zip(numbers.to_pylist(), rows["_bad"].to_pylist(), cells_known)):
        for position in filter(lambda p: p is not None, bad or ()):
            text = json.loads(cells)[names[position]]
            column = columns.get(position)
            name = column.name if column else names[position]
            if column:
                reason, wanted = REASONS.get(kind(column), ("not_typed", f"a value of type {column.duckdb_type}"))
                message = f"{name}: {_shown(text)} is not {wanted}."
            elif "\0" in text:
                reason, message = "nul_character", f"{name}: {_shown(text)} holds a NUL character."
            else:
                reason, message = "unknown_column", f"{name}: the contract does not know this column."
            run.rejects.add(Reject(number, reason, message, column=name, cells=cells))
        for name, values in strings.items():
            if values[row] is not None and "\0" in values[row]:
                message = f"{name}: {_shown(values[row])} holds a NUL character."
                run.rejects.add(Reject(number, "nul_character", message, column=name, cells=cells))


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def _write_rejects(connection: duckdb.DuckDBPyConnection, run: _Run, path: Path) -> int:
    """Merge broken and untyped records by number, with line and raw text; returns how many records there are."""
    run.rejects.close()
    located = run.table.find(_distinct(run.rejects)) if run.rejects.rows else iter(())
    place: tuple[int, int | None, str | None] = (0, None, None)
    with RejectFile(path) as out:
        for reject in heapq.merge(
            run.table.broken(connection), _with_place(run.rejects, located, place), key=lambda r: r.record_no
        ):
            out.add(reject)
    run.rejects.path.unlink()
    return out.records


def _distinct(rejects: RejectFile) -> Iterator[int]:
    last = 0
    for reject in rejects:
        if reject.record_no != last:
            last = reject.record_no
            yield last


def _with_place(
    rejects: RejectFile, located: Iterator[tuple[int, int, str]], place: tuple[int, int | None, str | None]
) -> Iterator[Reject]:
    for reject in rejects:
        while place[0] < reject.record_no:
            place = next(located)
        yield Reject(
            reject.record_no, reject.reason, reject.message, place[1], reject.column, place[2], reject.cells
        )
