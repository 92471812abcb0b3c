"""The batch ingestion: small jobs, one after another, each published or refused on its own and in one task."""

from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from pydantic import Field

from blocks.resolve import warehouse_of
from flows.standard_ingestion import IngestionRequest
from sluice.errors import SluiceError
from sluice.jobs import steps
from sluice.jobs.lease import lease
from sluice.jobs.outcome import Outcome
from sluice.warehouse.kept import kept
from tasks import ingestion, reports


@flow(name="batch-ingestion", persist_result=False, log_prints=False)
def batch_ingestion(
    requests: Annotated[
        list[IngestionRequest], Field(min_length=1, description="Jobs that were handed over to this run.")
    ],
) -> list[dict[str, Any]]:
    """Jobs that a dispatcher handed over together, one after another; returns their outcomes.

    Raises the error of the job that failed, or SluiceError where several did, at the end; the others stand.
    """
    steps.warm_up()
    outcomes: list[Outcome] = []
    failures: dict[str, Exception] = {}
    with kept().keeping():
        warehouse = warehouse_of().prepare()
        ours = [one for one in requests if steps.begins(warehouse, one.job_id, flow_run.id)]
        with lease(warehouse, *(one.job_id for one in ours)) as held:
            for one in ours:
                # It may have been cancelled since, or its organization may pause now.
                if one is not ours[0] and not steps.begins(warehouse, one.job_id, flow_run.id):
                    held.let_go(one.job_id)
                    continue
                job = steps.open_job(warehouse, one.model_dump(), flow_run.id)
                try:
                    outcomes.append(ingestion.ingest.with_options(task_run_name=job.job_id)(job, one.sources))
                    get_run_logger().info("%s: %s", job.job_id, reports.sentence(outcomes[-1]))
                except Exception as error:
                    failures[job.job_id] = error
                    held.let_go(job.job_id)
            reports.publish_batch(warehouse, outcomes, failures)
    if failures:
        raise _of_all(failures)
    return [outcome.as_dict() for outcome in outcomes]


def _of_all(failures: dict[str, Exception]) -> Exception:
    if len(failures) == 1:
        return next(iter(failures.values()))
    said = "; ".join(f"{job_id}: {error}" for job_id, error in failures.items())
    return SluiceError(f"{len(failures)} jobs failed. {said}")
