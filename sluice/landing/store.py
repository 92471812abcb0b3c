"""The landing store: a folder for each upload, in which the bytes are continued where they ended."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sluice.errors import InputError, RetryError
from sluice.sources.files import disk_errors

_CHUNK = 1 << 20


class TooLarge(InputError):
    """More bytes than announced or allowed."""


class Busy(RetryError):
    """Another request writes this upload now."""


class OtherOffset(InputError):
    """The client would continue elsewhere than where the upload ends."""


@dataclass(frozen=True, slots=True)
class Store:
    """The uploads under ``folder``."""

    folder: Path

    def path(self, upload_id: str, name: str) -> Path:
        """Where the upload's file is; ``name`` is a safe one."""
        return self.folder / upload_id / name

    def received(self, path: Path) -> int:
        """Bytes that are there."""
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def continued(self, path: Path, offset: int, limit: int) -> Iterator["Part"]:
        """A part that begins at ``offset``, where the file has to end; what was written is on disk after the block,
        also where the block raises. Raises OtherOffset, Busy, or SetupError for a full disk.
        """
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

    def writable(self) -> bool:
        """Whether bytes can be kept now."""
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.access(self.folder, os.W_OK)
        return False

    def remove(self, upload_id: str) -> None:
        """Delete the upload's bytes."""
        shutil.rmtree(self.folder / upload_id, ignore_errors=True)


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
