"""Runs the steps of the standard ingestion in the flow's order, and checks what a failed one says and leaves."""

import pickle
from collections.abc import Callable
from typing import Any

from sluice.contracts.registry import load_contract
from sluice.errors import SluiceError
from sluice.jobs import ledger, steps
from sluice.jobs.outcome import Outcome
from sluice.settings import settings
from sluice.sources import acquire
from sluice.sources.acquire import Item
from sluice.sources.model import source_of
from sluice.warehouse.connection import Warehouse
from tests.errors.conftest import CONTRACT

SECRET = "hunter2"
# In a query, as signed URLs have it: a replay needs it, so the job's request keeps it, but nothing shows it.
TOKEN = "c0ffee"
ALL_TEXT = """
SELECT to_jsonb(j)::text FROM sluice.ingestion_jobs j UNION ALL SELECT to_jsonb(a)::text FROM sluice.audit_log a
"""


def validate(text: str) -> list[Item]:
    return acquire.validate(source_of(text))


def ingest(
    warehouse: Warehouse,
    *texts: str,
    dataset: str = "items",
    mode: str = "append",
    before: dict[str, Callable[[], Any]] | None = None,
    validated: Callable[[str], list[Item]] = validate,
) -> Outcome:
    """Load paths and URLs. ``before`` is called in front of the step that it is named for."""
    prepare = before or {}
    request = {
        "dataset": dataset,
        "sources": [source_of(text).model_dump() for text in texts],
        "mode": mode,
        "organization_id": 1,
        "user_id": 1,
        "priority": "normal",
        "force": False,
        "warehouse": "",
        "job_id": "",
    }

    def at(step: str) -> None:
        prepare.get(step, lambda: None)()

    job = steps.open_job(warehouse, request)
    with steps.working(warehouse, job):
        at("validate")
        items = [item for text in texts for item in validated(text)]
        steps.require_items(items)
        at("connect")
        contract = load_contract(CONTRACT)[0] if dataset == "items" else steps.contract_of(dataset)
        steps.connect(warehouse, contract, job)
        at("collect")
        landed = [steps.collect(warehouse, job, item, number) for number, item in enumerate(items)]
        repeated = steps.repeated(warehouse, contract, job, landed)
        at("convert")
        stages = [steps.convert(warehouse, contract, job, one, number) for number, one in enumerate(landed)]
        at("check")
        verdict = steps.check(warehouse, contract, job, stages)
        at("store")
        return steps.store(warehouse, contract, job, stages, verdict, list(repeated.values()), {})


def check_said(error: SluiceError, *words: str) -> None:
    """What, where and what to do; one sentence each, no secret, and it survives the way to another process."""
    said = f"{error} {error.as_dict()} {error!r} {pickle.loads(pickle.dumps(error)).as_dict()}"
    for word in words:
        assert word in str(error)
    assert SECRET not in said
    assert TOKEN not in said
    assert error.message.endswith(".")
    assert error.hint
    for text in (error.message, error.hint):
        assert "Traceback" not in text
        assert "\n" not in text
        assert len(text) < 500


def check_nothing_left(warehouse: Warehouse, error: SluiceError) -> None:
    """The one job failed with the reason; no row, no reject, no incoming table, no staged file, no secret."""
    with warehouse.connect(autocommit=True) as connection:
        (row,) = ledger.listing(connection, organization_id=1)
        assert row["status"] == "failed"
        assert row["error_message"] == str(error)
        assert row["details"]["error"]["error"] == type(error).__name__
        for table in ("loads", "rejected_rows"):
            assert count(connection, f"SELECT count(*) FROM sluice.{table}") == 0
        assert count(connection, "SELECT count(*) FROM pg_class WHERE relname LIKE 'incoming%'") == 0
        if count(connection, "SELECT count(*) FROM pg_class WHERE oid = to_regclass('data.items')"):
            assert count(connection, "SELECT count(*) FROM data.items") == 0
        kept = "".join(text for (text,) in connection.execute(ALL_TEXT))
        assert SECRET not in kept
        assert TOKEN not in kept
    check_no_files()


def check_no_files() -> None:
    """Nothing is left in the stage folder."""
    stage = settings().stage_dir
    assert not stage.exists() or list(stage.iterdir()) == []


def count(connection: Any, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
