"""Object stores (s3://, gs://, az://) through obstore."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore import exceptions
from obstore.store import ObjectStore, from_url

from sluice.errors import RetryError, SetupError, SluiceError, SourceError


def find(url: str, secrets: Mapping[str, Any] | None = None) -> list[tuple[str, str, int | None]]:
    """URL, name and size of the object, or of each object under a prefix that ends in '/'."""
    store, key = _opened(url, secrets)
    base = url.removesuffix(key)
    try:
        if key and not key.endswith("/"):
            return [(url, PurePosixPath(key).name, obstore.head(store, key)["size"])]
        listed = [meta for page in obstore.list(store, key or None) for meta in page]
    except exceptions.BaseError as error:
        raise _mapped(error, url) from error
    if not listed:
        raise SourceError(f"Nothing lies under {url}.", hint="Check bucket and prefix.", url=url)
    return [
        (base + m["path"], PurePosixPath(m["path"]).name, m["size"])
        for m in sorted(listed, key=lambda m: m["path"])
    ]


def stream(url: str, secrets: Mapping[str, Any] | None = None) -> Iterator[bytes]:
    """The object's bytes in chunks."""
    store, key = _opened(url, secrets)
    try:
        for chunk in obstore.get(store, key).stream(min_chunk_size=1 << 20):
            yield bytes(chunk)
    except exceptions.BaseError as error:
        raise _mapped(error, url) from error


def _opened(url: str, secrets: Mapping[str, Any] | None) -> tuple[ObjectStore, str]:
    parts = urlsplit(url)
    if not parts.netloc:
        raise SourceError(f"{url} names no bucket.", hint="Write s3://bucket/key.", url=url)
    try:
        store: ObjectStore = from_url(f"{parts.scheme}://{parts.netloc}", **dict(secrets or {}))
    except (exceptions.BaseError, ValueError) as error:
        raise SetupError.of(error, hint="Check the settings of the object store.", url=url) from error
    return store, parts.path.lstrip("/")


def _mapped(error: Exception, url: str) -> SluiceError:
    if isinstance(error, exceptions.NotFoundError):
        return SourceError(f"{url} does not exist.", hint="Check bucket and key.", url=url)
    if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        return SourceError(
            f"{url} may not be read with these credentials.",
            hint="Name an ObjectStoreSource block, or set the cloud's usual variables.",
            url=url,
        )
    return RetryError(
        f"{url} could not be read.", hint="Check the endpoint and network; then try again.", url=url
    )
