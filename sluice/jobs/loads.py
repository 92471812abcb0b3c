"""Writes the ledger of loads: one row a stage, and how each rule came out."""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from sluice.contracts.model import Contract, Rule
from sluice.jobs import ledger
from sluice.jobs.outcome import Counts, Outcome
from sluice.jobs.publication import Publication
from sluice.quality.verdict import RuleResult, Verdict
from sluice.readers.base import Stage
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

# Unchanged is what is left of all records; the changed ones stand in the temporary table of the upsert.
_REMEMBER = """
WITH overtaken AS (
    SELECT range_agg(int8range(_record_no, _record_no, '[]')) AS records
      FROM pg_temp.sluice_superseded WHERE _load_id = %(load)s
), other AS (
    SELECT range_agg(int8range(n, n, '[]')) AS records FROM (
        SELECT record_no AS n FROM sluice.rejected_rows WHERE load_id = %(load)s
        UNION ALL SELECT _record_no FROM pg_temp.sluice_todo WHERE _load_id = %(load)s AND %(unchanged)s
    ) o
)
UPDATE sluice.loads SET superseded_records = overtaken.records,
       unchanged_records = CASE WHEN %(unchanged)s THEN int8multirange(int8range(1, read, '[]'))
           - coalesce(other.records, '{}') - coalesce(overtaken.records, '{}') END
  FROM overtaken, other WHERE id = %(load)s
"""

_MEASURED = """
WITH job AS (
    UPDATE sluice.ingestion_jobs SET result_data = result_data || %(measured)s WHERE job_id = %(job)s
)
UPDATE sluice.loads SET seconds = %(seconds)s WHERE job_id = %(job)s
"""


def record(connection: psycopg.Connection, work: Publication, counts: Counts) -> None:
    """Insert the ``loads`` rows, in the open transaction."""
    for stage in work.stages:
        row = _load(work, stage, counts)
        connection.execute(_insertion("loads", row), row)


def note(connection: psycopg.Connection, work: Publication, counts: Counts) -> None:
    """Write the loads' audit entries; after all else that takes long, since no other of the organization is written
    until the commit.
    """
    for stage in work.stages:
        ledger.audit(
            connection,
            "load.published",
            organization_id=work.organization_id,
            job_id=work.job_id,
            load_id=stage.load_id,
            dataset=work.contract.dataset,
            details={
                "contract": work.contract.version,
                "mode": work.mode,
                "published": counts.published[stage.load_id],
            },
        )


def remember(connection: psycopg.Connection, counts: Counts) -> None:
    """Note which records were unchanged or superseded, so that each can be traced; after all else is written."""
    for load in counts.superseded + counts.unchanged:
        connection.execute(_REMEMBER, {"load": load, "unchanged": bool(counts.unchanged[load])})


def measured(warehouse: Warehouse, outcome: Outcome) -> None:
    """Correct what the committed job took, now that the commit is part of it. Without it, the ledger is a bit low."""
    kept = ("seconds", "rows_per_second", "peak_memory_mb")
    found = {name: getattr(outcome, name) for name in kept}
    values = {"job": outcome.job_id, "measured": Jsonb(found), "seconds": Jsonb(outcome.seconds)}
    with translated(), warehouse.connect() as connection:
        connection.execute(_MEASURED, values)


def record_rules(connection: psycopg.Connection, work: Publication) -> None:
    """Insert how each rule came out, in the open transaction."""
    common = {
        "job_id": work.job_id,
        "organization_id": work.organization_id,
        "dataset": work.contract.dataset,
    }
    rows = [
        {
            **common,
            "ordinal": number,
            "rule": result.rule,
            "expectation": result.expectation,
            "kind": result.kind,
            "column_name": result.column or None,
            "severity": result.severity,
            "success": result.success,
            "element_count": result.element_count,
            "unexpected_count": result.unexpected_count,
            "observed": Jsonb(result.observed),
        }
        for number, result in enumerate(work.verdict.results)
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_insertion("rule_results", rows[0]), rows)


def warnings(verdict: Verdict, contract: Contract) -> tuple[str, ...]:
    """One sentence for each rule of severity warning that failed: what it expects, and what was found."""
    rules = {rule.id: rule for rule in contract.rules}
    return tuple(
        f"{result.id}: {_expected(result, rules.get(result.id))} ({_found(result)})"
        for result in verdict.results
        if not result.success and result.severity == "warning"
    )


def _expected(result: RuleResult, rule: Rule | None) -> str:
    message = rule.message.rstrip(".") if rule else ""
    return message or f"fails {result.expectation}"


def _found(result: RuleResult) -> str:
    if result.unexpected_count is not None:
        return f"{result.unexpected_count:,} of {result.element_count:,} records fail"
    return "not met" if result.observed is None else f"found {result.observed}"


def _load(work: Publication, stage: Stage, counts: Counts) -> dict[str, Any]:
    contract, load = work.contract, stage.load_id
    return {
        "id": load,
        "job_id": work.job_id,
        "organization_id": work.organization_id,
        "dataset": contract.dataset,
        "source": stage.source,
        "filename": stage.details.get("name", stage.source),
        "file_type": stage.details.get("format", ""),
        "file_size": stage.size,
        "content_sha256": stage.sha256,
        "options": Jsonb(stage.details.get("options", {})),
        "account": Jsonb(stage.details.get("account", {})),
        "contract_id": contract.id,
        "contract_version": contract.version,
        "contract_sha256": contract.sha256,
        "mode": work.mode,
        "table_schema": contract.schema,
        "table_name": contract.table,
        "read": stage.records,
        "published": counts.published[load],
        "unchanged": counts.unchanged[load],
        "superseded": counts.superseded[load],
        "rejected": counts.rejected[load],
        "quality_score": work.verdict.score,
        "seconds": Jsonb(work.seconds),
        "drift": Jsonb({"unknown": stage.drift, "missing": stage.missing}),
        "started_at": stage.details.get("started_at"),
        "flow_run_id": work.flow_run_id,
    }


def _insertion(table: str, row: dict[str, Any]) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier("sluice", table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
