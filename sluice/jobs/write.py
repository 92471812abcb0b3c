"""Writes the staged rows into the dataset table, in the job's mode and in the open transaction of a publish."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from sluice.contracts.model import Contract
from sluice.errors import DataRefused, SetupError
from sluice.jobs import append
from sluice.jobs.outcome import Counts, records_by_load
from sluice.jobs.publication import Publication
from sluice.quality.verdict import Verdict
from sluice.warehouse import merge
from sluice.warehouse.copy import copy_batches, parquet_batches
from sluice.warehouse.incoming import exists
from sluice.warehouse.merge import Merge
from sluice.warehouse.upsert import upsert

DOOMED = sql.Identifier("pg_temp", "sluice_doomed")
SUPERSEDED = sql.Identifier("pg_temp", "sluice_superseded")
CLASHES = sql.Identifier("pg_temp", "sluice_clashes")
TRADING = "Two records trade the value of a unique column; load them one after the other."
OTHER_KEY = "The table has a unique index that the contract does not know."
RECORD = {"_load_id": "bigint", "_record_no": "bigint"}


def write(connection: psycopg.Connection, work: Publication) -> Counts:
    """Write the rows; returns what became of each load's records. Raises DataRefused.

    Which records were superseded or clash with a standing key is left in temporary tables.
    """
    temporary(connection)
    with _referring(work.contract):
        counts = _write(connection, work)
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return counts


def temporary(connection: psycopg.Connection) -> None:
    """Tables that live as long as the transaction: what the audit rejected, what is superseded, what clashes."""
    connection.execute("CREATE TEMP TABLE sluice_doomed (_load_id bigint, _record_no bigint) ON COMMIT DROP")
    connection.execute(
        "CREATE TEMP TABLE sluice_superseded (_load_id bigint, _record_no bigint) ON COMMIT DROP"
    )
    connection.execute(
        "CREATE TEMP TABLE sluice_clashes (_load_id bigint, _record_no bigint, key text, other_load bigint,"
        " other_record bigint, PRIMARY KEY (_load_id, _record_no)) ON COMMIT DROP"
    )


def _write(connection: psycopg.Connection, work: Publication) -> Counts:
    rejected, superseded = _judged(work)
    published: Counter[int] | None = None
    if work.mode == "upsert":
        with _refusing(work.contract, TRADING):
            done = upsert(_upsertable(_incoming(connection, work)), CLASHES, SUPERSEDED)
        superseded, published = superseded + done.superseded, done.published
    elif work.mode == "replace":
        if not work.nothing_left:
            with _refusing(work.contract, OTHER_KEY):
                merge.replace(_incoming(connection, work))
    else:
        _append(connection, work)
    rejected += clashes(connection)
    gone = rejected + superseded
    left = Counter({s.load_id: s.records - gone[s.load_id] for s in work.stages})
    if published is None:
        return Counts(left, Counter(), superseded, rejected)
    return Counts(published, left - published, superseded, rejected)


def _judged(work: Publication) -> tuple[Counter[int], Counter[int]]:
    """Records that reading and audit rejected, and those the audit found superseded, by load."""
    rejected = Counter({s.load_id: s.rejects for s in work.stages})
    superseded: Counter[int] = Counter()
    if work.verdict.rejected:
        rejected += records_by_load(work.verdict.rejected_path)
    if work.verdict.superseded:
        superseded += records_by_load(work.verdict.superseded_path)
    return rejected, superseded


def _append(connection: psycopg.Connection, work: Publication) -> None:
    """Add the rows at once, and only if a key stands already, find which and reject them."""
    made = any(exists(connection, sql.Identifier("sluice", name)) for name in work.incoming)
    direct = not made and append.takes_copy(connection, work.contract)
    if direct and append.copied(connection, work.contract, work.stages, work.verdict, work.seal):
        return
    tables = _incoming(connection, work)
    if not direct and _appended(tables):
        return
    merge.standing(tables, CLASHES)
    merge.discard(tables, CLASHES)
    with _refusing(work.contract, OTHER_KEY):
        merge.append(tables)


def _appended(tables: Merge) -> bool:
    try:
        with tables.connection.transaction():
            merge.append(tables)
    except psycopg.errors.UniqueViolation:
        return False
    return True


def _upsertable(tables: Merge) -> Merge:
    if not tables.contract.match_keys:
        raise SetupError(
            f"{tables.contract.dataset} has no primary key to upsert by.",
            hint="Give the contract a primaryKey, or load with --mode append.",
        )
    return tables


def _incoming(connection: psycopg.Connection, work: Publication) -> Merge:
    """The stages' tables as one, without what the audit turned away: the first takes in the others."""
    for stage, name in zip(work.stages, work.incoming, strict=True):
        if not exists(connection, sql.Identifier("sluice", name)):
            append.fill_incoming(connection, work.contract, sql.Identifier("sluice", name), stage, work.seal)
    first, *others = (sql.Identifier("sluice", name) for name in work.incoming)
    rows = sum(stage.rows for stage in work.stages)
    tables = Merge(connection, work.contract, first, work.organization_id, rows)
    for other in others:
        names = merge.listed(tables.names)
        tables.run("INSERT INTO {incoming} ({names}) SELECT {names} FROM {other}", names=names, other=other)
    _discard(tables, work.verdict)
    return tables


def _discard(tables: Merge, verdict: Verdict) -> None:
    """Delete what the audit rejected or found superseded."""
    found = (
        (DOOMED, verdict.rejected, verdict.rejected_path),
        (SUPERSEDED, verdict.superseded, verdict.superseded_path),
    )
    for table, count, path in found:
        if count:
            copy_batches(tables.connection, table, RECORD, parquet_batches(path, list(RECORD)))
            tables.connection.execute(sql.SQL("ANALYZE {}").format(table))
            merge.discard(tables, table)


@contextmanager
def _refusing(contract: Contract, hint: str) -> Iterator[None]:
    """A key that no record can be blamed for stops the load: under the table's lock it is no other load's."""
    try:
        yield
    except psycopg.errors.UniqueViolation as violation:
        raise DataRefused(
            f"{contract.dataset}: {violation.diag.message_detail or 'a key would stand twice.'}",
            hint=hint,
            dataset=contract.dataset,
        ) from None


@contextmanager
def _referring(contract: Contract) -> Iterator[None]:
    """The audit has turned away rows without a partner, so it is others that are in the way."""
    try:
        yield
    except psycopg.errors.ForeignKeyViolation as violation:
        raise DataRefused(
            f"{contract.dataset}: {violation.diag.message_detail or 'a row that others refer to would go.'}",
            hint="Load the dataset that refers or is referred to first, then this one again.",
            dataset=contract.dataset,
        ) from None


def clashes(connection: psycopg.Connection) -> Counter[int]:
    """How many records of each load have a key that stands already."""
    rows: Any = connection.execute(
        "SELECT _load_id, count(*) FROM pg_temp.sluice_clashes GROUP BY 1"
    ).fetchall()
    return Counter(dict(rows))
