"""The standard ingestion: any files into one dataset, in six steps."""

from typing import Any, Literal

from prefect import flow, get_run_logger, unmapped
from prefect.futures import wait
from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field

from blocks.resolve import warehouse_of
from sluice.jobs import steps
from sluice.jobs.memory import peak_memory_mb
from sluice.jobs.stopwatch import Stopwatch
from sluice.sources.model import FileSource, Source
from tasks import ingestion, reports


class IngestionRequest(BaseModel):
    """What to ingest, and how."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(
        description="The dataset to load into, by the name of its contract.", examples=["projects"]
    )
    sources: list[Source] = Field(
        min_length=1,
        description="Where the records come from. All of them are published together or not at all.",
    )
    mode: Literal["append", "upsert", "replace"] = Field(
        default="upsert",
        description="append: add rows, a key that stands already is a reject. upsert: by key, the last record wins."
        " replace: these become the only rows.",
    )
    force: bool = Field(
        default=False, description="Load again even where the same content was loaded before."
    )
    priority: Literal["critical", "high", "normal", "low"] = Field(
        default="normal", description="Which work queue a run that waits is taken from first."
    )
    organization_id: int = Field(default=1, ge=1, description="The tenant that the rows belong to.")
    user_id: int = Field(default=1, ge=1, description="The user who asks.")
    warehouse: str = Field(
        default="", description="Name of a PostgreSQL Warehouse block; empty: the project's own warehouse."
    )
    # Left out of the form, it would be refused as unknown by the API, through which the gateway passes it.
    job_id: str = Field(
        default="",
        title="Job Id (leave empty)",
        description="Leave empty: a new job is made. Only a program that made the job's row before names it here.",
    )

    @classmethod
    def of_files(cls, dataset: str, *paths: str, **more: Any) -> "IngestionRequest":
        """A request for local files."""
        return cls(dataset=dataset, sources=[FileSource(path=path) for path in paths], **more)


@flow(name="standard-ingestion", flow_run_name="{request.dataset}", persist_result=False, log_prints=False)
def standard_ingestion(request: IngestionRequest) -> dict[str, Any]:
    """Files, URLs or objects into one dataset table, every row checked; returns the job's outcome."""
    watch = Stopwatch()
    steps.warm_up()
    warehouse = warehouse_of(request.warehouse).prepare()
    job = steps.open_job(warehouse, request.model_dump(), flow_run.id)
    with steps.working(warehouse, job):
        progress = reports.Progress(warehouse, job)
        items = [item for found in ingestion.validate_source.map(request.sources).result() for item in found]
        steps.require_items(items)
        ingestion.establish_connection(job)
        progress(10, "processing", "collecting")
        landed = ingestion.collect.map(unmapped(job), items, list(range(len(items)))).result()
        repeated = steps.repeated(warehouse, steps.contract_of(job.dataset), job, landed)
        watch.lap("acquire")

        progress(25, "transforming", "reading")
        fresh = [
            (number, one) for number, one in enumerate(landed) if number not in repeated and not one.empty
        ]
        converted = [ingestion.convert.submit(job, one, number) for number, one in fresh]
        wait(converted)
        stages = [future.result() for future in converted]
        watch.lap("read")

        progress(60, "transforming", "checking quality")
        verdict = ingestion.check_quality(job, stages)
        watch.lap("audit")

        progress(75, "transforming", "publishing")
        outcome = ingestion.store(job, stages, verdict, list(repeated.values()), watch.seconds)
        watch.lap("publish")
        outcome = outcome.timed(watch.total(), peak_memory_mb())
        get_run_logger().info(reports.sentence(outcome))
        reports.publish_artifacts(warehouse, outcome, progress)
    return outcome.as_dict()
