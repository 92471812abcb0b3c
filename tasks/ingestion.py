"""The six steps of an ingestion, with the timeouts and retries of the requirement."""

from prefect import task

from blocks.resolve import secrets_of, warehouse_of
from sluice.jobs import steps, whole
from sluice.jobs.outcome import Outcome
from sluice.jobs.steps import Job, contract_of
from sluice.quality.verdict import Verdict
from sluice.readers.base import Stage
from sluice.sources import acquire
from sluice.sources.acquire import Item, Landed
from sluice.sources.model import Source
from tasks.policy import in_time, step


@task(name="validate source", **step(minutes=5, retries=3))
@in_time
def validate_source(source: Source) -> list[Item]:
    """See what the source holds now."""
    return acquire.validate(source, secrets_of(source))


@task(name="establish connection", **step(minutes=2, retries=5))
@in_time
def establish_connection(job: Job) -> None:
    """Reach the warehouse and bring the dataset's table in line with its contract."""
    steps.connect(warehouse_of(job.warehouse), contract_of(job.dataset), job)


@task(name="collect data", **step(minutes=30, retries=3))
@in_time
def collect(job: Job, item: Item, number: int) -> Landed:
    """Bring one input's bytes to disk and hash them."""
    return steps.collect(warehouse_of(job.warehouse), job, item, number, secrets_of(item.source))


@task(name="convert format", **step(minutes=15, retries=2))
@in_time
def convert(job: Job, landed: Landed, number: int) -> Stage:
    """Read one input into typed Parquet and an incoming table."""
    return steps.convert(warehouse_of(job.warehouse), contract_of(job.dataset), job, landed, number)


@task(name="check quality", **step(minutes=10, retries=2))
@in_time
def check_quality(job: Job, stages: list[Stage]) -> Verdict:
    """Judge the staged rows by the contract's Great Expectations suite."""
    return steps.check(warehouse_of(job.warehouse), contract_of(job.dataset), job, stages)


@task(name="store data", **step(minutes=20, retries=3))
@in_time
def store(
    job: Job, stages: list[Stage], verdict: Verdict, skipped: list[dict[str, str]], seconds: dict[str, float]
) -> Outcome:
    """Publish everything in one transaction."""
    return steps.store(
        warehouse_of(job.warehouse), contract_of(job.dataset), job, stages, verdict, skipped, seconds
    )


@task(name="ingest", **step(minutes=20, retries=0))
@in_time
def ingest(job: Job, sources: list[Source]) -> Outcome:
    """Do a small job that shares its run with others; it is tried again in another run."""
    return whole.ingest(warehouse_of(job.warehouse), job, sources, secrets_of)
