"""Keeps every rejected record beside its reasons: where it stood, its raw text, and what to correct."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from sluice.contracts.model import Contract
from sluice.jobs import concealed
from sluice.jobs.cells import cells_of
from sluice.quality.duck import beside
from sluice.readers.base import Stage
from sluice.security import lake
from sluice.security.cells import Sealer
from sluice.warehouse.copy import copy_batches

TABLE = sql.Identifier("sluice", "rejected_rows")
TYPES = {
    "load_id": "bigint",
    "record_no": "bigint",
    "ordinal": "smallint",
    "job_id": "text",
    "organization_id": "integer",
    "dataset": "text",
    "line": "bigint",
    "column_name": "text",
    "reason": "text",
    "message": "text",
    "raw": "text",
    "cells": "jsonb",
}
CLASHES = pa.schema(
    {
        "_load_id": pa.int64(),
        "_record_no": pa.int64(),
        "column": pa.string(),
        "reason": pa.string(),
        "message": pa.string(),
    }.items()
)
CHUNK = 20_000  # records whose raw text is held in memory at a time
Place = tuple[int, int, str]  # record number, line, raw text
Locate = Callable[[Stage, Iterable[int]], Iterator[Place]]

_READ = """
SELECT $load::BIGINT AS load_id, record_no,
       (row_number() OVER (PARTITION BY record_no ORDER BY file_row_number) - 1)::SMALLINT AS ordinal,
       $job AS job_id, $organization::INTEGER AS organization_id, $dataset AS dataset, line,
       "column" AS column_name, reason, message, raw, cells
  FROM read_parquet($path, file_row_number = true) ORDER BY record_no, ordinal
"""
_AUDITED = """
SELECT _record_no AS record_no,
       (row_number() OVER (PARTITION BY _record_no ORDER BY file_row_number) - 1)::SMALLINT AS ordinal,
       "column" AS column_name, reason, message
  FROM read_parquet($path, file_row_number = true) WHERE _load_id = $load ORDER BY record_no, ordinal
"""
_NUMBERS = "SELECT DISTINCT _record_no FROM read_parquet($path) WHERE _load_id = $load ORDER BY 1"
_CLASHED = """
SELECT c._record_no, c.key, 'the key (' || c.key || ') stands already: '
       || coalesce('record ' || c.other_record || ' of ' || l.filename, 'a row of the table')
       || ', load ' || c.other_load
  FROM pg_temp.sluice_clashes c LEFT JOIN sluice.loads l ON l.id = c.other_load
 WHERE c._load_id = %s ORDER BY 1
"""


def record(
    connection: psycopg.Connection,
    stages: Sequence[Stage],
    verdict_path: Path,
    locate: Locate,
    *,
    job_id: str,
    organization_id: int,
    contract: Contract,
    seal: Sealer | None = None,
) -> None:
    """Write the rejects of reading, audit and publish to ``sluice.rejected_rows``, in the open transaction."""

    def send(found: Iterator[pa.RecordBatch]) -> None:
        copy_batches(connection, TABLE, TYPES, concealed.batches(found, contract, seal))

    for stage in stages:
        common: dict[str, Any] = {"job": job_id, "organization": organization_id, "dataset": contract.dataset}
        common["load"] = stage.load_id
        if stage.rejects:
            send(_batches(_READ, {**common, "path": str(stage.rejects_path)}))
        for path in (verdict_path, _clashes(connection, stage)):
            found = {"path": str(path), "load": stage.load_id}
            numbers = (n for batch in _batches(_NUMBERS, found) for n in batch.column(0).to_pylist())
            places = locate(stage, numbers)
            send(_located(_batches(_AUDITED, found), places, stage, contract, common))


def _clashes(connection: psycopg.Connection, stage: Stage) -> Path:
    """A file, of the shape of the audit's, with the records whose key stands already: there may be millions."""
    path = stage.directory / "clashes.parquet"
    with connection.cursor("sluice_clashes") as cursor, lake.ParquetWriter(path, CLASHES) as writer:
        cursor.execute(_CLASHED, [stage.load_id])
        while rows := cursor.fetchmany(CHUNK):
            number, key, message = map(list, zip(*rows, strict=True))
            many = [stage.load_id] * len(rows), number, key, ["duplicate"] * len(rows), message
            writer.write_batch(pa.record_batch(list(map(pa.array, many, CLASHES.types)), schema=CLASHES))
    return path


def _batches(query: str, values: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    with beside(Path(values["path"])) as connection:
        values = {**values, "path": lake.location(connection, Path(values["path"]))}
        given = {name: value for name, value in values.items() if f"${name}" in query}
        yield from connection.sql(query, params=given).to_arrow_reader(CHUNK)


def _located(
    batches: Iterator[pa.RecordBatch],
    places: Iterator[Place],
    stage: Stage,
    contract: Contract,
    common: dict[str, Any],
) -> Iterator[pa.RecordBatch]:
    """The batches completed with line, raw text and the columns that all of a load's rejects share."""
    where: dict[int, tuple[int, str]] = {}
    place: Place | None = (
        0,
        0,
        "",
    )  # before the first record; the file is opened only where there is a batch
    for batch in batches:
        numbers = batch.column("record_no").to_pylist()
        # A record with several reasons may begin in the batch before.
        where = {number: found for number, found in where.items() if number == numbers[0]}
        while place is not None and place[0] <= numbers[-1]:
            where[place[0]] = place[1:]
            place = next(places, None)
        cells = cells_of(stage, numbers, contract)
        found = [where.get(number, (None, None)) for number in numbers]
        count = batch.num_rows
        yield pa.RecordBatch.from_pydict(
            {
                "load_id": pa.array([common["load"]] * count, pa.int64()),
                "record_no": batch.column("record_no").cast(pa.int64()),
                "ordinal": batch.column("ordinal").cast(pa.int16()),
                "job_id": pa.array([common["job"]] * count),
                "organization_id": pa.array([common["organization"]] * count, pa.int32()),
                "dataset": pa.array([common["dataset"]] * count),
                "line": pa.array([line for line, _ in found], pa.int64()),
                "column_name": batch.column("column_name").cast(pa.string()),
                "reason": batch.column("reason").cast(pa.string()),
                "message": batch.column("message").cast(pa.string()),
                "raw": pa.array([raw for _, raw in found], pa.string()),
                "cells": pa.array([cells.get(number) for number in numbers], pa.string()),
            }
        )
