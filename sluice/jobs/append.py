"""Append to a table that has rows: straight from the stage, in one COPY, unless a key stands there already."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from sluice.contracts.model import Contract
from sluice.errors import BugError
from sluice.quality.verdict import Verdict
from sluice.readers.base import Stage
from sluice.security.cells import Sealer
from sluice.warehouse import incoming, merge
from sluice.warehouse.ahead import ahead
from sluice.warehouse.columns import column_types, table_name
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.copy import copy_batches, parquet_batches
from sluice.warehouse.failures import translated
from sluice.warehouse.sealing import sealed_batches

# COPY is refused under row-level security, knows no rules, and writes to nothing but tables.
_TAKES_COPY = """
SELECT relkind IN ('r', 'p') AND NOT relhasrules AND NOT row_security_active(oid)
  FROM pg_class WHERE oid = %s::regclass
"""


def goes_direct(warehouse: Warehouse, contract: Contract, mode: str, table: sql.Identifier) -> bool:
    """Whether the rows need no incoming table: a table that has rows can't be replaced by the new ones.

    Where they need none, ``table``, which an earlier try of the same step may have left, is dropped.
    """
    if mode != "append":
        return False
    with translated(), warehouse.connect() as connection:
        if merge.is_empty(connection, table_name(contract)) or not takes_copy(connection, contract):
            return False
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
    return True


def takes_copy(connection: psycopg.Connection, contract: Contract) -> bool:
    """Whether this user may COPY into the dataset table, to the same effect as INSERT."""
    row = connection.execute(_TAKES_COPY, [table_name(contract).as_string(connection)]).fetchone()
    return row is not None and bool(row[0])


def copied(
    connection: psycopg.Connection,
    contract: Contract,
    stages: Sequence[Stage],
    verdict: Verdict,
    seal: Sealer | None = None,
) -> bool:
    """COPY the stages' rows but for the rejected into the dataset table.

    Returns False, with nothing changed, where a key stands already.
    """
    types = column_types(contract)
    try:
        with connection.transaction():
            for stage in stages:
                with closing(ahead(sealed_batches(seal, kept(stage, verdict)))) as batches:
                    copy_batches(connection, table_name(contract), types, batches)
    except psycopg.errors.UniqueViolation:
        return False
    return True


def fill_incoming(
    connection: psycopg.Connection,
    contract: Contract,
    table: sql.Identifier,
    stage: Stage,
    seal: Sealer | None = None,
) -> None:
    """Make the incoming table that the stage was read without."""
    types = column_types(contract)
    with closing(ahead(sealed_batches(seal, parquet_batches(stage.rows_path)))) as batches:
        incoming.fill(connection, table, table_name(contract), types, batches)


def kept(stage: Stage, verdict: Verdict) -> Generator[pa.RecordBatch, None, None]:
    """The stage's rows but for those that the audit rejected.

    Rows and rejects both lie in order of records, so one pass over each finds them, with a few batches in memory.
    Raises BugError where a rejected record is not among the rows.
    """
    rows = parquet_batches(stage.rows_path)
    if not verdict.rejected:
        yield from rows
        return
    rejects, waiting = _rejected(verdict, stage), np.empty(0, np.int64)
    for batch in rows:
        numbers = batch.column("_record_no").to_numpy()
        while not waiting.size or waiting[-1] <= numbers[-1]:
            if (more := next(rejects, None)) is None:
                break
            waiting = np.concatenate([waiting, more])
        due = np.unique(waiting[: np.searchsorted(waiting, numbers[-1], "right")])
        doomed = np.isin(numbers, due)
        if np.count_nonzero(doomed) != due.size:
            break
        waiting = waiting[np.searchsorted(waiting, numbers[-1], "right") :]
        yield batch.filter(pa.array(~doomed)) if due.size else batch
    else:
        if not waiting.size and next(rejects, None) is None:
            return
    raise BugError(f"Load {stage.load_id}: a rejected record is not in the stage.", hint="Please report it.")


def _rejected(verdict: Verdict, stage: Stage) -> Iterator[np.ndarray]:
    """Numbers of the stage's rejected records, in order; one may come again."""
    for batch in parquet_batches(verdict.rejected_path, ["_load_id", "_record_no"]):
        numbers = batch.column("_record_no").filter(pc.equal(batch.column("_load_id"), stage.load_id))
        if len(numbers):
            yield numbers.to_numpy()
