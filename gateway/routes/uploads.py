"""Bytes on their way: one PUT to a signed URL, or tus 1.0, which goes on where a broken line left off."""

from contextlib import ExitStack
from typing import Annotated, Any

from anyio import CancelScope, to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel

from gateway.access import Served
from gateway.envelope import Envelope
from gateway.problems import BODY, Refusal, errors, not_found
from gateway.signed import organization_of
from gateway.state import Service
from sluice.jobs import uploads
from sluice.jobs.uploads import Repeated, Upload
from sluice.landing.folder import Busy, OtherOffset, Part, TooLarge

router = APIRouter(prefix="/api/uploads", tags=["uploads"])
SIGNED = errors(403, 404, 410, 422, 503)
PART = "application/offset+octet-stream"
TUS = {"Tus-Resumable": "1.0.0", "Cache-Control": "no-store"}


class Received(BaseModel):
    """What came in."""

    job_id: str
    received: int
    sha256: str


class _Place:
    """An upload that the signed URL opens, and what to do with its bytes."""

    def __init__(self, served: Service, upload: Upload) -> None:
        self._served, self.upload = served, upload
        self.limit = min(
            served.settings.upload_limit_mb * 1_000_000,
            upload.length if upload.length is not None else 1 << 60,
        )

    async def received(self) -> int:
        return await to_thread.run_sync(self._served.store.received, self.upload.place)

    async def take(self, request: Request, offset: int) -> Part:
        """Write the request's body behind ``offset``. Raises Refusal."""
        stack = ExitStack()
        try:
            part = await to_thread.run_sync(
                stack.enter_context, self._served.store.continued(self.upload.place, offset, self.limit)
            )
            try:
                async for chunk in request.stream():
                    part.write(chunk)
            finally:
                with CancelScope(shield=True):
                    await to_thread.run_sync(stack.close)
        except OtherOffset as error:
            raise Refusal(409, error.message, hint=error.hint, **error.facts) from None
        except Busy as error:
            raise Refusal(423, error.message, hint=error.hint) from None
        except TooLarge as error:
            await self.drop("more bytes than announced or allowed")
            raise Refusal(413, error.message, hint=error.hint) from None
        return part

    async def finish(self, part: Part) -> None:
        """Let the job wait for its run. Raises Refusal (409) for content that came before."""
        run, organization = self._served.database.run, self.upload.organization_id
        await to_thread.run_sync(self._served.store.keep, self.upload.place)
        try:
            await run(organization, uploads.arrived, self.upload, part.size, part.sha256)
        except Repeated as error:
            await self.drop(error.message)
            raise Refusal(409, error.message, hint=error.hint, **error.facts) from None
        await to_thread.run_sync(self._served.store.release, self.upload.place)

    async def drop(self, message: str) -> None:
        """Cancel the job, and keep nothing of it."""
        await self._served.database.run(self.upload.organization_id, uploads.drop, self.upload, message)
        await to_thread.run_sync(self._served.store.remove, self.upload.upload_id)


async def _opened(served: Service, upload_id: str, expires: int, signature: str) -> _Place:
    """Raises Refusal: 403 for a wrong or old signature, 404 or 410 for an upload that is gone."""
    organization = organization_of(upload_id)
    if organization is None or not served.signer.allows(upload_id, expires, signature):
        raise Refusal(403, "The upload URL is not valid, or no longer.", hint="Ask for a new one.")
    upload = await served.database.run(organization, uploads.find, upload_id)
    if upload is None:
        raise not_found("such upload")
    if upload.finished_at is None and (upload.expired or upload.status != "pending"):
        raise Refusal(410, "The upload has ended.", hint="Begin a new one.")
    return _Place(served, upload)


def _bytes(kind: str) -> dict[str, Any]:
    """For the OpenAPI document: the body is plain bytes of this media type."""
    schema = {"type": "string", "format": "binary"}
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}


Expires = Annotated[int, Query(description="From the upload URL.")]
Signature = Annotated[str, Query(description="From the upload URL.", max_length=128)]


@router.put(
    "/{upload_id}",
    responses=SIGNED | BODY | errors(409, 423),
    openapi_extra=_bytes("application/octet-stream"),
)
async def send(
    request: Request, served: Served, upload_id: str, expires: Expires, signature: Signature
) -> Envelope[Received]:
    """Send a file's bytes in one request; the job starts when they are in."""
    place = await _opened(served, upload_id, expires, signature)
    if place.upload.finished_at is not None:
        raise Refusal(409, "The upload is complete already.", job_id=place.upload.job_id)
    announced = int(request.headers.get("content-length") or 0)
    if announced > place.limit:
        raise Refusal(
            413, f"The file has {announced:,} bytes, more than the {place.limit:,} announced or allowed."
        )
    part = await place.take(request, 0)
    if place.upload.length is not None and part.size != place.upload.length:
        missing = f"{part.size:,} of {place.upload.length:,} bytes came in."
        raise Refusal(400, missing, hint="Send the rest with PATCH, or begin anew.")
    await place.finish(part)
    data = Received(job_id=place.upload.job_id, received=part.size, sha256=part.sha256)
    return Envelope(message="Received", data=data)


@router.head("/{upload_id}", response_class=Response, responses=SIGNED)
async def offset(
    request: Request, served: Served, upload_id: str, expires: Expires, signature: Signature
) -> Response:
    """How many bytes have come in (tus)."""
    place = await _opened(served, upload_id, expires, signature)
    received = await place.received()
    if place.upload.finished_at is None and received == place.upload.length:
        # A gateway or the store failed after the last byte, which nobody will send again.
        await place.finish(await place.take(request, received))
    headers = {**TUS, "Upload-Offset": str(received)}
    if place.upload.length is not None:
        headers["Upload-Length"] = str(place.upload.length)
    return Response(status_code=200, headers=headers)


@router.patch(
    "/{upload_id}",
    status_code=204,
    response_class=Response,
    responses=SIGNED | BODY | errors(409, 415, 423),
    openapi_extra=_bytes(PART),
)
async def go_on(
    request: Request,
    served: Served,
    upload_id: str,
    expires: Expires,
    signature: Signature,
    upload_offset: Annotated[int, Header(ge=0)],
) -> Response:
    """Send bytes from an offset on (tus); with the last of them the job starts."""
    if request.headers.get("content-type") != PART:
        raise Refusal(415, f"A part of an upload is {PART}.")
    place = await _opened(served, upload_id, expires, signature)
    if place.upload.length is None:
        raise Refusal(400, "The upload's size was not announced.", hint="Send it in one PUT.")
    if place.upload.finished_at is None:
        part = await place.take(request, upload_offset)
        if part.size == place.upload.length:
            await place.finish(part)
    return Response(
        status_code=204,
        headers={**TUS, "Upload-Offset": str(await place.received())},
    )


@router.delete("/{upload_id}", status_code=204, response_class=Response, responses=SIGNED | errors(409))
async def stop(served: Served, upload_id: str, expires: Expires, signature: Signature) -> Response:
    """Give the upload up (tus)."""
    place = await _opened(served, upload_id, expires, signature)
    if place.upload.finished_at is not None:
        raise Refusal(409, "The upload is complete already.", job_id=place.upload.job_id)
    await place.drop("the upload was given up")
    return Response(status_code=204, headers=TUS)


@router.options("", status_code=204, response_class=Response)
async def abilities(served: Served) -> Response:
    """What this server knows of tus."""
    limit = str(served.settings.upload_limit_mb * 1_000_000)
    told = {"Tus-Version": "1.0.0", "Tus-Extension": "creation,expiration,termination", "Tus-Max-Size": limit}
    return Response(status_code=204, headers={**TUS, **told})
