"""The GitHub sync: an owner's repositories into ``projects``, then their issues into ``bugs``."""

from typing import Any, Literal, Self

from prefect import flow
from pydantic import BaseModel, ConfigDict, Field, model_validator

from flows.standard_ingestion import IngestionRequest, standard_ingestion
from sluice.settings import settings
from sluice.sources.model import OWNER, REPOSITORY, GitHubSource


class GitHubSync(BaseModel):
    """What to bring from GitHub, and how much of it."""

    model_config = ConfigDict(extra="forbid")

    owner: str = Field(
        default="",
        pattern=rf"^({OWNER})?$",
        description="The organization or user whose repositories are synchronized.",
        examples=["octokit"],
    )
    repository: str = Field(
        default="", pattern=rf"^({REPOSITORY})?$", description="One repository instead, as owner/name."
    )
    incremental: bool = Field(
        default=True,
        description="Ask only for what has changed; the first time that is everything. Off: everything, and issues that"
        " are gone are noticed too.",
    )
    block: str = Field(
        default="",
        description="Name of a GitHubSource block with a token; empty: that of SLUICE_GITHUB_TOKEN, if any.",
    )
    api_url: str = Field(
        default="", description="The API of a GitHub Enterprise server; empty: that of SLUICE_GITHUB_API_URL."
    )
    requests_at_once: int = Field(default=3, ge=1, le=10, description="Most requests on their way at a time.")
    reserve: int = Field(
        default=100,
        ge=0,
        description="Requests of the hour's quota that are left to others; at most half of the quota.",
    )
    organization_id: int = Field(default=1, ge=1, description="The tenant that the rows belong to.")
    user_id: int = Field(default=1, ge=1, description="The user who asks.")
    warehouse: str = Field(
        default="", description="Name of a PostgreSQL Warehouse block; empty: the project's own warehouse."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.owner) == bool(self.repository):
            raise ValueError("Name either an owner or a repository.")
        return self

    def of(self, what: Literal["projects", "bugs"]) -> IngestionRequest:
        """The ingestion of its projects or bugs."""
        given = {"owner", "repository", "block", "requests_at_once", "reserve"}
        api_url = self.api_url or settings().github_api_url
        return IngestionRequest(
            dataset=what,
            sources=[GitHubSource(what=what, api_url=api_url, **self.model_dump(include=given))],
            force=not self.incremental,
            **self.model_dump(include={"organization_id", "user_id", "warehouse"}),
        )


@flow(
    name="github-sync",
    flow_run_name="{request.owner}{request.repository}",
    persist_result=False,
    log_prints=False,
)
def github_sync(request: GitHubSync) -> dict[str, dict[str, Any]]:
    """Repositories of GitHub as projects, then their issues as bugs; returns the outcomes of both jobs."""
    projects = standard_ingestion(request.of("projects"))
    bugs = standard_ingestion(request.of("bugs"))  # which name the projects that stand by now
    return {"projects": projects, "bugs": bugs}
