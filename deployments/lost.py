"""Runs whose process died before it could tell Prefect: their jobs tell it."""

import time
from pathlib import Path

from deployments import api
from sluice.jobs.recovery import abandoned, recover
from sluice.warehouse.connection import Warehouse

# A run that lives reports its end within moments of its job's.
MOMENT = 1.0


def end_lost_runs(
    warehouse: Warehouse, stage_dir: Path, api_url: str, *, no_worker: bool = False
) -> list[str]:
    """Fail the jobs of dead processes, and end their runs, which Prefect takes for running, as Crashed.

    ``no_worker``: there is none now, so no run that was taken from its queue will begin. Returns the ids of the runs
    that had a job. Without an answer of the API only the jobs are ended. Raises SluiceError.
    """
    if no_worker:
        for run in api.runs_in(api_url, "PENDING"):
            api.crash(api_url, run, "The worker died before the run began.")
    recover(warehouse, stage_dir)
    found = abandoned(warehouse, api.running(api_url))
    if not found:
        return []
    time.sleep(MOMENT)
    lost = [run for run in api.running(api_url) if run in found]
    for run in lost:
        job_id, status = found[run]
        api.crash(api_url, run, f"The run's process died without a word; its job {job_id} is {status}.")
    return lost
