"""A whole job in one call, for runs that do many: the steps of the standard ingestion, one after another."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sluice.jobs import ledger, steps
from sluice.jobs.memory import peak_memory_mb
from sluice.jobs.outcome import Outcome
from sluice.jobs.steps import Job, contract_of
from sluice.jobs.stopwatch import Stopwatch
from sluice.sources import acquire
from sluice.sources.acquire import Landed
from sluice.sources.model import Source
from sluice.warehouse.connection import Warehouse

Secrets = Callable[[Source], Mapping[str, Any] | None]


def ingest(warehouse: Warehouse, job: Job, sources: Sequence[Source], secrets: Secrets) -> Outcome:
    """Do the job, whose lease the caller holds, and return its outcome; ``secrets``: a source's client arguments.

    Raises what the steps raise; the job's row tells of it by then.
    """
    watch = Stopwatch()
    with steps.working(warehouse, job, leased=True):
        items = [item for one in sources for item in acquire.validate(one, secrets(one))]
        steps.require_items(items)
        contract = contract_of(job.dataset)
        steps.connect(warehouse, contract, job)
        landed = [
            steps.collect(warehouse, job, item, number, secrets(item.source))
            for number, item in enumerate(items)
        ]
        ledger.move(warehouse, job.job_id, stage="transforming", progress=25, message="reading")
        outcome = published(warehouse, job, landed, watch)
    return outcome.timed(watch.total(), peak_memory_mb())


def published(warehouse: Warehouse, job: Job, landed: Sequence[Landed], watch: Stopwatch) -> Outcome:
    """Read, judge and publish what was collected; nothing of what this dataset has already."""
    contract = contract_of(job.dataset)
    repeated = steps.repeated(warehouse, contract, job, landed)
    watch.lap("acquire")

    fresh = [(number, one) for number, one in enumerate(landed) if number not in repeated and not one.empty]
    stages = [steps.convert(warehouse, contract, job, one, number) for number, one in fresh]
    watch.lap("read")
    verdict = steps.check(warehouse, contract, job, stages)
    watch.lap("audit")

    outcome = steps.store(warehouse, contract, job, stages, verdict, list(repeated.values()), watch.seconds)
    watch.lap("publish")
    return outcome
