"""What a source is: one pydantic model a kind, told apart by ``kind``, so that forms explain themselves."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sluice.errors import SetupError


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
    url: str = Field(pattern=r"^https?://", description="The file's URL; redirects are followed.")
    block: str = Field(
        default="", description="Name of an HttpSource block with headers or a login; empty: none."
    )

    @property
    def label(self) -> str:
        return without_secrets(self.url)


class ObjectSource(_Source):
    """One object, or all objects under a prefix that ends in '/', of an object store."""

    kind: Literal["object"] = "object"
    url: str = Field(
        pattern=r"^(s3|gs|az)://", description="s3://bucket/key, gs://bucket/key or az://container/key."
    )
    block: str = Field(
        default="",
        description="Name of an ObjectStoreSource block with credentials; empty: those of the environment.",
    )

    @property
    def label(self) -> str:
        return self.url


Source = Annotated[FileSource | HttpSource | ObjectSource, Field(discriminator="kind")]


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


def without_secrets(url: str) -> str:
    """The URL without login, query and fragment, which may hold secrets. Any text will do."""
    return re.split("[?#]", without_login(url), maxsplit=1)[0]


def without_login(url: str) -> str:
    """The URL without user and password, even where a '/', '?' or '#' stands unescaped in the password."""
    scheme, separator, rest = url.partition("://")
    host = re.split("[/?#]", rest, maxsplit=1)[0]
    if "@" in host:
        rest = rest[host.rindex("@") + 1 :]
    elif not re.fullmatch(r"(\[[^]]*\]|[^:]*)(:\d*)?", host):
        rest = rest.rpartition("@")[2]
    return f"{scheme}{separator}{rest}"
