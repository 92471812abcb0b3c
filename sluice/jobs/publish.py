"""Publish: rows, rejects, ledger, job state and audit entry in one transaction; all of it or nothing."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql

from sluice.contracts.model import Contract
from sluice.errors import DataRefused, SetupError
from sluice.jobs import append, ledger, loads, rejects, repeats, replay
from sluice.jobs.memory import peak_memory_mb
from sluice.jobs.outcome import Counts, Outcome, records_by_load, reject_reasons
from sluice.quality.verdict import Verdict
from sluice.readers.base import Stage
from sluice.warehouse import merge
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.copy import copy_batches, parquet_batches
from sluice.warehouse.failures import translated
from sluice.warehouse.incoming import exists
from sluice.warehouse.merge import Merge
from sluice.warehouse.upsert import upsert

DOOMED = sql.Identifier("pg_temp", "sluice_doomed")
SUPERSEDED = sql.Identifier("pg_temp", "sluice_superseded")
CLASHES = sql.Identifier("pg_temp", "sluice_clashes")
# A server process that waits for a lock notices only by checking that its client has died.
_SESSION = """
SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '256MB';
SET LOCAL lock_timeout = '5min'; SET LOCAL client_connection_check_interval = '2s'
"""
_DEFERRABLE = """
SELECT contype = 'f', nspname, conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace
 WHERE condeferrable AND contype IN ('f', 'u', 'p', 'x') AND %s::regclass IN (conrelid, confrelid)
"""
KEPT_ROWS = "every record was rejected, so nothing was replaced: the old rows stay"
TRADING = "Two records trade the value of a unique column; load them one after the other."
OTHER_KEY = "The table has a unique index that the contract does not know."
RECORD = {"_load_id": "bigint", "_record_no": "bigint"}


@dataclass(frozen=True, slots=True)
class Publication:
    """All that one publish needs to know. ``incoming`` names the stages' tables, in the same order."""

    job_id: str
    organization_id: int
    contract: Contract
    mode: str
    stages: Sequence[Stage]
    incoming: Sequence[str]
    verdict: Verdict
    locate: rejects.Locate
    force: bool = False
    flow_run_id: str | None = None
    skipped: tuple[dict[str, str], ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


def publish(warehouse: Warehouse, work: Publication) -> Outcome:
    """Move the staged rows into the dataset table and write down what happened.

    Tried again after a commit whose answer was lost, it returns what that commit did.
    Raises DataRefused where a table-level rule failed or two rows trade a unique value.
    """
    if work.verdict.refused:
        raise _refusal(warehouse, work)
    try:
        with translated(), warehouse.connect() as connection, connection.transaction():
            return _published(connection, work)
    except DataRefused:
        with translated(), warehouse.connect() as connection:
            _describe(connection, work)
        raise


def _published(connection: psycopg.Connection, work: Publication) -> Outcome:
    began = time.monotonic()
    connection.execute(_SESSION)
    _lock(connection, work.contract)
    _defer(connection, work.contract)
    job = ledger.get(connection, work.job_id)
    if job["status"] == "completed":
        return Outcome.from_dict(job["result_data"])
    _describe(connection, work)
    if not work.force:
        work = _without_repeats(connection, work)
    replay.mark(connection, work.stages, work.job_id)
    outcome = _merge(connection, work)
    # All but the commit, which `loads.measured` adds.
    seconds = {**work.seconds, "publish": time.monotonic() - began}
    outcome = outcome.timed({**seconds, "total": sum(seconds.values())}, peak_memory_mb())
    ledger.complete(connection, work.job_id, outcome.as_dict())
    return outcome


def _describe(connection: psycopg.Connection, work: Publication) -> None:
    """Note in the job how large its inputs are, and the hash of an only one."""
    inputs = [(stage.sha256, stage.size) for stage in work.stages]
    inputs += repeats.earlier_inputs(connection, work.skipped)
    sha256 = inputs[0][0] if len(inputs) == 1 else None
    ledger.describe(connection, work.job_id, file_size=sum(size for _, size in inputs), content_sha256=sha256)


def _refusal(warehouse: Warehouse, work: Publication) -> DataRefused:
    """The error for a failed table-level rule; how all rules came out is kept."""
    with translated(), warehouse.connect() as connection:
        _describe(connection, work)
        loads.record_rules(connection, work)
    return DataRefused(
        f"{work.contract.dataset}: {'; '.join(work.verdict.refused)}.",
        hint="Nothing was published. Correct the input, or the rule in the contract.",
        dataset=work.contract.dataset,
        job_id=work.job_id,
    )


def _lock(connection: psycopg.Connection, contract: Contract) -> None:
    """One publish a table at a time; readers go on. The lock by name outlives a swap of the table."""
    name = f"{contract.schema}.{contract.table}"
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('sluice publish ' || %s, 0))", [name])
    target = sql.Identifier(contract.schema, contract.table)
    connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(target))


def _defer(connection: psycopg.Connection, contract: Contract) -> None:
    """Let rows refer to what a later statement brings; a key is checked at once, where its violation can be told."""
    table = sql.Identifier(contract.schema, contract.table).as_string(connection)
    for refers, *name in connection.execute(_DEFERRABLE, [table]).fetchall():
        when = sql.SQL("DEFERRED" if refers else "IMMEDIATE")
        connection.execute(sql.SQL("SET CONSTRAINTS {} {}").format(sql.Identifier(*name), when))


def _without_repeats(connection: psycopg.Connection, work: Publication) -> Publication:
    """Leave out what another job has published since this one began."""
    inputs = [
        (repeats.identity(stage.source, stage.sha256), stage.details["options"]) for stage in work.stages
    ]
    earlier = repeats.loaded_before(connection, work.organization_id, work.contract, work.mode, inputs)
    if not earlier:
        return work
    _drop(connection, [work.incoming[number] for number in earlier])
    more = tuple(
        {"source": work.stages[number].source, "sha256": work.stages[number].sha256, "job_id": job}
        for number, job in earlier.items()
    )
    return replace(
        work,
        stages=[one for number, one in enumerate(work.stages) if number not in earlier],
        incoming=[name for number, name in enumerate(work.incoming) if number not in earlier],
        skipped=(*work.skipped, *more),
    )


def _drop(connection: psycopg.Connection, names: Sequence[str]) -> None:
    for name in names:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier("sluice", name)))


def _merge(connection: psycopg.Connection, work: Publication) -> Outcome:
    contract, counts, reasons = work.contract, Counts(), dict[str, int]()
    if work.stages:
        _temporary(connection)
        with _referring(work.contract):
            counts = _write(connection, work)
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        reasons = reject_reasons(work.stages, work.verdict, _clashes(connection).total())
        loads.record(connection, work, counts)
        loads.record_rules(connection, work)
        if counts.rejected.total():
            rejects.record(
                connection,
                work.stages,
                work.verdict.rejected_path,
                work.locate,
                job_id=work.job_id,
                organization_id=work.organization_id,
                contract=contract,
            )
        loads.remember(connection, counts)
        _drop(connection, work.incoming)
    kept_rows = (KEPT_ROWS,) if work.mode == "replace" and work.stages and _nothing_left(work) else ()
    return Outcome.of(
        work.job_id,
        contract.dataset,
        work.mode,
        counts,
        reasons,
        files=tuple(stage.details["name"] for stage in work.stages),
        drift=tuple(dict.fromkeys(name for stage in work.stages for name in stage.drift)),
        missing=tuple(dict.fromkeys(name for stage in work.stages for name in stage.missing)),
        skipped=work.skipped,
        quality_score=work.verdict.score if work.stages else None,
        warnings=loads.warnings(work.verdict, contract) + kept_rows,
        flow_run_id=work.flow_run_id,
    )


def _incoming(connection: psycopg.Connection, work: Publication) -> Merge:
    """The stages' tables as one, without what the audit turned away: the first takes in the others."""
    for stage, name in zip(work.stages, work.incoming, strict=True):
        if not exists(connection, sql.Identifier("sluice", name)):
            append.fill_incoming(connection, work.contract, sql.Identifier("sluice", name), stage)
    first, *others = (sql.Identifier("sluice", name) for name in work.incoming)
    rows = sum(stage.rows for stage in work.stages)
    tables = Merge(connection, work.contract, first, work.organization_id, rows)
    for other in others:
        names = merge.listed(tables.names)
        tables.run("INSERT INTO {incoming} ({names}) SELECT {names} FROM {other}", names=names, other=other)
    _discard(tables, work.verdict)
    return tables


def _temporary(connection: psycopg.Connection) -> None:
    """Tables that live as long as the transaction: what the audit rejected, what is superseded, what clashes."""
    connection.execute("CREATE TEMP TABLE sluice_doomed (_load_id bigint, _record_no bigint) ON COMMIT DROP")
    connection.execute(
        "CREATE TEMP TABLE sluice_superseded (_load_id bigint, _record_no bigint) ON COMMIT DROP"
    )
    connection.execute(
        "CREATE TEMP TABLE sluice_clashes (_load_id bigint, _record_no bigint, key text, other_load bigint,"
        " other_record bigint, PRIMARY KEY (_load_id, _record_no)) ON COMMIT DROP"
    )


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


def _write(connection: psycopg.Connection, work: Publication) -> Counts:
    """Write in the job's mode; returns what became of each load's records."""
    rejected, superseded = _judged(work)
    published: Counter[int] | None = None
    if work.mode == "upsert":
        with _refusing(work.contract, TRADING):
            done = upsert(_upsertable(_incoming(connection, work)), CLASHES, SUPERSEDED)
        superseded, published = superseded + done.superseded, done.published
    elif work.mode == "replace":
        if not _nothing_left(work):
            with _refusing(work.contract, OTHER_KEY):
                merge.replace(_incoming(connection, work))
    else:
        _append(connection, work)
    rejected += _clashes(connection)
    gone = rejected + superseded
    left = Counter({s.load_id: s.records - gone[s.load_id] for s in work.stages})
    if published is None:
        return Counts(left, Counter(), superseded, rejected)
    return Counts(published, left - published, superseded, rejected)


def _nothing_left(work: Publication) -> bool:
    return sum(stage.rows for stage in work.stages) == work.verdict.rejected


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
    if direct and append.copied(connection, work.contract, work.stages, work.verdict):
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


def _clashes(connection: psycopg.Connection) -> Counter[int]:
    rows: Any = connection.execute(
        "SELECT _load_id, count(*) FROM pg_temp.sluice_clashes GROUP BY 1"
    ).fetchall()
    return Counter(dict(rows))
