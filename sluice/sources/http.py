"""Files behind http(s) URLs."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from sluice.errors import SourceError
from sluice.settings import settings
from sluice.sources.api.client import TRIES, Answer, Body, Client
from sluice.sources.guard import Guard
from sluice.sources.model import HttpSource
from sluice.sources.urls import is_masked, without_secrets

LOOKS = 3  # tries of the look before the download: what asks for it is told soon


def find(source: HttpSource, secrets: Mapping[str, Any] | None = None) -> list[tuple[str, str, int | None]]:
    """The URL, a file name for it and its size where the server tells.

    Raises SourceError, RetryError, InputError (address).
    """
    require_whole(source.url)
    with _client(source, secrets, LOOKS).opened() as client:
        answer = client.look(source.url)
    length = answer.headers.get("content-length")
    encoded = answer.headers.get("content-encoding", "identity") != "identity"
    return [(source.url, _name(answer), int(length) if length and not encoded else None)]


def download(source: HttpSource, file: Body, secrets: Mapping[str, Any] | None = None) -> list[str]:
    """Bring the body to ``file``. Raises as ``find`` does. Returns warnings."""
    require_whole(source.url)
    with _client(source, secrets, TRIES).opened() as client:
        client.download(source.url, {}, {}, file)
        return client.warnings


def require_whole(url: str) -> None:
    """Raise SourceError for a URL that was stored, and so has lost what is secret in it."""
    if is_masked(url):
        shown = without_secrets(url)
        hint = "Load again with the full URL, or keep the secret in a block."
        raise SourceError(f"{shown}: the secret in its query was not kept.", hint=hint, url=shown)


def _client(source: HttpSource, secrets: Mapping[str, Any] | None, tries: int) -> Client:
    guard = Guard.from_settings(settings())
    return Client(guard if source.public else guard.named(source.url), secrets, tries=tries, http2=False)


def _name(answer: Answer) -> str:
    return unquote(PurePosixPath(urlsplit(answer.url).path).name) or "download"
