"""The task of the maintenance flow."""

from pathlib import Path

from prefect import task

from blocks.resolve import warehouse_of
from sluice.jobs import upkeep
from sluice.landing.store import Store
from sluice.settings import settings
from tasks.policy import in_time, step


@task(name="clean", **step(minutes=30, retries=2))
@in_time
def clean(warehouse: str, landing: str, days: int) -> dict[str, int]:
    """Remove what is older than ``days``; returns how many of each."""
    store = Store(Path(landing) if landing else settings().root / "landing")
    return upkeep.clean(warehouse_of(warehouse).prepare(), store, days).as_dict()
