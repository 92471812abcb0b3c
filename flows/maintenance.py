"""Maintenance: removes what the job service and Prefect no longer need, and verifies the audit log, every night."""

from prefect import flow, get_run_logger
from pydantic import Field

from tasks.maintenance import clean, forget_runs, verify_log


@flow(name="maintenance", persist_result=False, log_prints=False)
def maintenance(
    days: int = Field(default=7, ge=1, description="Jobs that ended longer ago are no longer listed."),
    landing: str = Field(
        default="",
        description="Where uploads are kept: a folder, or s3://bucket/prefix; empty: the usual one.",
    ),
    warehouse: str = Field(
        default="", description="Name of a PostgreSQL Warehouse block; empty: the project's own."
    ),
    run_days: int = Field(
        default=30, ge=1, description="Flow runs that ended longer ago are deleted in Prefect."
    ),
) -> dict[str, int]:
    """Remove old jobs from the lists, with files and events, and old runs from Prefect; returns how many of each.

    At the end the audit log is verified; the run fails if it is broken.
    """
    cleaned = clean(warehouse, landing, days) | {"runs": forget_runs(run_days)}
    get_run_logger().info("Removed: %s.", ", ".join(f"{count:,} {name}" for name, count in cleaned.items()))
    get_run_logger().info("The audit log is whole: %s entries.", f"{verify_log(warehouse):,}")
    return cleaned
