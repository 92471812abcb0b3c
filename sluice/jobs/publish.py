"""Publish: rows, rejects, ledger, job state and audit entry in one transaction; all of it or nothing."""

import time
from collections.abc import Sequence
from dataclasses import replace

import psycopg
from psycopg import sql

from sluice.contracts.model import Contract
from sluice.errors import DataRefused
from sluice.jobs import ledger, loads, preview, rejects, repeats, replay, samples, source_states
from sluice.jobs.memory import peak_memory_mb
from sluice.jobs.outcome import Counts, Outcome, account_total, account_warnings, reject_reasons
from sluice.jobs.publication import Publication
from sluice.jobs.write import clashes, temporary, write
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

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
    _forget(connection, work.job_id)
    replay.mark(connection, work.stages, work.job_id)
    outcome = _merge(connection, work)
    source_states.save(connection, work.organization_id, work.contract.dataset, work.job_id, work.states)
    # All but the commit, which `loads.measured` adds.
    seconds = {**work.seconds, "publish": time.monotonic() - began}
    outcome = outcome.timed({**seconds, "total": sum(seconds.values())}, peak_memory_mb())
    result = outcome.as_dict() | {"data_preview": preview.first_rows(connection, work)}
    ledger.complete(connection, work.job_id, result)
    return outcome


def _describe(connection: psycopg.Connection, work: Publication) -> None:
    """Note in the job how large its inputs are, and the hash of an only one."""
    inputs = [(stage.sha256, stage.size) for stage in work.stages]
    inputs += repeats.earlier_inputs(connection, work.skipped)
    sha256 = inputs[0][0] if len(inputs) == 1 else None
    ledger.describe(connection, work.job_id, file_size=sum(size for _, size in inputs), content_sha256=sha256)


def _refusal(warehouse: Warehouse, work: Publication) -> DataRefused:
    """The error for a failed table-level rule; how all rules came out is kept, and which records were at fault."""
    with translated(), warehouse.connect() as connection:
        _describe(connection, work)
        _forget(connection, work.job_id)
        loads.record_rules(connection, work)
        temporary(connection)
        _reject(connection, work)
    return DataRefused(
        f"{work.contract.dataset}: {'; '.join(work.verdict.refused)}.",
        hint="Nothing was published. Correct the input, or the rule in the contract.",
        dataset=work.contract.dataset,
        job_id=work.job_id,
    )


def _forget(connection: psycopg.Connection, job_id: str) -> None:
    """Remove what an earlier attempt that was refused has left."""
    for table in ("rule_results", "rejected_rows"):
        query = sql.SQL("DELETE FROM {} WHERE job_id = %s").format(sql.Identifier("sluice", table))
        connection.execute(query, [job_id])


def _reject(connection: psycopg.Connection, work: Publication) -> None:
    """Keep the rejected records, and the first of them in the job."""
    rejects.record(
        connection,
        work.stages,
        work.verdict.rejected_path,
        work.locate,
        job_id=work.job_id,
        organization_id=work.organization_id,
        contract=work.contract,
        seal=work.seal,
    )
    samples.note_first(connection, work.job_id)


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
        counts = write(connection, work)
        reasons = reject_reasons(work.stages, work.verdict, clashes(connection).total())
        loads.record(connection, work, counts)
        loads.record_rules(connection, work)
        if counts.rejected.total():
            _reject(connection, work)
        loads.remember(connection, counts)
        _drop(connection, work.incoming)
        loads.note(connection, work, counts)
    kept_rows = (KEPT_ROWS,) if work.mode == "replace" and work.stages and work.nothing_left else ()
    return Outcome.of(
        work.job_id,
        contract.dataset,
        work.mode,
        counts,
        reasons,
        files=tuple(stage.details["name"] for stage in work.stages),
        drift=tuple(dict.fromkeys(name for stage in work.stages for name in stage.drift)),
        missing=tuple(dict.fromkeys(name for stage in work.stages for name in stage.missing)),
        lines=account_total(work.stages, "lines"),
        repairs=account_total(work.stages, "repairs"),
        skipped=work.skipped,
        quality_score=work.verdict.score if work.stages else None,
        warnings=(
            *work.warnings,
            *account_warnings(work.stages),
            *loads.warnings(work.verdict, contract),
            *kept_rows,
        ),
        flow_run_id=work.flow_run_id,
    )
