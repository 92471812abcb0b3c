"""The landing store: where uploaded bytes are kept until nobody asks for them any more."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sluice.landing.bucket import Bucket
from sluice.landing.folder import Folder, Part
from sluice.settings import Settings


class Store(Protocol):
    """A folder or a bucket. A ``place`` is what it has for an upload: a path or URL that runs can read from."""

    def place(self, upload_id: str, name: str) -> str:
        """Where the upload's bytes will be; ``name`` is a safe one."""

    def received(self, place: str) -> int:
        """Bytes that came in."""

    def continued(self, place: str, offset: int, limit: int) -> AbstractContextManager[Part]:
        """A part that begins at ``offset``, where the upload has to end. Raises OtherOffset, Busy or SetupError."""

    def keep(self, place: str) -> None:
        """Make the whole upload durable: before its job is accepted."""

    def release(self, place: str) -> None:
        """Drop what only served to receive the upload: after its job was accepted."""

    def writable(self) -> bool:
        """Whether bytes can be kept now."""

    def remove(self, upload_id: str) -> None:
        """Delete the upload's bytes, as far as that goes now."""

    def old(self, hours: float) -> list[str]:
        """The uploads whose bytes lie there for longer."""


def store_of(landing: str, settings: Settings) -> Store:
    """The store that ``landing`` names, a folder or s3://bucket/prefix; empty: that of the settings.

    Raises SetupError or SourceError where it can't be one.
    """
    landing = landing or settings.landing
    if "://" in landing:
        return Bucket.of(landing, settings.root / "spool")
    return Folder(Path(landing).expanduser().resolve() if landing else settings.landing_dir)
