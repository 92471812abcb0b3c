"""Ingestion jobs: announce a file, follow what becomes of it."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway import views
from gateway.access import Admin, Operator, Served, Viewer
from gateway.direct import Way, body_of
from gateway.envelope import Envelope
from gateway.once import Key, once
from gateway.problems import BODY, GUARDED, Refusal, errors
from gateway.state import Service
from sluice.jobs import ledger, uploads
from sluice.jobs.uploads import Wanted
from sluice.landing.names import safe_name
from sluice.security.tokens import Caller, Role
from sluice.warehouse.connection import Connection

_HOST = re.compile(r"[a-z0-9.\-]+(:\d+)?")  # as nearly all are; the rest takes some thought
router = APIRouter(prefix="/api/ingest", tags=["ingest"], responses=GUARDED)


class Announcement(BaseModel):
    """A file that is to come."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filename: str = Field(min_length=1, max_length=500, examples=["projects.csv"])
    file_type: str = Field(default="", max_length=50, description="For your own use; the content decides.")
    file_size: int | None = Field(
        default=None, ge=0, description="Bytes, if known; needed to go on later (tus)."
    )
    dataset: str = Field(default="", description="The dataset; empty: the one that the file is named after.")
    mode: str = Field(default="upsert", pattern="^(append|upsert|replace)$")
    force: bool = Field(default=False, description="Load content that came before once more.")
    priority: views.Priority = "normal"
    options: dict[str, str] = Field(
        default={}, description="Reader options where detection should not decide."
    )


class Announced(BaseModel):
    """Where to send the file."""

    job_id: str
    upload_url: str = Field(
        description="PUT the bytes here, or PATCH them by tus 1.0. It is all that is needed."
    )
    status: views.Status
    expires_at: datetime


_ANNOUNCED = Envelope[Announced]  # to find it by its type takes longer than to make one


class Jobs(BaseModel):
    """One page of jobs, newest first."""

    jobs: Sequence[views.Job]
    count: int
    next: str | None = Field(
        description="Ask with `before` set to this for the next page; none: this is the last."
    )


class Stats(BaseModel):
    """How many jobs there are of each status."""

    stats: dict[str, int]


class JobData(BaseModel):
    """One job."""

    job: views.Job


@router.post("/init", status_code=201, responses=BODY | errors(403, 404))
async def init(
    request: Request, served: Served, who: Operator, wanted: Announcement, key: Key = None
) -> Envelope[Announced]:
    """Announce a file: a job, and the URL to send its bytes to."""
    limit = served.settings.upload_limit_mb * 1_000_000
    if (wanted.file_size or 0) > limit:
        raise Refusal(
            413, f"The file has {wanted.file_size:,} bytes, more than the {limit:,} that are allowed."
        )
    dataset = await served.datasets.meant(wanted.dataset, wanted.filename)
    told = Wanted(
        dataset,
        wanted.filename,
        wanted.file_size,
        wanted.mode,
        wanted.force,
        wanted.priority,
        wanted.options,
    )

    async def work() -> Envelope[Announced]:
        job_id, url, expires = await announce(request, served, who, told)
        made = Announced.model_construct(job_id=job_id, upload_url=url, status="pending", expires_at=expires)
        return _ANNOUNCED.model_construct(message="Upload initiated successfully", data=made)

    return await once(served, who, key, 201, ["init", told], work)


async def _announcement(request: Request) -> Announcement | None:
    return None if "idempotency-key" in request.headers else await body_of(request, Announcement)


async def announce(
    request: Request, served: Service, who: Caller, wanted: Wanted
) -> tuple[str, str, datetime]:
    """A pending job, the signed URL for its bytes, and until when that is good."""
    upload_id = uploads.new_upload_id(who.organization_id)
    place = served.store.place(upload_id, safe_name(wanted.filename))
    expires = datetime.now(UTC) + timedelta(hours=served.settings.upload_hours)
    row = uploads.announcement(
        wanted,
        organization_id=who.organization_id,
        user_id=who.user_id,
        upload_id=upload_id,
        place=place,
        expires_at=expires,
    )
    await served.together.do(who.organization_id, row)
    base = served.settings.gateway_url or _base(request)
    return row["job_id"], served.signer.url(base, upload_id, int(expires.timestamp())), expires


def _base(request: Request) -> str:
    """How the client reaches us, without a slash at its end."""
    host, scope = request.headers.get("host", ""), request.scope
    if not _HOST.fullmatch(host):
        return str(request.base_url).rstrip("/")
    return f"{scope['scheme']}://{host}{scope.get('root_path', '').rstrip('/')}"


@router.get("/status/{job_id}", responses=errors(404))
async def status(served: Served, who: Viewer, job_id: str) -> Envelope[JobData]:
    """One job as it stands."""
    return Envelope(data=JobData(job=await views.job_of(served.database, who.organization_id, job_id)))


async def _job_id(request: Request) -> str | None:
    return str(request.scope["path"]).rpartition("/")[2] or None


async def _status(request: Request, served: Service, who: Caller, job_id: str) -> Envelope[JobData]:
    return await status(served, who, job_id)


WAYS = {
    ("POST", "/api/ingest/init"): Way(Role.operator, _announcement, init, 201),
    ("GET", "/api/ingest/status/"): Way(Role.viewer, _job_id, _status),
}


@router.get("/jobs")
async def jobs(
    served: Served,
    who: Viewer,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=64)] = None,
    status: views.Status | None = None,
    dataset: Annotated[str | None, Query(max_length=200)] = None,
) -> Envelope[Jobs]:
    """The organization's jobs, newest first, in pages."""
    return await page_of(served, who, limit, before=before, status=status, dataset=dataset)


async def page_of(served: Service, who: Caller, limit: int, **chosen: str | None) -> Envelope[Jobs]:
    """At most ``limit`` of the caller's jobs; ``chosen``: see ``views.jobs``."""
    found = await served.database.run(who.organization_id, views.jobs, limit=limit + 1, **chosen)
    page = found[:limit]
    more = page[-1].job_id if len(found) > limit else None
    return Envelope(data=Jobs(jobs=page, count=len(page), next=more))


@router.get("/stats")
async def stats(served: Served, who: Viewer) -> Envelope[Stats]:
    """How many jobs of each status the organization has."""
    return Envelope(data=Stats(stats=await served.database.run(who.organization_id, views.counts)))


@router.delete("/{job_id}", responses=errors(403, 404))
async def delete(served: Served, who: Admin, job_id: str) -> Envelope[None]:
    """Delete a job; one that is not over is cancelled first. The rows that it has published stay."""

    def work(connection: Connection) -> None:
        views.job(connection, job_id)
        # It may be about to complete.
        connection.execute("SELECT FROM sluice.ingestion_jobs WHERE job_id = %s FOR UPDATE", [job_id])
        if ledger.get(connection, job_id)["status"] not in ("completed", "failed", "cancelled"):
            ledger.cancel(connection, job_id, "deleted")
        connection.execute(
            "UPDATE sluice.ingestion_jobs SET archived_at = clock_timestamp() WHERE job_id = %s", [job_id]
        )
        ledger.audit(
            connection,
            "job.deleted",
            organization_id=who.organization_id,
            user_id=who.user_id,
            job_id=job_id,
        )

    await served.database.run(who.organization_id, work)
    return Envelope(message="Job deleted", data=None)
