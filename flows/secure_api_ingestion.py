"""The secure API ingestion: a source with a security policy into one dataset, in six steps."""

from typing import Any, Literal

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field

from blocks.resolve import warehouse_of
from flows.standard_ingestion import IngestionRequest
from sluice.jobs import steps
from sluice.jobs.memory import peak_memory_mb
from sluice.jobs.stopwatch import Stopwatch
from sluice.sources.api.declared import with_policy
from sluice.sources.model import ApiSource
from tasks import reports, secure


class SecureIngestion(BaseModel):
    """Which source with a security policy to ingest, and how."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(
        description="The dataset to load into, by the name of its contract.", examples=["patients"]
    )
    source: ApiSource | None = Field(
        default=None,
        title="Source (leave empty)",
        description="Leave empty: the API that is declared for the dataset, with its policy, in a NAME.source.yaml"
        " beside the contracts. Else an API with `security`; where its URL is declared, the declared policy counts.",
    )
    mode: Literal["append", "upsert", "replace"] = Field(
        default="upsert",
        description="append: add rows, a key that stands already is a reject. upsert: by key, the last record wins."
        " replace: these become the only rows.",
    )
    force: bool = Field(default=False, description="Fetch everything, not only what is new.")
    priority: Literal["critical", "high", "normal", "low"] = Field(
        default="high", description="Which work queue a run that waits is taken from first."
    )
    organization_id: int = Field(default=1, ge=1, description="The tenant that the rows belong to.")
    user_id: int = Field(default=1, ge=1, description="The user who asks.")
    warehouse: str = Field(
        default="", description="Name of a PostgreSQL Warehouse block; empty: the project's own warehouse."
    )

    def of(self, source: ApiSource) -> IngestionRequest:
        """The ingestion of the source, as the job's row keeps it."""
        return IngestionRequest(sources=[source], **self.model_dump(exclude={"source"}))


@flow(name="secure-api-ingestion", flow_run_name="{request.dataset}", persist_result=False, log_prints=False)
def secure_api_ingestion(request: SecureIngestion) -> dict[str, Any]:
    """An API with a security policy into one dataset table, nothing above the ceiling in plain; returns the outcome."""
    watch = Stopwatch()
    steps.warm_up()
    source = request.source or with_policy(request.dataset)
    warehouse = warehouse_of(request.warehouse).prepare()
    job = steps.open_job(warehouse, request.of(source).model_dump(), flow_run.id)
    with steps.working(warehouse, job):
        progress = reports.Progress(warehouse, job)
        progress(1, "validating", "checking the security policy")
        secure.validate_requirements(job.about, job.warehouse, source)
        secure.verify_authentication(job.about, job.warehouse, source)
        report = secure.establish_connection(job.about, job.warehouse, source)

        progress(5, "processing", "collecting")
        landed = secure.collect(job, source)
        progress(30, "processing", "classifying")
        found = secure.classify(job, landed)

        progress(50, "transforming", "reading, checking quality and publishing")
        outcome = secure.store(job, landed, watch).timed(watch.total(), peak_memory_mb())
        get_run_logger().info(reports.sentence(outcome))
        reports.publish_artifacts(warehouse, outcome, progress)
        reports.publish_security(report, found)
    return outcome.as_dict()
