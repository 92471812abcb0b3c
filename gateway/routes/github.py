"""GitHub: jobs that synchronize an owner or a repository, the quota that is left, and webhooks."""

from functools import partial
from typing import Annotated, Any, Literal

import httpx
import orjson
from anyio import to_thread
from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.access import Operator, Served, Viewer
from gateway.envelope import Envelope
from gateway.once import Key, once
from gateway.problems import BODY, GUARDED, Refusal, errors
from gateway.state import Service
from sluice.deadline import deadline
from sluice.errors import InputError
from sluice.jobs import uploads
from sluice.security.tokens import Caller, Refused
from sluice.sources.api.client import Client
from sluice.sources.github.pages import content
from sluice.sources.github.sync import quota
from sluice.sources.github.webhook import meant, signed
from sluice.sources.model import OWNER, REPOSITORY, GitHubSource
from sluice.warehouse.connection import Connection

router = APIRouter(prefix="/api/github", tags=["github"])
NEW = GUARDED | BODY | errors(403)
SECONDS = 10.0  # that GitHub has to tell the quota
SMALL = 0  # bytes of a job that fetches one record: it may share a flow run with others


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    incremental: bool = Field(
        default=True,
        description="Only what has changed; false: everything, and issues that are gone are noticed.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_token(cls, given: Any) -> Any:
        if isinstance(given, dict) and "token" in given:
            raise ValueError("A token is not taken from requests: it belongs in the service's set-up.")
        return given


class SyncOwner(_Wanted):
    """The owner whose repositories and issues to synchronize. A token has no place here."""

    owner: str = Field(pattern=rf"^{OWNER}$", examples=["octokit"])


class SyncRepository(_Wanted):
    """The repository to synchronize. A token has no place here."""

    repository: str = Field(pattern=rf"^{REPOSITORY}$", examples=["octokit/fixtures"])


class GitHubJobs(BaseModel):
    """The jobs that were made: one for projects, one for bugs."""

    job_ids: list[str]
    status: Literal["queued"] = "queued"


class GitHubQuota(BaseModel):
    """Requests of an hour, as GitHub tells them. ``limit`` is none where the server has no limit."""

    limit: int | None = None
    remaining: int | None = None
    reset: int | None = Field(default=None, description="When the hour ends, in seconds since 1970.")


class GitHubHeard(BaseModel):
    """The jobs that the message made; none where it was of no concern."""

    job_ids: list[str]


@router.post("/sync", status_code=202, responses=NEW)
async def sync(served: Served, who: Operator, wanted: SyncOwner, key: Key = None) -> Envelope[GitHubJobs]:
    """Synchronize an owner's repositories into `projects` and their issues into `bugs`."""
    work = partial(_queue, served, who, {"owner": wanted.owner}, wanted.incremental)
    return await once(served, who, key, 202, ["github", wanted], work)


@router.post("/sync-repo", status_code=202, responses=NEW)
async def sync_repository(
    served: Served, who: Operator, wanted: SyncRepository, key: Key = None
) -> Envelope[GitHubJobs]:
    """Synchronize one repository and its issues."""
    work = partial(_queue, served, who, {"repository": wanted.repository}, wanted.incremental)
    return await once(served, who, key, 202, ["github", wanted], work)


async def _queue(
    served: Service, who: Caller, place: dict[str, str], incremental: bool
) -> Envelope[GitHubJobs]:
    _refuse_strangers(served, who.organization_id)
    wanted = [
        _request(served, who.organization_id, who.user_id, {"what": what, **place}, force=not incremental)
        for what in ("projects", "bugs")
    ]

    def work(connection: Connection) -> list[str]:
        return [uploads.requested(connection, one) for one in wanted]

    job_ids = await served.database.run(who.organization_id, work)
    return Envelope(message="Jobs queued", data=GitHubJobs(job_ids=job_ids))


def _request(
    served: Service, organization_id: int, user_id: int, wanted: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """The request of the standard ingestion for these values of a GitHubSource."""
    given = served.settings
    source = GitHubSource(api_url=given.github_api_url, block=given.github_block, **wanted)
    standard = {"mode": "upsert", "priority": "normal", "force": False, "warehouse": ""}
    return {
        **standard,
        **more,
        "dataset": source.what,
        "sources": [source.model_dump()],
        "organization_id": organization_id,
        "user_id": user_id,
    }


def _refuse_strangers(served: Service, organization_id: int) -> None:
    """The service's token may open what is no client's."""
    if not served.settings.lends_github(organization_id):
        raise Refusal(
            403,
            "Your organization may not load from GitHub by the service's token.",
            hint="SLUICE_GITHUB_TENANTS names those that may.",
        )


@router.get("/rate-limit", responses=GUARDED | errors(403))
async def rate_limit(served: Served, who: Viewer) -> Envelope[GitHubQuota]:
    """What is left of the hour's quota of the service's token. To ask costs none of it."""
    _refuse_strangers(served, who.organization_id)
    return Envelope(data=await to_thread.run_sync(_quota, served))


def _quota(served: Service) -> GitHubQuota:
    given = served.settings
    home = httpx.URL(given.github_api_url)

    def sign(request: httpx.Request) -> None:
        if given.github_token and (request.url.scheme, request.url.netloc) == (home.scheme, home.netloc):
            request.headers["Authorization"] = f"Bearer {given.github_token.get_secret_value()}"

    client = Client(served.outside, {"event_hooks": {"request": [sign]}})
    with deadline("quota of GitHub", SECONDS), client.opened():
        answer = quota(client, given.github_api_url)
    core = content(answer, given.github_api_url)["resources"]["core"] if answer else {}
    return GitHubQuota(**{name: core.get(name) for name in ("limit", "remaining", "reset")})


@router.post("/webhook", status_code=202, responses=BODY | errors(401, 422, 503))
async def webhook(
    request: Request,
    served: Served,
    signature: Annotated[str, Header(alias="X-Hub-Signature-256", max_length=200)],
    event: Annotated[str, Header(alias="X-GitHub-Event", max_length=100)],
    delivery: Annotated[str, Header(alias="X-GitHub-Delivery", min_length=1, max_length=100)],
) -> Envelope[GitHubHeard]:
    """Hear from GitHub of an issue or a repository that changed, and fetch just that; once for each delivery."""
    body = await request.body()
    organization_id = _organization(served, body, signature)
    wanted = _meant(event, body)
    if wanted is None:
        return Envelope(message="Of no concern", data=GitHubHeard(job_ids=[]))
    try:
        asked = _request(served, organization_id, 1, wanted, priority="high")
    except ValidationError:
        raise _foreign() from None
    key = f"github:{delivery}"
    job_id = await served.database.run(organization_id, uploads.requested, asked, key, SMALL)
    return Envelope(message="Job queued", data=GitHubHeard(job_ids=[job_id]))


def _organization(served: Service, body: bytes, signature: str) -> int:
    """The organization whose secret has signed. Raises Refused."""
    secrets = served.settings.github_webhook_secrets
    found = [one for one, secret in secrets.items() if signed(body, secret.get_secret_value(), signature)]
    if not found:
        raise Refused("The message is not signed by a secret of SLUICE_GITHUB_WEBHOOK_SECRETS.")
    return found[0]


def _meant(event: str, body: bytes) -> dict[str, Any] | None:
    try:
        return meant(event, orjson.loads(body))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
        raise _foreign() from None


def _foreign() -> InputError:
    return InputError("The message is not one of GitHub's.", hint="Choose the content type application/json.")
