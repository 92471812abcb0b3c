"""Files in one request: CSV, and whatever else Sluice reads."""

from collections.abc import Sequence
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, File, Form, Query, UploadFile
from pydantic import BaseModel, Field

from gateway import views
from gateway.access import Operator, Served, Viewer
from gateway.envelope import Envelope
from gateway.forms import FormRoute
from gateway.once import Key, once
from gateway.problems import BODY, GUARDED, Refusal, errors
from gateway.routes.ingest import JobData, Jobs, jobs
from gateway.routes.ingest import status as status_of
from gateway.state import Service
from sluice.errors import InputError
from sluice.jobs import uploads
from sluice.jobs.uploads import Repeated, Wanted
from sluice.landing.folder import TooLarge
from sluice.landing.names import safe_name
from sluice.security.tokens import Caller

router = APIRouter(prefix="/api/ingest/csv", tags=["files"], responses=GUARDED, route_class=FormRoute)


class Taken(BaseModel):
    """What became of one file of the request."""

    filename: str
    job_id: str
    status: views.Status = Field(description="Of the job; of the earlier one if the content came before.")
    repeated: bool = Field(default=False, description="The content came before, with the job that is named.")


class AllTaken(BaseModel):
    """All files of the request, each with its job."""

    job_id: str = Field(description="The first file's job.")
    jobs: Sequence[Taken]
    count: int


@router.post("", status_code=202, responses=BODY | errors(403, 404, 409))
async def send(
    served: Served,
    who: Operator,
    file: Annotated[list[UploadFile], File(min_length=1, description="One file or several.")],
    dataset: Annotated[str, Form(description="Empty: the one that each file is named after.")] = "",
    type: Annotated[str, Form(description="Another name for `dataset`.")] = "",
    mode: Annotated[str, Form(pattern="^(append|upsert|replace)$")] = "upsert",
    priority: Annotated[views.Priority, Form()] = "normal",
    force: Annotated[bool, Form(description="Load content that came before once more.")] = False,
    key: Key = None,
) -> Envelope[AllTaken]:
    """Send files; each becomes a job of its own, which starts at once."""
    if len(file) > served.settings.upload_files:
        raise Refusal(413, f"More than {served.settings.upload_files} files in one request.")
    named = [(one, one.filename or "file") for one in file]
    wanted = [
        Wanted(await served.datasets.meant(dataset or type, name), name, one.size, mode, force, priority)
        for one, name in named
    ]

    async def work() -> Envelope[AllTaken]:
        taken = [await _take(served, who, one, told) for (one, _), told in zip(named, wanted, strict=True)]
        if len(taken) == 1 and taken[0].repeated:
            raise Refusal(
                409,
                f"The same content was sent for {wanted[0].dataset} before: {taken[0].job_id}.",
                hint="`force` loads it again.",
                job_id=taken[0].job_id,
            )
        return Envelope(
            message="Upload accepted", data=AllTaken(job_id=taken[0].job_id, jobs=taken, count=len(taken))
        )

    return await once(served, who, key, 202, ["csv", *wanted], work)


async def _take(served: Service, who: Caller, file: UploadFile, wanted: Wanted) -> Taken:
    """Keep the file's bytes, then make its job in one transaction with its place in the queue."""
    upload_id = uploads.new_upload_id(who.organization_id)
    place = served.store.place(upload_id, safe_name(wanted.filename))
    limit = served.settings.upload_limit_mb * 1_000_000

    def keep() -> tuple[int, str]:
        with served.store.continued(place, 0, limit) as part:
            while chunk := file.file.read(1 << 20):
                part.write(chunk)
        served.store.keep(place)
        return part.size, part.sha256

    run, organization = served.database.run, who.organization_id
    asked = False
    try:
        size, sha256 = await to_thread.run_sync(keep)
        asked = True
        job_id = await run(
            organization,
            uploads.whole,
            wanted,
            organization,
            who.user_id,
            upload_id,
            place,
            size,
            sha256,
        )
    except Repeated as error:
        await to_thread.run_sync(served.store.remove, upload_id)
        earlier = await run(organization, views.job, str(error.facts["job_id"]))
        return Taken(filename=wanted.filename, job_id=earlier.job_id, status=earlier.status, repeated=True)
    except TooLarge as error:
        await to_thread.run_sync(served.store.remove, upload_id)
        raise Refusal(413, f"{wanted.filename[:200]}: {error.message}", hint=error.hint) from None
    except BaseException as error:
        # Without an answer of the warehouse the job may stand all the same, and needs its bytes.
        if not asked or isinstance(error, InputError):
            await to_thread.run_sync(served.store.remove, upload_id)
        raise
    await to_thread.run_sync(served.store.release, place)
    return Taken(filename=wanted.filename, job_id=job_id, status="pending")


@router.get("/progress/{job_id}", responses=errors(404))
async def progress(served: Served, who: Viewer, job_id: str) -> Envelope[JobData]:
    """One job as it stands."""
    return await status_of(served, who, job_id)


@router.get("/history")
async def history(
    served: Served,
    who: Viewer,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=64)] = None,
) -> Envelope[Jobs]:
    """The organization's jobs, newest first, in pages."""
    return await jobs(served, who, limit, before)
