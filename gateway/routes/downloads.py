"""What a job brought, to download: its rows and its rejects, as CSV, Excel or JSON."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from os import SEEK_END
from pathlib import PurePath
from tempfile import TemporaryFile
from typing import IO, Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from gateway import views
from gateway.access import Served, Viewer
from gateway.problems import GUARDED, Answers, Refusal, errors
from gateway.state import Service
from sluice.contracts.model import Contract
from sluice.contracts.registry import Registry
from sluice.errors import RetryError
from sluice.jobs import downloads, ledger
from sluice.jobs.export import writer
from sluice.jobs.unsealing import Reader
from sluice.security.tokens import Caller, Role
from sluice.settings import settings
from sluice.sources.files import disk_errors
from sluice.warehouse import sealing
from sluice.warehouse.connection import Connection

router = APIRouter(prefix="/api/ingest", tags=["ingest"], responses=GUARDED)
Kind = Literal["csv", "xlsx", "json"]
Format = Annotated[Kind, Query(description="What to download: CSV, Excel, or a JSON array of objects.")]
Write = Callable[..., int]

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
PIECE = 1 << 18
PATIENCE = 30.0  # seconds that a download waits for others to be made
_FILE: Answers = {
    200: {
        "description": "The file. `Sluice-Rows` says how many rows it has.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            MEDIA["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
            MEDIA["json"]: {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    }
}


@router.get("/{job_id}/result", response_class=StreamingResponse, responses=_FILE | errors(404, 409))
async def result(served: Served, who: Viewer, job_id: str, format: Format = "csv") -> StreamingResponse:
    """The rows that the job published and that still stand as it left them, in the order of its records.

    A row that a later load changed or removed is that load's, and not in the file; nor is one that was there before
    with the same values. Encrypted values read `***`, and only for an administrator as they are: the audit log keeps
    who took them.
    """
    job = await served.database.run(who.organization_id, views.job, job_id)
    if job.status in ("failed", "cancelled"):
        raise Refusal(409, f"{job_id} is {job.status}: it published nothing.", hint="See its rejects.")
    return await _sent(served, who, job, format, "result", downloads.write_rows)


@router.get("/{job_id}/rejects", response_class=StreamingResponse, responses=_FILE | errors(404, 409))
async def rejects(served: Served, who: Viewer, job_id: str, format: Format = "csv") -> StreamingResponse:
    """The records that the job turned away: the cells of each, where it stood, and why."""
    job = await served.database.run(who.organization_id, views.job, job_id)
    return await _sent(served, who, job, format, "rejects", downloads.write_rejects)


async def _sent(
    served: Service, who: Caller, job: views.Job, kind: Kind, what: str, write: Write
) -> StreamingResponse:
    """The file, made whole before the first byte goes out: trouble is told by the status, and no slow reader
    keeps a connection to the warehouse."""
    if job.status not in ("completed", "failed", "cancelled"):
        raise Refusal(409, f"{job.job_id} is {job.status}: it is not over.", hint="Ask again when it is.")
    folder = served.settings.root

    def make(connection: Connection) -> tuple[IO[bytes], int]:
        contract = Registry.from_settings(settings()).get(job.dataset)
        keks = sealing.keks(served.database.warehouse) if _unseals(who, contract) else None
        reader = Reader(connection, contract, who.organization_id, who.user_id, keks)
        with disk_errors(folder / "download"):
            file = TemporaryFile(dir=folder)  # noqa: SIM115  it ends with the response
            try:
                rows = write(connection, job.job_id, reader, writer(kind, what, guarded=True), file)
                ledger.audit(
                    connection,
                    f"{what}.downloaded",
                    organization_id=who.organization_id,
                    user_id=who.user_id,
                    job_id=job.job_id,
                    dataset=job.dataset,
                    details={"format": kind, "rows": rows},
                )
            except BaseException:
                file.close()
                raise
        return file, rows

    try:
        async with asyncio.timeout(PATIENCE):
            await served.downloads.acquire()
    except TimeoutError:
        raise RetryError("Other downloads are being made.", hint="Try again in a moment.") from None
    try:
        file, rows = await served.database.run(who.organization_id, make)
    finally:
        served.downloads.release()
    return _response(file, rows, f"{_plain(job.filename)}-{what}.{kind}", MEDIA[kind])


def _unseals(who: Caller, contract: Contract) -> bool:
    """Whether encrypted values are decrypted for the caller; an administrator's read is written down."""
    return bool(contract.ceiling) and who.role >= Role.admin


def _plain(filename: str) -> str:
    """The name without its ending, in characters that fit any header and any disk."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", PurePath(filename).stem).strip("._")[:80] or "job"


def _response(file: IO[bytes], rows: int, name: str, media: str) -> StreamingResponse:
    size = file.seek(0, SEEK_END)
    file.seek(0)
    headers: dict[str, Any] = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(size),
        "Sluice-Rows": str(rows),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_pieces(file), headers=headers, media_type=media)


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := await to_thread.run_sync(file.read, PIECE):
            yield piece
