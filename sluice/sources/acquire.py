"""Acquire: find what a source holds, bring the bytes to disk as a stream, and hash them on the way."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit

from sluice.deadline import checked
from sluice.readers import check_options
from sluice.security import sealed
from sluice.settings import settings
from sluice.sources import files, http, objects, warned
from sluice.sources.api.declared import require_no_policy
from sluice.sources.guard import Guard
from sluice.sources.model import AnySource, ApiSource, FileSource, GitHubSource, HttpSource, RejectsSource

CHUNK = 1 << 20
ENDING = ".api.ndjson"  # of the name that an API's records go by


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

    @property
    def empty(self) -> bool:
        """Whether an API had nothing new; an empty file is an error, which its reader tells."""
        return self.copied and not self.size and self.name.endswith(ENDING)


def validate(source: AnySource, secrets: Mapping[str, Any] | None = None) -> list[Item]:
    """What the source holds now. Raises SetupError (options), SourceError (for good) or RetryError (try again)."""
    check_options(source.options)
    if isinstance(source, FileSource):
        found = files.find(source.path)
    elif isinstance(source, HttpSource):
        require_no_policy(source.url)
        found = http.find(source, secrets)
    elif isinstance(source, ApiSource):
        http.require_whole(source.url)
        Guard.from_settings(settings()).check(source.url)
        found = [
            (source.identity, f"{PurePosixPath(urlsplit(source.url).path).name or 'records'}{ENDING}", None)
        ]
    elif isinstance(source, GitHubSource):
        Guard.from_settings(settings()).check(source.api_url)
        found = [(source.identity, f"{source.what}{ENDING}", None)]
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
    landing.mkdir(parents=True, exist_ok=True)
    path = landing / Path(item.name).name
    with files.disk_errors(path), sealed.create(path) as file:
        body = _Hashed(file)
        if isinstance(item.source, HttpSource):
            warned.lay(landing, http.download(item.source, body, secrets))
        else:
            for chunk in checked(content or objects.stream(item.uri, secrets)):
                body.write(chunk)
        size = body.tell()
    modified = path.stat().st_mtime_ns
    return Landed(path, item.name, item.source.label, size, body.hash, True, modified, options)


class _Hashed:
    """A file that is written from its beginning, and hashed; emptied, it begins anew."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, place: int) -> None:
        self._file.seek(place)

    def truncate(self) -> None:
        self._file.truncate()
        self._digest = hashlib.sha256()

    @property
    def hash(self) -> str:
        """SHA-256 of what was written."""
        return self._digest.hexdigest()
