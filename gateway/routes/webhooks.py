"""Webhooks: where an organization hears of the ends of its jobs, and where external processors report theirs."""

import json
from typing import Any, Literal
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import APIRouter, Request
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.access import Admin, Served
from gateway.envelope import Envelope
from gateway.problems import BODY, GUARDED, Refusal, errors, not_found
from gateway.state import Service
from sluice.errors import InputError
from sluice.jobs import callbacks, ledger
from sluice.security.signing import check, new_secret
from sluice.security.tokens import Caller
from sluice.warehouse.connection import Connection
from sluice.warehouse.failures import translated

router = APIRouter(prefix="/api/pipeline", tags=["webhooks"], responses=errors(422, 503))
KEPT = 2  # secrets that are good at the same time


class Callback(BaseModel):
    """What became of a job."""

    model_config = ConfigDict(extra="forbid", strict=True)

    job_id: str = Field(max_length=64, examples=["job_0123456789abcdef0123456789abcdef"])
    status: Literal["processing", "completed", "failed"]
    result_url: str | None = Field(default=None, max_length=2000)
    result_data: dict[str, Any] | None = None
    error_message: str = Field(default="", max_length=2000)


class Target(BaseModel):
    """Where to post the ends of jobs."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str = Field(max_length=2000, pattern="^https?://", examples=["https://example.org/hook"])


class Webhook(BaseModel):
    """The webhook, with the secret that signs from now on; the one before is still good for callbacks."""

    url: str
    secret: str


class Heard(BaseModel):
    """Whether the message was new."""

    job_id: str
    repeated: bool


@router.put("/webhook", responses=GUARDED | BODY | errors(403))
async def set_webhook(served: Served, who: Admin, target: Target) -> Envelope[Webhook]:
    """Set where the ends of jobs are posted, with a new secret. Both ways are signed by Standard Webhooks."""
    await to_thread.run_sync(served.outside.check, target.url)
    secret = new_secret()

    def work(connection: Connection) -> None:
        row = connection.execute("SELECT secrets FROM sluice.webhooks FOR UPDATE").fetchone()
        secrets = [secret, *(row[0] if row else [])][:KEPT]
        connection.execute(
            "INSERT INTO sluice.webhooks (organization_id, url, secrets) VALUES (%(o)s, %(u)s, %(s)s)"
            " ON CONFLICT (organization_id) DO UPDATE SET url = %(u)s, secrets = %(s)s",
            {"o": who.organization_id, "u": target.url, "s": Jsonb(secrets)},
        )
        _note(connection, who, "webhook.set", host=urlsplit(target.url).hostname)

    await served.database.run(who.organization_id, work)
    return Envelope(
        message="Keep the secret: it is not shown again.", data=Webhook(url=target.url, secret=secret)
    )


@router.delete("/webhook", responses=GUARDED | errors(403))
async def remove_webhook(served: Served, who: Admin) -> Envelope[None]:
    """Post nothing any more, and take no callbacks."""

    def work(connection: Connection) -> None:
        if connection.execute("DELETE FROM sluice.webhooks").rowcount:
            _note(connection, who, "webhook.removed")

    await served.database.run(who.organization_id, work)
    return Envelope(message="Webhook removed", data=None)


def _note(connection: Connection, who: Caller, event: str, **details: Any) -> None:
    ledger.audit(connection, event, organization_id=who.organization_id, user_id=who.user_id, details=details)


@router.post(
    "/callback",
    responses=BODY | errors(404, 409),
    openapi_extra={
        "requestBody": {
            "content": {"application/json": {"schema": Callback.model_json_schema()}},
            "required": True,
        }
    },
)
async def callback(request: Request, served: Served) -> Envelope[Heard]:
    """Report what became of a job, signed by Standard Webhooks with the organization's secret."""
    body = await request.body()
    try:
        told = Callback.model_validate_json(body)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise InputError(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from None
    headers = {name: value for name, value in request.headers.items() if name.startswith("webhook-")}
    new = await to_thread.run_sync(_hear, served, told, headers, body)
    message = "Job status updated successfully" if new else "The message was heard before"
    return Envelope(message=message, data=Heard(job_id=told.job_id, repeated=not new))


def _hear(served: Service, told: Callback, headers: dict[str, str], body: bytes) -> bool:
    with translated(), served.database.warehouse.connect() as connection:
        found = callbacks.organization_of(connection, told.job_id)
        message_id = headers.get("webhook-id", "")
        if not served.settings.open_callbacks:
            # A wrong signature and a wrong job look the same to who can't sign.
            if not found:
                raise not_found("such job, or the message is not signed as it should be")
            try:
                message_id = check(found[1], headers, body)
            except InputError:
                raise not_found("such job, or the message is not signed as it should be") from None
        if not found:
            raise not_found("such job")
        try:
            return callbacks.heard(
                connection,
                found[0],
                message_id or json.dumps(told.model_dump(), sort_keys=True),
                told.job_id,
                told.status,
                result_url=told.result_url,
                result_data=told.result_data,
                message=told.error_message,
            )
        except InputError as error:
            connection.rollback()
            raise Refusal(409, error.message) from None
