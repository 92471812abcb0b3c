"""Maintenance: removes what the job service no longer needs, every night."""

from prefect import flow, get_run_logger
from pydantic import Field

from tasks.maintenance import clean


@flow(name="maintenance", persist_result=False, log_prints=False)
def maintenance(
    days: int = Field(default=7, ge=1, description="Jobs that ended longer ago are no longer listed."),
    landing: str = Field(default="", description="Folder of the uploads; empty: the usual one."),
    warehouse: str = Field(
        default="", description="Name of a PostgreSQL Warehouse block; empty: the project's own."
    ),
) -> dict[str, int]:
    """Remove old jobs from the lists, with their files and events; returns how many of each."""
    cleaned = clean(warehouse, landing, days)
    get_run_logger().info("Removed: %s.", ", ".join(f"{count:,} {name}" for name, count in cleaned.items()))
    return cleaned
