"""The landing store on a disk: a folder for each upload, in which the bytes are continued where they ended."""

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sluice.errors import InputError, RetryError
from sluice.sources.files import disk_errors

_CHUNK = 1 << 20
# The folder may hold what is not ours.
UPLOAD = re.compile("up_[0-9]+_[0-9a-f]{32}")


class TooLarge(InputError):
    """More bytes than announced or allowed."""


class Busy(RetryError):
    """Another request writes this upload now."""


class OtherOffset(InputError):
    """The client would continue elsewhere than where the upload ends."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The uploads under ``folder``. What is written there is durable, and where runs read it."""

    folder: Path

    def place(self, upload_id: str, name: str) -> str:
        """Path of the upload's file."""
        return f"{self.folder}{os.sep}{upload_id}{os.sep}{name}"

    def received(self, place: str) -> int:
        """Bytes that are there."""
        try:
            return Path(place).stat().st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def continued(self, place: str, offset: int, limit: int) -> Iterator["Part"]:
        """A part that begins at ``offset``, where the file has to end; what was written is on disk after the block,
        also where the block raises. Raises OtherOffset, Busy, or SetupError for a full disk.
        """
        path = Path(place)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with disk_errors(path.parent), path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy("Another request sends this upload now.", hint="Wait until it is done.") from None
            there = os.fstat(file.fileno()).st_size
            if there != offset:
                raise OtherOffset(
                    f"The upload has {there:,} bytes, so it can't go on at {offset:,}.",
                    hint="Ask for its offset (HEAD) and send the rest.",
                    offset=there,
                )
            part = Part(file, path, there, limit)
            try:
                yield part
            finally:
                file.flush()
                os.fsync(file.fileno())

    def keep(self, place: str) -> None:
        """Nothing to do: the bytes are where they stay."""

    def release(self, place: str) -> None:
        """Nothing to do: the file is the upload."""

    def writable(self) -> bool:
        """Whether bytes can be kept now."""
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.access(self.folder, os.W_OK)
        return False

    def remove(self, upload_id: str) -> None:
        """Delete the upload's bytes."""
        shutil.rmtree(self.folder / upload_id, ignore_errors=True)

    def old(self, hours: float) -> list[str]:
        """The uploads whose bytes lie here for longer."""
        latest = time.time() - hours * 3600
        try:
            found = [one for one in os.scandir(self.folder) if UPLOAD.fullmatch(one.name)]
        except FileNotFoundError:
            return []
        return [one.name for one in found if _changed(one) < latest]


def _changed(entry: os.DirEntry[str]) -> float:
    with suppress(FileNotFoundError):
        return entry.stat().st_mtime
    return time.time()


class Part:
    """Bytes on their way into the file, counted and hashed with those before them."""

    def __init__(self, file: BinaryIO, path: Path, size: int, limit: int) -> None:
        self._file, self._limit = file, limit
        self.size = size
        self._hash = hashlib.sha256()
        with path.open("rb") as before:
            while chunk := before.read(_CHUNK):
                self._hash.update(chunk)

    def write(self, chunk: bytes) -> None:
        """Add bytes. Raises TooLarge, with none of them written."""
        if self.size + len(chunk) > self._limit:
            raise TooLarge(
                f"The upload has more than {self._limit:,} bytes.",
                hint="Nothing will be loaded.",
                limit=self._limit,
            )
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        """Of all bytes so far."""
        return self._hash.hexdigest()
