"""Stages one file: typed batches to Parquet and to any further sinks, rejects beside them, in one pass."""

import contextlib
import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sluice import deadline
from sluice.contracts.model import Contract
from sluice.errors import SetupError
from sluice.readers.base import RawTable, Reject, Sink, Stage
from sluice.readers.duck import WIDE, another_way, batches, connect_for
from sluice.readers.engines import lent
from sluice.readers.header import Mapping, known_names, match_header
from sluice.readers.parts import Parts, parts_of
from sluice.readers.pump import ParquetSink, Pump
from sluice.readers.rejects import Explainer, bad_rows, merged, record_numbers
from sluice.readers.rising import Rising
from sluice.readers.spool import RejectFile
from sluice.readers.typing import projection

_BATCH_ROWS = 16_384
_BATCH_CHARS = 16_000_000
_SMALL = 1 << 19  # bytes of a file that is read sooner than a DuckDB for it is made, or a query planned


@dataclass(slots=True)
class _Run:
    """One attempt to read the table, part by part. ``first``: the records before this part; ``seen``: those that came
    of its relation.
    """

    whole: RawTable | Parts
    contract: Contract
    constants: dict[str, pa.Scalar]
    progress: Callable[[int], None] | None
    rising: Rising
    drift: dict[str, None] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    first: int = 0
    seen: int = 0
    rows: int = 0


@dataclass(slots=True)
class _Part:
    """What is read just now; ``untyped``: its records with cells that can't be typed, numbered from its beginning."""

    table: RawTable
    mapping: Mapping
    explainer: Explainer
    untyped: RejectFile


def stage(
    table: RawTable | Parts,
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
            run = _Run(table, contract, constants, progress, Rising.keys_of(contract))
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
        drift=tuple(run.drift),
        missing=tuple(c.name for c in run.contract.columns if c.name in run.missing),
        rising=run.rising.names,
        details={
            "format": run.whole.format,
            **run.whole.details,
            "account": run.whole.account.as_dict(texts=not run.contract.ceiling),
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
    pumps: list[Pump] = []
    try:
        with (
            deadline.blamed(duckdb.Error),
            _connection(run, directory, memory_limit_mb, threads) as connection,
            RejectFile(directory / "rejects.parquet") as rejects,
        ):
            for first, table in parts_of(run.whole):
                run.first, run.seen = first, 0
                _read(
                    connection, run, table, [ParquetSink(directory / "rows.parquet"), *sinks], pumps, rejects
                )
            for pump in pumps:
                pump.written()
            for pump in pumps:
                pump.finish()
            return rejects.records
    except BaseException as error:
        for pump in pumps:
            pump.abort()
        if not isinstance(error, duckdb.Error):
            raise
        another_way(run.whole, error, memory_limit_mb)
        return None


def _connection(
    run: _Run, directory: Path, memory_limit_mb: int, threads: int
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    if _is_small(run.whole):
        return lent(directory, memory_limit_mb, threads)
    return contextlib.closing(connect_for(run.whole, directory, memory_limit_mb, threads))


def _is_small(table: RawTable | Parts) -> bool:
    """Whether it can't have many rows or columns; of what is packed, nobody knows."""
    if isinstance(table, Parts) or table.details.get("wrappers") or len(table.header) > WIDE:
        return False
    with contextlib.suppress(OSError):  # whoever reads it will say what is wrong
        return table.path.stat().st_size <= _SMALL
    return False


def _read(
    connection: duckdb.DuckDBPyConnection,
    run: _Run,
    table: RawTable,
    sinks: Sequence[Sink],
    pumps: list[Pump],
    rejects: RejectFile,
) -> None:
    """Read a part: its rows go to the sinks, by ``pumps``, which the first batch starts, its other records to
    ``rejects``.
    """
    mapping = match_header(table.header, run.contract)
    missing = set(mapping.missing)
    run.drift |= dict.fromkeys(mapping.drift)
    run.missing = run.missing & missing if run.first else missing
    with _untyped(rejects.path.with_name("untyped.partial")) as untyped:
        part = _Part(table, mapping, Explainer(table.header, run.contract, mapping), untyped)
        for batch in deadline.checked(_batches(connection, run, part)):
            if not pumps:
                pumps += [Pump(sink, batch.schema) for sink in sinks]
            for pump in pumps:
                pump.put(batch)
        for reject in merged(table, table.broken(connection), untyped):
            rejects.add(_moved(reject, run.first))


@contextlib.contextmanager
def _untyped(path: Path) -> Iterator[RejectFile]:
    with RejectFile(path) as file:
        try:
            yield file
        finally:
            file.close()
            path.unlink(missing_ok=True)


def _moved(reject: Reject, by: int) -> Reject:
    """The reject of a part as one of the whole; its parts have a record a line."""
    if not by:
        return reject
    return replace(reject, record_no=reject.record_no + by, line=reject.line and reject.line + by)


def _batches(connection: duckdb.DuckDBPyConnection, run: _Run, part: _Part) -> Iterator[pa.RecordBatch]:
    """Typed batches of good rows, never empty but for the first, which only tells the schema. Bad rows go to
    ``part.untyped``.
    """
    table = part.table
    relation = table.relation(connection)
    numbered = "_record_no" in connection.sql(f"SELECT * FROM {relation}").columns  # noqa: S608
    sql = projection(part.mapping, run.contract, table.header, relation, numbered)
    names = {column.name.lower() for column in run.contract.columns}
    few = _is_small(table) and len(names) == len(run.contract.columns)  # which DuckDB would not tell apart
    rows = min(_BATCH_ROWS, max(_BATCH_CHARS // max(table.record_size, 1), 100))
    for place, batch in enumerate(batches(connection, sql, rows, few=few)):
        good = _good(batch, run, part)
        if good.num_rows or not place:
            yield good
        if run.progress:
            run.progress(run.first + run.seen)


def _good(batch: pa.RecordBatch, run: _Run, part: _Part) -> pa.RecordBatch:
    """The batch's good rows with organization, load and record number; its bad rows become rejects."""
    count = batch.num_rows
    names = [c.name for c in run.contract.columns] + ["_extra"]
    numbers = record_numbers(part.table, batch, run.seen)
    columns = {name: batch.column(i) for i, name in enumerate(names)}
    columns |= {name: pa.repeat(value, count) for name, value in run.constants.items()}
    columns["_record_no"] = pc.add(numbers, run.first) if run.first else numbers
    typed = pa.RecordBatch.from_pydict(columns)
    bad = bad_rows(batch, typed)
    if bad is not None:
        for reject in part.explainer.explain(batch.filter(bad), numbers.filter(bad)):
            part.untyped.add(reject)
        typed = typed.filter(pc.invert(bad))
    run.seen += count
    run.rows += typed.num_rows
    run.rising.see(typed)
    return typed
