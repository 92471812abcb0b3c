"""The landing store in an object store: bytes are received on the gateway's disk, and sent there when whole."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import obstore
from obstore import exceptions
from obstore.store import ObjectStore

from sluice.errors import SluiceError
from sluice.landing.folder import UPLOAD, Folder, Part
from sluice.sources.objects import open_store
from sluice.sources.store_errors import meaning

# A key is read again out of a URL, where these would mean something.
_UNFIT = re.compile(r"[#&;=%@+]+")


@dataclass(frozen=True, slots=True)
class Bucket:
    """The uploads under ``url``: s3://bucket or s3://bucket/prefix. ``spool``: where they are received.

    A broken upload is continued at the gateway that began it, or begun anew at another. A whole one is an object before
    its job is accepted.
    """

    url: str
    store: ObjectStore
    spool: Folder

    @classmethod
    def of(cls, url: str, spool: Path) -> Self:
        """With the credentials and the endpoint of the environment (AWS_*). Raises SetupError or SourceError."""
        url = url.rstrip("/")
        return cls(
            url, open_store(url, prefix=url.partition("://")[2].partition("/")[2] or None), Folder(spool)
        )

    def place(self, upload_id: str, name: str) -> str:
        """URL of the upload's object."""
        return f"{self.url}/{upload_id}/{_UNFIT.sub('_', name)}"

    def received(self, place: str) -> int:
        """Bytes that came in. Raises RetryError or SetupError."""
        if there := self.spool.received(self._spooled(place)):
            return there
        with self._told(), suppress(FileNotFoundError):
            return int(obstore.head(self.store, self._key(place))["size"])
        return 0

    @contextmanager
    def continued(self, place: str, offset: int, limit: int) -> Iterator[Part]:
        """As a folder does."""
        with self.spool.continued(self._spooled(place), offset, limit) as part:
            yield part

    def keep(self, place: str) -> None:
        """Send the whole upload, in parts if it is large. Raises RetryError or SetupError; it may be tried again."""
        spooled = Path(self._spooled(place))
        with self._told():
            if spooled.exists():
                obstore.put(self.store, self._key(place), spooled)
            else:  # another request was faster
                obstore.head(self.store, self._key(place))

    def release(self, place: str) -> None:
        """Delete the copy on the disk."""
        self.spool.remove(self._key(place).partition("/")[0])

    def writable(self) -> bool:
        """Whether bytes can be received and sent now."""
        with suppress(SluiceError), self._told():
            obstore.put(self.store, ".writable", b"")
            return self.spool.writable()
        return False

    def remove(self, upload_id: str) -> None:
        """Delete the upload's bytes, as far as that goes now: the maintenance flow finds what stays."""
        self.spool.remove(upload_id)
        with suppress(SluiceError), self._told():
            for page in obstore.list(self.store, upload_id):
                obstore.delete(self.store, [meta["path"] for meta in page])

    def old(self, hours: float) -> list[str]:
        """The uploads whose bytes lie here for longer. Raises RetryError or SetupError."""
        latest = datetime.now(UTC) - timedelta(hours=hours)
        with self._told():
            metas = [meta for page in obstore.list(self.store) for meta in page]
        found = {meta["path"].partition("/")[0] for meta in metas if meta["last_modified"] < latest}
        return [*self.spool.old(hours), *(one for one in found if UPLOAD.fullmatch(one))]

    def _key(self, place: str) -> str:
        return place.removeprefix(f"{self.url}/")

    def _spooled(self, place: str) -> str:
        return str(self.spool.folder / self._key(place))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (exceptions.BaseError, PermissionError, ValueError) as error:
            raise meaning(error, self.url) from error
