"""The six steps of the secure API ingestion, with the timeouts of the requirement."""

from typing import Any

from prefect import task

from blocks.resolve import secrets_of, warehouse_of
from sluice.jobs import classified, policies, steps, whole
from sluice.jobs.classified import Landing
from sluice.jobs.outcome import Outcome
from sluice.jobs.policies import About, Check
from sluice.jobs.steps import Job, contract_of
from sluice.jobs.stopwatch import Stopwatch
from sluice.sources import acquire
from sluice.sources.acquire import Item, Landed
from sluice.sources.model import ApiSource
from tasks.policy import in_time, step


@task(name="validate security requirements", **step(minutes=3, retries=2))
@in_time
def validate_requirements(about: About, warehouse: str, source: ApiSource) -> policies.Report:
    """See whether declaration and login are what the policy wants."""
    return _check(about, warehouse, source).requirements()


@task(name="verify authentication", **step(minutes=5, retries=2))
@in_time
def verify_authentication(about: About, warehouse: str, source: ApiSource) -> policies.Report:
    """Prove that the login opens the source, and only with all its factors."""
    return _check(about, warehouse, source).authentication()


@task(name="establish encrypted connection", **step(minutes=3, retries=2))
@in_time
def establish_connection(about: About, warehouse: str, source: ApiSource) -> policies.Report:
    """Negotiate TLS with the source's server and look at its certificate."""
    return _check(about, warehouse, source).connection()


@task(name="collect with encryption", **step(minutes=45, retries=3))
@in_time
def collect(job: Job, source: ApiSource) -> Landed:
    """Bring the pages to disk, over connections that keep to the policy."""
    secrets, warehouse = secrets_of(source), warehouse_of(job.warehouse)
    steps.connect(warehouse, contract_of(job.dataset), job)
    item: Item = acquire.validate(source, secrets)[0]
    return steps.collect(warehouse, job, item, 0, secrets)


@task(name="classify sensitive data", **step(minutes=10, retries=2))
@in_time
def classify(job: Job, landed: Landed) -> dict[str, Any]:
    """Tell the class and level of each column; nothing above the ceiling goes on in plain."""
    if landed.empty:
        return {}
    landing = Landing(landed.path, landed.options)
    return classified.classified(warehouse_of(job.warehouse), contract_of(job.dataset), job.about, landing)


@task(name="store with encryption", **step(minutes=15, retries=2))
@in_time
def store(job: Job, landed: Landed, watch: Stopwatch) -> Outcome:
    """Read, judge and publish, in one transaction."""
    return whole.published(warehouse_of(job.warehouse), job, [landed], watch)


def _check(about: About, warehouse: str, source: ApiSource) -> Check:
    return Check(warehouse_of(warehouse), about, source, secrets_of(source))
