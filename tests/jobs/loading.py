"""Loads a file through the real steps, without Prefect: what most tests of publishing need."""

from pathlib import Path

from sluice.contracts.model import Contract
from sluice.jobs import steps
from sluice.jobs.memory import peak_memory_mb
from sluice.jobs.outcome import Outcome
from sluice.sources import acquire
from sluice.sources.model import source_of
from sluice.warehouse.connection import Warehouse


def load(
    warehouse: Warehouse,
    contract: Contract,
    *paths: Path,
    mode: str = "append",
    force: bool = True,
    organization_id: int = 1,
) -> Outcome:
    """The outcome of loading the files as one job."""
    watch = steps.Stopwatch()
    request = {
        "dataset": contract.dataset,
        "sources": [{"path": str(path)} for path in paths],
        "mode": mode,
        "organization_id": organization_id,
        "user_id": 1,
        "priority": "normal",
        "force": force,
        "warehouse": "",
        "job_id": "",
    }
    job = steps.open_job(warehouse, request)
    with steps.working(warehouse, job):
        items = [item for path in paths for item in acquire.validate(source_of(str(path)))]
        steps.connect(warehouse, contract, job)
        landed = [steps.collect(warehouse, job, item, number) for number, item in enumerate(items)]
        skipped = steps.unseen(warehouse, contract, job, landed)
        known = {one["sha256"] for one in skipped}
        stages = [
            steps.convert(warehouse, contract, job, one, number)
            for number, one in enumerate(landed)
            if one.sha256 not in known
        ]
        verdict = steps.check(warehouse, contract, job, stages)
        outcome = steps.store(warehouse, contract, job, stages, verdict, skipped, watch.seconds)
    return outcome.timed(watch.total(), peak_memory_mb())
