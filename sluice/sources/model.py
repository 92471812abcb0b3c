"""What a source is: one pydantic model a kind, told apart by ``kind``, so that forms explain themselves."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from sluice.errors import SetupError
from sluice.sources.api.declaration import Incremental, Paging
from sluice.sources.api.policy import SecurityPolicy
from sluice.sources.urls import looks_secret, masked, without_secrets

_REJECTS_OF = "rejects of "  # no other label begins so: the path of a file is absolute

_API = "api "
_GITHUB = "github "
GITHUB = "https://api.github.com"
OWNER = r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}"
REPOSITORY = rf"{OWNER}/[A-Za-z0-9._-]{{1,100}}"

# As JSON, which is how Prefect keeps a run's parameters, a URL has lost its secrets; the run itself has them.
_Masked = PlainSerializer(masked, return_type=str, when_used="json")


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    options: dict[str, str] = Field(
        default_factory=dict,
        description="Reader options where detection should not decide: delimiter, quote, encoding, header, sheet.",
    )


class FileSource(_Source):
    """Files on a disk that the worker sees."""

    kind: Literal["file"] = "file"
    path: str = Field(description="A path, a glob such as 'in/*.csv', or a file:// URL.")

    @property
    def label(self) -> str:
        return self.path


class HttpSource(_Source):
    """One file behind an http or https URL."""

    kind: Literal["http"] = "http"
    url: Annotated[str, _Masked] = Field(
        pattern=r"^https?://", description="The file's URL; redirects are followed."
    )
    block: str = Field(
        default="", description="Name of an HttpSource block with headers or a login; empty: none."
    )
    public: bool = Field(
        default=False,
        description="Refuse a URL on this machine and its network, unless the settings allow it; else only a public"
        " URL that leads there is refused.",
    )

    @property
    def label(self) -> str:
        return without_secrets(self.url)


class ApiSource(_Source):
    """The records of one endpoint of a web API, page by page."""

    kind: Literal["api"] = "api"
    url: Annotated[str, _Masked] = Field(
        pattern=r"^https?://", description="The endpoint, without its pages' numbers."
    )
    params: dict[str, str] = Field(
        default_factory=dict, description="More query parameters; none that is secret."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="More headers; none that is secret.")
    records: str = Field(
        default="$",
        description="JSONPath of the records in the body: $ (a list, or one record), $.items, $.data[*].attributes.",
    )
    paging: Paging = Field(default=Paging(), description="How its pages follow each other.")
    incremental: Incremental | None = Field(
        default=None, description="How to ask only for what has changed; none: everything each time."
    )
    rate: float = Field(default=0, ge=0, description="Most requests a second; 0: as the server says.")
    concurrency: int = Field(
        default=3, ge=1, le=32, description="Pages asked for at once, where they are counted."
    )
    block: str = Field(default="", description="Name of an ApiSource block with the login; empty: none.")
    security: SecurityPolicy | None = Field(
        default=None,
        description="What it must keep to before it is read: its security policy; none: nothing more.",
    )

    @property
    def label(self) -> str:
        return without_secrets(self.url)

    @model_validator(mode="after")
    def _no_secrets(self) -> Self:
        if told := sorted(name for name in (*self.params, *self.headers) if looks_secret(name)):
            raise ValueError(f"{', '.join(told)}: what is secret belongs in an API Source block.")
        return self

    @property
    def identity(self) -> str:
        """What is known of it from one load to the next belongs to this."""
        params = "&".join(f"{name}={value}" for name, value in sorted(self.params.items()))
        return f"{_API}{masked(self.url)}{'?' if params else ''}{params} {self.records}"


class GitHubSource(_Source):
    """The repositories of an owner as projects, or their issues as bugs; or those of one repository."""

    kind: Literal["github"] = "github"
    what: Literal["projects", "bugs"] = Field(
        description="projects: repositories. bugs: their issues, without pull requests."
    )
    owner: str = Field(
        default="",
        pattern=rf"^({OWNER})?$",
        description="The organization or user that the repositories belong to.",
    )
    repository: str = Field(
        default="", pattern=rf"^({REPOSITORY})?$", description="One repository instead, as owner/name."
    )
    number: int | None = Field(
        default=None, ge=1, description="One issue of that repository, by its number; empty: all."
    )
    api_url: Annotated[str, _Masked] = Field(
        default=GITHUB,
        pattern=r"^https?://[^/?#@]+[^?#@]*$",
        description="The API; of GitHub Enterprise: https://HOST/api/v3.",
    )
    block: str = Field(
        default="",
        description="Name of a GitHubSource block with a token; empty: that of SLUICE_GITHUB_TOKEN, if any.",
    )
    requests_at_once: int = Field(default=3, ge=1, le=10, description="Most requests on their way at a time.")
    reserve: int = Field(
        default=100,
        ge=0,
        description="Requests of the hour's quota that are left to others; at most half of the quota.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.owner) == bool(self.repository):
            raise ValueError("Name either an owner or a repository.")
        if self.number and not (self.repository and self.what == "bugs"):
            raise ValueError("A number is that of a bug of one repository.")
        return self

    @property
    def label(self) -> str:
        return github_label(self.model_dump())

    @property
    def identity(self) -> str:
        """What is known of it from one load to the next belongs to this."""
        api = self.api_url.rstrip("/")
        return self.label if api == GITHUB else f"{self.label} at {without_secrets(api)}"


class ObjectSource(_Source):
    """One object, or all objects under a prefix that ends in '/', of an object store."""

    kind: Literal["object"] = "object"
    url: Annotated[str, _Masked] = Field(
        pattern=r"^(s3|gs|az)://", description="s3://bucket/key, gs://bucket/key or az://container/key."
    )
    block: str = Field(
        default="",
        description="Name of an ObjectStoreSource block with credentials; empty: those of the environment.",
    )

    @property
    def label(self) -> str:
        return masked(self.url)


class RejectsSource(BaseModel):
    """A replay: the records that an earlier job rejected, once what was wrong with them has been mended.

    They go into the same dataset, each of them once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["rejects"] = "rejects"
    job: str = Field(
        pattern="^job_[0-9a-f]{32}$",
        description="The completed job whose rejects to load again: its whole id, as its result in Prefect shows it."
        " With mode replace they would become the only rows; choose append or upsert.",
    )

    @property
    def label(self) -> str:
        return f"{_REJECTS_OF}{self.job}"

    @property
    def name(self) -> str:
        """What stands for a file's name: with the job's id as commands list it."""
        return f"{_REJECTS_OF}{self.job[:12]}"

    @property
    def options(self) -> dict[str, str]:
        """None: Sluice itself writes what is read."""
        return {}


AnySource = FileSource | HttpSource | ApiSource | GitHubSource | ObjectSource | RejectsSource
Source = Annotated[AnySource, Field(discriminator="kind")]


def replayed_job(label: str) -> str | None:
    """The job whose rejects a source of this label brings; None for any other source."""
    return label.removeprefix(_REJECTS_OF) if label.startswith(_REJECTS_OF) else None


def has_a_state(label: str) -> bool:
    """Whether a source of this label shows what is there now: the same content may come again, and count."""
    return label.startswith((_API, _GITHUB))


def github_label(source: Mapping[str, Any]) -> str:
    """What a GitHub source is called."""
    number = f"#{source['number']}" if source.get("number") else ""
    return f"{_GITHUB}{source.get('owner') or source.get('repository')}{number} {source['what']}"


def stored_label(source: Mapping[str, Any]) -> str:
    """What a stored request's source is called, without secrets."""
    if job := source.get("job"):
        return f"{_REJECTS_OF}{job}"
    if source.get("kind") == "github":
        return github_label(source)
    return str(source.get("path") or without_secrets(source["url"]))


def source_of(text: str, options: dict[str, str] | None = None) -> FileSource | HttpSource | ObjectSource:
    """The source that a path or URL on a command line means. Raises SetupError for an unknown scheme."""
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower() if separator else ""
    text = f"{scheme}://{rest}" if separator else text
    given = options or {}
    if scheme in ("", "file"):
        return FileSource(path=text, options=given)
    if scheme in ("http", "https"):
        return HttpSource(url=text, options=given)
    if scheme in ("s3", "gs", "az"):
        return ObjectSource(url=text, options=given)
    raise SetupError(
        f"Sluice does not know the scheme '{scheme}://' of {without_secrets(text)}.",
        hint="Use a path, file://, http(s)://, s3://, gs:// or az://.",
        source=without_secrets(text),
    )
