"""Stages one file: typed batches to Parquet and to any further sinks, rejects beside them, in one pass."""

import contextlib
import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sluice import deadline
from sluice.contracts.model import Contract
from sluice.errors import SetupError
from sluice.readers.base import RawTable, Sink, Stage
from sluice.readers.duck import WIDE, another_way, batches, connect_for
from sluice.readers.engines import lent
from sluice.readers.header import Mapping, known_names, match_header
from sluice.readers.pump import ParquetSink, Pump
from sluice.readers.rejects import Explainer, bad_rows, record_numbers, write_rejects
from sluice.readers.rising import Rising
from sluice.readers.spool import RejectFile
from sluice.readers.typing import projection

_BATCH_ROWS = 16_384
_BATCH_CHARS = 16_000_000
_SMALL = 1 << 19  # bytes of a file that is read sooner than a DuckDB for it is made, or a query planned


@dataclass(slots=True)
class _Run:
    """One attempt to read the table."""

    table: RawTable
    contract: Contract
    mapping: Mapping
    constants: dict[str, pa.Scalar]
    explainer: Explainer
    rejects: RejectFile
    progress: Callable[[int], None] | None
    rising: Rising
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
    A file that turns out to be untidy is read again from its start, another way: then each sink that has begun, as
    it has not where the file is small, sees abort and start once more. ``progress`` gets the number of records
    read so far.

    Raises ReadError or DataRefused for the input, SetupError if disk or memory is too small; what a sink raises
    comes out unchanged. RetryError at the step's deadline.
    """
    began = time.perf_counter()
    directory.mkdir(parents=True, exist_ok=True)
    constants = {
        "organization_id": pa.scalar(organization_id, pa.int32()),
        "_load_id": pa.scalar(load_id, pa.int64()),
    }
    table.expect(known_names(contract))
    try:
        while True:
            mapping = match_header(table.header, contract)
            explainer = Explainer(table.header, contract, mapping)
            untyped = RejectFile(directory / "untyped.partial")
            rising = Rising.keys_of(contract)
            run = _Run(table, contract, mapping, constants, explainer, untyped, progress, rising)
            rejected = _attempt(run, directory, sinks, memory_limit_mb, threads)
            if rejected is not None:
                return _saved(run, directory, rejected, load_id, time.perf_counter() - began, facts)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SetupError(
                f"The disk of {directory} is full.",
                hint="Free some space or set SLUICE_HOME to another disk.",
            ) from error
        raise


def _saved(
    run: _Run, directory: Path, rejected: int, load_id: int, seconds: float, facts: dict[str, Any]
) -> Stage:
    done = Stage(
        directory=directory,
        load_id=load_id,
        records=run.rows + rejected,
        rows=run.rows,
        rejects=rejected,
        drift=run.mapping.drift,
        missing=run.mapping.missing,
        rising=run.rising.names,
        details={
            "format": run.table.format,
            **run.table.details,
            "account": run.table.account.as_dict(),
            "seconds": round(seconds, 3),
        },
        **facts,
    )
    done.save()
    return done


def _attempt(
    run: _Run, directory: Path, sinks: Sequence[Sink], memory_limit_mb: int, threads: int
) -> int | None:
    """Read the table once. The number of rejected records; None if it must be read again, another way."""
    try:
        with (
            deadline.blamed(duckdb.Error),
            _connection(run, directory, memory_limit_mb, threads) as connection,
        ):
            _read(connection, run, [ParquetSink(directory / "rows.parquet"), *sinks])
            broken = run.table.broken(connection)
            return write_rejects(run.table, broken, run.rejects, directory / "rejects.parquet")
    except duckdb.Error as error:
        another_way(run.table, error, memory_limit_mb)
        return None
    finally:
        run.rejects.close()
        run.rejects.path.unlink(missing_ok=True)


def _connection(
    run: _Run, directory: Path, memory_limit_mb: int, threads: int
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    if _is_small(run.table):
        return lent(directory, memory_limit_mb, threads)
    return contextlib.closing(connect_for(run.table, directory, memory_limit_mb, threads))


def _is_small(table: RawTable) -> bool:
    """Whether it can't have many rows or columns; of what is packed, nobody knows."""
    if table.details.get("wrappers") or len(table.header) > WIDE:
        return False
    with contextlib.suppress(OSError):  # whoever reads it will say what is wrong
        return table.path.stat().st_size <= _SMALL
    return False


def _read(connection: duckdb.DuckDBPyConnection, run: _Run, sinks: Sequence[Sink]) -> None:
    pumps: list[Pump] = []
    try:
        for batch in deadline.checked(_batches(connection, run)):
            if not pumps:
                pumps = [Pump(sink, batch.schema) for sink in sinks]
            for pump in pumps:
                pump.put(batch)
        for pump in pumps:
            pump.written()
        for pump in pumps:
            pump.finish()
    except BaseException:
        for pump in pumps:
            pump.abort()
        raise


def _batches(connection: duckdb.DuckDBPyConnection, run: _Run) -> Iterator[pa.RecordBatch]:
    """Typed batches of good rows, never empty but for the first, which only tells the schema. Bad rows go to
    ``run.rejects``.
    """
    table = run.table
    relation = table.relation(connection)
    numbered = "_record_no" in connection.sql(f"SELECT * FROM {relation}").columns  # noqa: S608
    sql = projection(run.mapping, run.contract, table.header, relation, numbered)
    names = {column.name.lower() for column in run.contract.columns}
    few = _is_small(table) and len(names) == len(run.contract.columns)  # which DuckDB would not tell apart
    rows = min(_BATCH_ROWS, max(_BATCH_CHARS // max(table.record_size, 1), 100))
    for place, batch in enumerate(batches(connection, sql, rows, few=few)):
        good = _good(batch, run)
        if good.num_rows or not place:
            yield good
        if run.progress:
            run.progress(run.records)


def _good(batch: pa.RecordBatch, run: _Run) -> pa.RecordBatch:
    """The batch's good rows with organization, load and record number; its bad rows become rejects."""
    count = batch.num_rows
    names = [c.name for c in run.contract.columns] + ["_extra"]
    numbers = record_numbers(run.table, batch, run.records)
    columns = {name: batch.column(i) for i, name in enumerate(names)}
    columns |= {name: pa.repeat(value, count) for name, value in run.constants.items()}
    typed = pa.RecordBatch.from_pydict(columns | {"_record_no": numbers})
    bad = bad_rows(batch, typed)
    if bad is not None:
        for reject in run.explainer.explain(batch.filter(bad), numbers.filter(bad)):
            run.rejects.add(reject)
        typed = typed.filter(pc.invert(bad))
    run.records += count
    run.rows += typed.num_rows
    run.rising.see(typed)
    return typed
