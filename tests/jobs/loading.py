"""Loads a file through the real steps, without Prefect: what most tests of publishing need."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sluice.contracts.model import Contract
from sluice.jobs import steps
from sluice.jobs.memory import peak_memory_mb
from sluice.jobs.outcome import Outcome
from sluice.jobs.stopwatch import Stopwatch
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
    more = {"mode": mode, "force": force, "organization_id": organization_id}
    return run(warehouse, contract, request_for(contract, *paths, options=options, **more))


def request_for(
    contract: Contract, *paths: Path, options: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """What a load of the files asks, as ``IngestionRequest`` has it."""
    return {
        "dataset": contract.dataset,
        "sources": [source_of(str(path), options).model_dump() for path in paths],
        "mode": "append",
        "organization_id": 1,
        "user_id": 1,
        "priority": "normal",
        "force": True,
        "warehouse": "",
        "job_id": "",
        **more,
    }


def run(warehouse: Warehouse, contract: Contract, request: dict[str, Any]) -> Outcome:
    """The outcome of the request, as ``IngestionRequest`` has it."""
    watch = Stopwatch()
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
