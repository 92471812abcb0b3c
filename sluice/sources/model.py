"""What a source is: one pydantic model a kind, told apart by ``kind``, so that forms explain themselves."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from sluice.errors import SetupError
from sluice.sources.urls import masked, without_secrets

_REJECTS_OF = "rejects of "  # no other label begins so: the path of a file is absolute

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

    @property
    def label(self) -> str:
        return without_secrets(self.url)


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


AnySource = FileSource | HttpSource | ObjectSource | RejectsSource
Source = Annotated[AnySource, Field(discriminator="kind")]


def replayed_job(label: str) -> str | None:
    """The job whose rejects a source of this label brings; None for any other source."""
    return label.removeprefix(_REJECTS_OF) if label.startswith(_REJECTS_OF) else None


def stored_label(source: Mapping[str, Any]) -> str:
    """What a stored request's source is called, without secrets."""
    if job := source.get("job"):
        return f"{_REJECTS_OF}{job}"
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
