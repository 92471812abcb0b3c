"""The pipeline: what waits and runs, pauses, dead letters."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from gateway.access import Operator, Served, Viewer
from gateway.envelope import Envelope
from sluice.queue import dead_letters, pauses

router = APIRouter(prefix="/api/pipeline", tags=["pipeline"])


class Paused(BaseModel):
    """Whether the organization's jobs wait."""

    paused: bool


class Choice(BaseModel):
    """Which dead letters; all of them if nothing is chosen."""

    model_config = ConfigDict(extra="forbid")

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


@router.post("/pause")
async def pause(served: Served, who: Operator) -> Envelope[Paused]:
    """Start no more jobs; those that run go on."""
    await served.database.run(who.organization_id, pauses.pause, who.organization_id, who.user_id)
    return Envelope(message="Paused", data=Paused(paused=True))


@router.post("/resume")
async def resume(served: Served, who: Operator) -> Envelope[Paused]:
    """Start waiting jobs again, the most urgent first."""
    await served.database.run(who.organization_id, pauses.resume, who.organization_id)
    return Envelope(message="Resumed", data=Paused(paused=False))


@router.get("/dlq")
async def dlq(
    served: Served, who: Viewer, before: str | None = None, limit: int = 50
) -> Envelope[DeadLetters]:
    """Jobs that failed after their last try."""
    found = await served.database.run(
        who.organization_id,
        dead_letters.listing,
        who.organization_id,
        before=before,
        limit=min(max(limit, 1), 200),
    )
    return Envelope(data=DeadLetters(dead_letters=found, count=len(found)))


@router.post("/dlq/retry")
async def retry(served: Served, who: Operator, choice: Choice | None = None) -> Envelope[Queued]:
    """Queue dead letters again, with all their tries."""
    chosen = choice or Choice()
    found = await served.database.run(
        who.organization_id,
        dead_letters.retry,
        who.organization_id,
        jobs=chosen.job_ids,
        reason=chosen.reason,
    )
    return Envelope(message=f"{len(found)} queued again", data=Queued(job_ids=found, count=len(found)))
