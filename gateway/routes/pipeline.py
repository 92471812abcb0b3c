"""The pipeline: what waits and runs, pauses, dead letters."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from gateway import views
from gateway.access import Operator, Served, Viewer
from gateway.envelope import Envelope
from gateway.problems import BODY, GUARDED, errors
from gateway.routes.ingest import JobData, Jobs, page_of
from sluice.jobs import ledger, retries
from sluice.queue import dead_letters, figures, pauses
from sluice.security.tokens import Caller
from sluice.warehouse.connection import Connection

router = APIRouter(prefix="/api/pipeline", tags=["pipeline"], responses=GUARDED)


class Paused(BaseModel):
    """Whether the organization's jobs wait."""

    paused: bool


class Choice(BaseModel):
    """Which dead letters; all of them if nothing is chosen."""

    model_config = ConfigDict(extra="forbid", strict=True)

    job_ids: list[str] | None = Field(default=None, max_length=1000)
    reason: str | None = Field(default=None, max_length=200)


class Queued(BaseModel):
    """Jobs that wait again."""

    job_ids: list[str]
    count: int


class DeadLetters(BaseModel):
    """One page of dead letters, newest first."""

    dead_letters: list[dict[str, Any]]
    count: int


class Stats(BaseModel):
    """How the organization's jobs fare."""

    jobs: dict[str, int] = Field(description="By status, and in all.")
    success_rate: float | None = Field(description="Completed of those that ended, 0 to 1.")
    mean_seconds: float | None
    p95_seconds: float | None
    ended_last_hour: int
    queue_depth: int
    queue_seconds: float = Field(description="How long the oldest waiting job has waited.")
    dead_letters: int
    paused: bool


@router.get("/stats")
async def stats(served: Served, who: Viewer) -> Envelope[Stats]:
    """How the organization's jobs fare."""

    def work(connection: Connection) -> Stats:
        paused = pauses.paused(connection, who.organization_id)
        return Stats(jobs=views.counts(connection), paused=paused, **figures.of_organization(connection))

    return Envelope(data=await served.database.run(who.organization_id, work))


@router.get("/jobs")
async def jobs(
    served: Served,
    who: Viewer,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=64)] = None,
    status: views.Status | None = None,
    priority: views.Priority | None = None,
) -> Envelope[Jobs]:
    """The organization's jobs, newest first, in pages."""
    return await page_of(served, who, limit, before=before, status=status, priority=priority)


@router.get("/jobs/{job_id}", responses=errors(404))
async def one_job(served: Served, who: Viewer, job_id: str) -> Envelope[JobData]:
    """One job as it stands."""
    return Envelope(data=JobData(job=await served.database.run(who.organization_id, views.job, job_id)))


@router.post("/pause", responses=errors(403))
async def pause(served: Served, who: Operator) -> Envelope[Paused]:
    """Start no more jobs; those that run go on."""

    def work(connection: Connection) -> None:
        if pauses.pause(connection, who.organization_id, who.user_id):
            _note(connection, who, "organization.paused")

    await served.database.run(who.organization_id, work)
    return Envelope(message="Paused", data=Paused(paused=True))


@router.post("/resume", responses=errors(403))
async def resume(served: Served, who: Operator) -> Envelope[Paused]:
    """Start waiting jobs again, the most urgent first."""

    def work(connection: Connection) -> None:
        if pauses.resume(connection, who.organization_id):
            _note(connection, who, "organization.resumed")

    await served.database.run(who.organization_id, work)
    return Envelope(message="Resumed", data=Paused(paused=False))


def _note(connection: Connection, who: Caller, event: str) -> None:
    ledger.audit(connection, event, organization_id=who.organization_id, user_id=who.user_id)


@router.get("/dlq")
async def dlq(
    served: Served,
    who: Viewer,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=64)] = None,
) -> Envelope[DeadLetters]:
    """Jobs that failed after their last try."""
    found = await served.database.run(
        who.organization_id,
        dead_letters.listing,
        who.organization_id,
        before=before,
        limit=limit,
    )
    return Envelope(data=DeadLetters(dead_letters=found, count=len(found)))


@router.post("/dlq/retry", responses=BODY | errors(403))
async def retry_dead_letters(served: Served, who: Operator, choice: Choice | None = None) -> Envelope[Queued]:
    """Queue dead letters again, with all their tries."""
    chosen = choice or Choice()
    found = await served.database.run(
        who.organization_id,
        retries.retry,
        who.organization_id,
        jobs=chosen.job_ids,
        reason=chosen.reason,
    )
    return Envelope(message=f"{len(found)} queued again", data=Queued(job_ids=found, count=len(found)))
