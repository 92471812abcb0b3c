"""Acquire: find what a source holds, bring the bytes to disk as a stream, and hash them on the way."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sluice.deadline import checked
from sluice.readers import check_options
from sluice.sources import files, http, objects
from sluice.sources.model import AnySource, FileSource, HttpSource, RejectsSource

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to ingest: a file, a URL or an object. ``size`` in bytes, None where not told."""

    uri: str
    name: str
    size: int | None
    source: AnySource


@dataclass(frozen=True, slots=True)
class Landed:
    """Bytes on disk, ready to read. ``copied``: Sluice made this file and may delete it.

    ``sha256`` is empty where it is left to the reading. ``modified_ns``: the file's time of change before it was
    hashed or read, to notice a later change.
    """

    path: Path
    name: str
    uri: str
    size: int
    sha256: str
    copied: bool
    modified_ns: int
    options: dict[str, str] = field(default_factory=dict)


def validate(source: AnySource, secrets: Mapping[str, Any] | None = None) -> list[Item]:
    """What the source holds now. Raises SetupError (options), SourceError (for good) or RetryError (try again)."""
    check_options(source.options)
    if isinstance(source, FileSource):
        found = files.find(source.path)
    elif isinstance(source, HttpSource):
        found = http.find(source.url, secrets)
    elif isinstance(source, RejectsSource):
        found = [(source.label, source.name, None)]  # the ledger, which knows more, is out of reach here
    else:
        found = objects.find(source.url, secrets)
    return [Item(uri, name, size, source) for uri, name, size in found]


def acquire(
    item: Item,
    landing: Path,
    secrets: Mapping[str, Any] | None = None,
    *,
    hash_later: bool = False,
    content: Iterator[bytes] | None = None,
) -> Landed:
    """Bring the item's bytes under ``landing`` (a local file stays where it is) and hash them.

    ``hash_later`` leaves the hash of a file on this disk open. ``content``: the bytes, where the caller has them.
    """
    options = dict(item.source.options)
    if isinstance(item.source, FileSource):
        path = Path(item.uri)
        size, modified = files.measured(path)
        digest = "" if hash_later else files.hashed(path)
        return Landed(path, item.name, item.uri, size, digest, False, modified, options)
    if content is None:
        stream = http.stream if isinstance(item.source, HttpSource) else objects.stream
        content = stream(item.uri, secrets)
    landing.mkdir(parents=True, exist_ok=True)
    path = landing / Path(item.name).name
    with files.disk_errors(path), path.open("wb") as file:
        size, digest = _save(content, file)
    return Landed(path, item.name, item.source.label, size, digest, True, path.stat().st_mtime_ns, options)


def _save(chunks: Iterator[bytes], file: IO[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    for chunk in checked(chunks):
        file.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()
