"""Jobs for what the gateway has no bytes of: a URL to fetch, an object of a store."""

from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from gateway import views
from gateway.access import Operator, Served, Viewer
from gateway.envelope import Envelope
from gateway.once import Key, once
from gateway.problems import BODY, GUARDED, Refusal, errors
from gateway.state import Service
from sluice.jobs import uploads
from sluice.security.tokens import Caller
from sluice.sources.api.declared import of_url
from sluice.sources.model import ApiSource, HttpSource, ObjectSource
from sluice.sources.urls import without_secrets

router = APIRouter(tags=["requests"], responses=GUARDED)
NEW = BODY | errors(403, 404)


class FromWeb(HttpSource):
    """One file behind an http or https URL."""

    kind: Literal["http"]
    public: Literal[True] = True


class FromApi(ApiSource):
    """The records of one endpoint of a web API, page by page."""

    kind: Literal["api"]


class FromStore(ObjectSource):
    """One object, or all objects under a prefix that ends in '/', of an object store."""

    kind: Literal["object"]


Source = Annotated[FromWeb | FromApi | FromStore, Field(discriminator="kind")]


class NewJob(BaseModel):
    """What to load, and how."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dataset: str = Field(min_length=1, max_length=200, examples=["projects"])
    sources: list[Source] = Field(
        min_length=1,
        max_length=100,
        examples=[[{"kind": "http", "url": "https://example.org/projects.csv"}]],
    )
    mode: Literal["append", "upsert", "replace"] = "upsert"
    priority: views.Priority = "normal"
    force: bool = False


class Endpoint(BaseModel):
    """A URL to load from."""

    model_config = ConfigDict(extra="forbid", strict=True)

    endpoint: str = Field(
        max_length=2000, pattern="^https?://", examples=["https://example.org/projects.csv"]
    )
    dataset: str = Field(
        default="", max_length=200, description="Empty: the one that the file is named after."
    )


class Accepted(BaseModel):
    """The job that was made."""

    jobId: str  # noqa: N815  the seed's name for it
    job_id: str
    status: Literal["queued"] = "queued"


class Progress(BaseModel):
    """How far a job is."""

    status: views.Stage
    progress: int
    result: dict[str, object] | None
    error: str | None


@router.post("/api/pipeline/jobs", status_code=202, tags=["pipeline"], responses=NEW)
async def new_job(served: Served, who: Operator, wanted: NewJob, key: Key = None) -> Envelope[Accepted]:
    """Make a job of URLs or objects."""
    _refuse_files(wanted)
    return await once(served, who, key, 202, ["job", wanted], lambda: _accept(served, who, wanted))


@router.post("/api/data/ingest", status_code=202, responses=NEW)
async def ingest(served: Served, who: Operator, wanted: Endpoint, key: Key = None) -> Envelope[Accepted]:
    """Make a job of one URL: an API's declared endpoint, else a file. Files are sent to `/api/ingest/csv`."""
    source: Source = FromWeb(kind="http", url=wanted.endpoint)
    dataset = wanted.dataset
    if found := await to_thread.run_sync(of_url, wanted.endpoint):
        dataset, source = dataset or found[0], FromApi.model_validate(found[1].model_dump())
    dataset = await served.datasets.meant(dataset, without_secrets(wanted.endpoint).rpartition("/")[2])
    asked = NewJob(dataset=dataset, sources=[source])
    return await once(served, who, key, 202, ["data", asked], lambda: _accept(served, who, asked))


async def _accept(served: Service, who: Caller, wanted: NewJob) -> Envelope[Accepted]:
    await served.datasets.meant(wanted.dataset, "")
    for source in wanted.sources:
        _refuse_foreign_credentials(served, source)
        if isinstance(source, HttpSource | ApiSource):
            await to_thread.run_sync(served.outside.check, source.url)
    request = {
        **wanted.model_dump(exclude={"sources"}),
        "sources": [{**source.model_dump(), "url": source.url} for source in wanted.sources],
        "organization_id": who.organization_id,
        "user_id": who.user_id,
        "warehouse": "",
    }
    job_id = await served.database.run(who.organization_id, uploads.requested, request)
    return Envelope(message="Job queued", data=Accepted(jobId=job_id, job_id=job_id))


def _refuse_foreign_credentials(served: Service, source: Source) -> None:
    """A block's login would go wherever the client says; the environment's opens what is no client's."""
    if not served.settings.shared_credentials and (source.block or isinstance(source, ObjectSource)):
        raise Refusal(
            403,
            "Sources that need the service's own credentials are not offered here.",
            hint="Send the file, or a URL that needs no login. SLUICE_SHARED_CREDENTIALS=true allows them.",
        )


def _refuse_files(wanted: NewJob) -> None:
    """A file on the worker is named by declarations only: what is said of it would tell clients of others."""
    if any(isinstance(one, ApiSource) and one.security and one.security.ca for one in wanted.sources):
        raise Refusal(
            403,
            "`security.ca` names a file on the worker, which is not for clients to do.",
            hint="Leave it out, pin `fingerprints`, or load an endpoint that is declared with it.",
        )


@router.get("/api/data/status/{job_id}", responses=errors(404))
async def status(served: Served, who: Viewer, job_id: str) -> Envelope[Progress]:
    """How far a job is, and its result."""
    job = await served.database.run(who.organization_id, views.job, job_id)
    found = Progress(status=job.stage, progress=job.progress, result=job.result_data, error=job.error_message)
    return Envelope(data=found)
