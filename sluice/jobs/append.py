"""Append to a table that has rows: straight from the stage, in one COPY, unless a key stands there already."""

from collections.abc import Iterator, Sequence

import duckdb
import psycopg
import pyarrow as pa
from psycopg import sql

from sluice.contracts.model import Contract
from sluice.quality.verdict import Verdict
from sluice.readers.base import Stage
from sluice.warehouse import incoming, merge
from sluice.warehouse.ahead import ahead
from sluice.warehouse.columns import column_types
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.copy import copy_batches, parquet_batches

_KEPT = """
SELECT * FROM read_parquet($rows) r WHERE NOT EXISTS
  (FROM read_parquet($rejected) d WHERE d._load_id = r._load_id AND d._record_no = r._record_no)
"""
BATCH_ROWS = 32_768


def goes_direct(warehouse: Warehouse, contract: Contract, mode: str) -> bool:
    """Whether the rows need no incoming table: a table that has rows can't be replaced by the new ones."""
    if mode != "append":
        return False
    with warehouse.connect() as connection:
        return not merge.is_empty(connection, sql.Identifier(contract.schema, contract.table))


def copied(
    connection: psycopg.Connection, contract: Contract, stages: Sequence[Stage], verdict: Verdict
) -> bool:
    """COPY the stages' rows but for the rejected into the dataset table.

    Returns False, with nothing changed, where a key stands already.
    """
    target = sql.Identifier(contract.schema, contract.table)
    try:
        with connection.transaction():
            for stage in stages:
                copy_batches(connection, target, column_types(contract), ahead(_kept(stage, verdict)))
    except psycopg.errors.UniqueViolation:
        return False
    return True


def fill_incoming(
    connection: psycopg.Connection, contract: Contract, table: sql.Identifier, stage: Stage
) -> None:
    """Make the incoming table that the stage was read without."""
    target = sql.Identifier(contract.schema, contract.table)
    types = column_types(contract)
    incoming.fill(connection, table, target, types, ahead(parquet_batches(stage.rows_path, list(types))))


def _kept(stage: Stage, verdict: Verdict) -> Iterator[pa.RecordBatch]:
    if not verdict.rejected:
        yield from parquet_batches(stage.rows_path)
        return
    values = {"rows": str(stage.rows_path), "rejected": str(verdict.rejected_path)}
    with duckdb.connect() as connection:
        yield from connection.sql(_KEPT, params=values).to_arrow_reader(BATCH_ROWS)
