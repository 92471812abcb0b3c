"""The files that anchors are kept in outside of the warehouse: a folder a log, a file an organization, a line each."""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sluice.audit.anchors import Anchor
from sluice.errors import SetupError

_TAIL = 4096  # bytes: the last line is shorter
_NAME = re.compile(r"organization-(\d+)\.jsonl")


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """The anchors of one organization, in the order in which they were made."""

    path: Path

    def size(self) -> int:
        """The bytes of its whole lines now; 0 where it is not there."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                return size - _cut(self._tail(file, size))
        except FileNotFoundError:
            return 0

    def read(self, size: int) -> Iterator[Anchor]:
        """The anchors in its first ``size`` bytes. Raises SetupError for a line that is none."""
        if not size:
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield self._anchor(line, number)
                size -= len(line)
                if size <= 0:
                    return

    @contextmanager
    def opened(self) -> Iterator[IO[bytes] | None]:
        """The file, for no other process meanwhile; None while another has it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        with self.path.open("a+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield file

    def last(self, file: IO[bytes]) -> Anchor | None:
        """The last anchor of the opened file; a line that was cut off by a crash is removed first."""
        size = file.seek(0, os.SEEK_END)
        tail = self._tail(file, size)
        if cut := _cut(tail):
            file.truncate(size - cut)
        lines = tail[: len(tail) - cut].splitlines()
        return self._anchor(lines[-1], None) if lines else None

    def _tail(self, file: IO[bytes], size: int) -> bytes:
        file.seek(max(0, size - _TAIL))
        return file.read()

    def append(self, file: IO[bytes], anchors: Iterable[Anchor]) -> None:
        """Write the anchors to the disk."""
        file.write("".join(anchor.line for anchor in anchors).encode())
        file.flush()
        os.fsync(file.fileno())

    def _anchor(self, line: bytes, number: int | None) -> Anchor:
        try:
            return Anchor.of_line(line)
        except ValueError:
            where = "the last line" if number is None else f"line {number}"
            raise SetupError(
                f"{self.path}: {where} is no anchor.",
                hint="Somebody changed the file; restore it from a copy.",
            ) from None


def _cut(tail: bytes) -> int:
    """The bytes after the last whole line."""
    return len(tail) - (tail.rfind(b"\n") + 1)


def file_of(folder: Path, log: str, organization_id: int) -> AnchorFile:
    """Where the organization's anchors are kept."""
    return AnchorFile(folder / log / f"organization-{organization_id}.jsonl")


def organizations(folder: Path, log: str) -> set[int]:
    """Those that have a file."""
    names = [path.name for path in (folder / log).glob("organization-*.jsonl")]
    return {int(found[1]) for name in names if (found := _NAME.fullmatch(name))}
