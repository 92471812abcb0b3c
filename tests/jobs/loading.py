"""Loads a file through the real steps, without Prefect: what most tests of publishing need."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sluice.contracts.model import Contract
from sluice.jobs import steps
from sluice.jobs.memory import peak_memory_mb
from sluice.jobs.outcome import Outcome
from sluice.sources import acquire
from sluice.sources.model import Source, source_of
from sluice.warehouse.connection import Warehouse

SOURCES: TypeAdapter[list[Source]] = TypeAdapter(list[Source])


def load(
    warehouse: Warehouse,
    contract: Contract,
    *paths: Path,
    mode: str = "append",
    force: bool = True,
    organization_id: int = 1,
    options: dict[str, str] | None = None,
) -> Outcome:
    """The outcome of loading the files as one job."""
    request = {
        "dataset": contract.dataset,
        "sources": [source_of(str(path), options).model_dump() for path in paths],
        "mode": mode,
        "organization_id": organization_id,
        "user_id": 1,
        "priority": "normal",
        "force": force,
        "warehouse": "",
        "job_id": "",
    }
    return run(warehouse, contract, request)


def run(warehouse: Warehouse, contract: Contract, request: dict[str, Any]) -> Outcome:
    """The outcome of the request, as ``IngestionRequest`` has it."""
    watch = steps.Stopwatch()
    job = steps.open_job(warehouse, request)
    with steps.working(warehouse, job):
        sources = SOURCES.validate_python(request["sources"])
        items = [item for source in sources for item in acquire.validate(source)]
        steps.connect(warehouse, contract, job)
        landed = [steps.collect(warehouse, job, item, number) for number, item in enumerate(items)]
        repeated = steps.repeated(warehouse, contract, job, landed)
        stages = [
            steps.convert(warehouse, contract, job, one, number)
            for number, one in enumerate(landed)
            if number not in repeated
        ]
        verdict = steps.check(warehouse, contract, job, stages)
        outcome = steps.store(
            warehouse, contract, job, stages, verdict, list(repeated.values()), watch.seconds
        )
    return outcome.timed(watch.total(), peak_memory_mb())
