"""Object stores (s3://, gs://, az://) through obstore."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import obstore
from obstore import exceptions
from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store

from sluice.deadline import checked
from sluice.errors import SetupError, SourceError
from sluice.sources.store_errors import ENVIRONMENT, meaning, unusable
from sluice.sources.urls import masked

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

# obstore's own limit of 30 s holds for a whole download, however large the object: a stalled one is told by its reads.
PATIENCE: "ClientConfig" = {"connect_timeout": "10s", "read_timeout": "30s", "timeout": "1h"}
# A short hiccup is bridged here. Longer trouble is the caller's, who says so and tries again.
RETRIES: "RetryConfig" = {"max_retries": 2}
# Variables of the environment; the first that is set counts.
ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
_SERVER = re.compile(r"https?://([a-z\d._-]+|\[[a-f\d:]+\])(:\d+)?(/[\w.~%/-]*)?", re.ASCII | re.IGNORECASE)
_STORES = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}


def find(url: str, secrets: Mapping[str, Any] | None = None) -> list[tuple[str, str, int | None]]:
    """URL, name and size of the object, or of each object under a prefix that ends in '/' (or a bare bucket).

    Raises SourceError (missing), SetupError (credentials, endpoint, region) or RetryError.
    """
    base, key = _parts(url)
    store = open_store(url, secrets)
    with _translated(url):
        if key and not key.endswith("/"):
            # Unlike the answer to HEAD, this one says what is wrong.
            return [(url, PurePosixPath(key).name, obstore.get(store, key).meta["size"])]
        listed = [meta for page in checked(obstore.list(store, key or None)) for meta in page]
    found = sorted((m["path"], m["size"]) for m in listed)
    objects = [(path, size) for path, size in checked(found) if size or not _is_folder(store, path, url)]
    if not objects:
        hint = "Check endpoint, bucket and prefix."
        raise SourceError(f"Nothing lies under {masked(url)}.", hint=hint, url=masked(url))
    return [(base + path, PurePosixPath(path).name, size) for path, size in objects]


def stream(url: str, secrets: Mapping[str, Any] | None = None) -> Iterator[bytes]:
    """The object's bytes in chunks. Raises as ``find`` does, and RetryError when it breaks off."""
    _, key = _parts(url)
    store = open_store(url, secrets)
    with _translated(url):
        for chunk in obstore.get(store, key).stream(min_chunk_size=1 << 16):
            yield bytes(chunk)


def open_store(url: str, secrets: Mapping[str, Any] | None = None, prefix: str | None = None) -> ObjectStore:
    """The bucket or container that the URL names. ``secrets``: arguments for obstore's store.

    Raises SetupError when a setting is wrong.
    """
    scheme, bucket = _parts(url)[0].removesuffix("/").split("://")
    given = dict(secrets or {})
    options = PATIENCE | given.pop("client_options", {})
    if "allow_http" not in options:
        options["allow_http"] = _plain(scheme)
    try:
        store: ObjectStore = _STORES[scheme](
            bucket, prefix=prefix, client_options=options, retry_config=RETRIES, **given
        )
    except (exceptions.BaseError, ValueError) as error:
        raise unusable(error, masked(url), of_block=secrets is not None) from error
    return store


def is_server(address: str) -> bool:
    """Whether this is ``http(s)://host[:port]``, perhaps with a path. obstore panics at anything else."""
    try:
        return bool(_SERVER.fullmatch(address)) and urlsplit(address).port != 0
    except ValueError:  # a port beyond 65535
        return False


def _parts(url: str) -> tuple[str, str]:
    """``s3://bucket/`` and the key, which may hold any character."""
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in _STORES or not bucket:
        shown = masked(url)
        raise SourceError(f"{shown} names no bucket.", hint="Write s3://bucket/key.", url=shown)
    if "@" in bucket:
        shown = masked(url)
        raise SetupError(f"The URL of {shown} holds a login.", hint=ENVIRONMENT[scheme], url=shown)
    return f"{scheme}://{bucket}/", key


def _plain(scheme: str) -> bool:
    """Whether the environment names an endpoint without TLS. Raises SetupError where it is no address."""
    for name in ENDPOINTS[scheme]:
        if value := os.environ.get(name):
            if not is_server(value):
                raise SetupError(f"{name} is not the address of a server.", hint="Write http://host:port.")
            return value.lower().startswith("http://")
    return False


def _is_folder(store: ObjectStore, path: str, url: str) -> bool:
    """Whether an empty object only marks a folder: its key ends in a '/', which obstore's listing leaves out."""
    with _translated(url):
        try:
            obstore.head(store, path)
        except FileNotFoundError:
            return True
    return False


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except (exceptions.BaseError, FileNotFoundError, PermissionError, ValueError) as error:
        raise meaning(error, masked(url)) from error
