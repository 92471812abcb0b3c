"""Pages on their way to disk, with a note of how far they have come, so that a killed run goes on there.

Records lie in files of about 16 MB each, a part of a table (``sluice.readers.parts``) as soon as it is full.
"""

import fcntl
import hashlib
import io
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast

import orjson

from sluice import deadline
from sluice.errors import RetryError
from sluice.readers.parts import Index, Part
from sluice.security import sealed
from sluice.sources.api.checkpoint import LOCK, NOTE, PARTS, TOLD, Checkpoint, anew, file_name, left, noted_at
from sluice.sources.api.lines import Lines, written
from sluice.sources.api.pace import PATIENCE, sleep
from sluice.sources.files import disk_errors

FULL = 16_000_000  # bytes of a file of records


class Spool:
    """The files of one fetch, and its note, in ``folder``. ``place``: where the full ones are to lie as parts of a
    table as well, if anywhere; ``begun`` is called once the first of them does.

    In a folder that is protected (``sluice.security.sealed``) they are sealed, and what is not a whole file yet is in
    memory only: there the process that was stopped has left nothing to go on with.
    """

    def __init__(self, folder: Path, checkpoint: Checkpoint) -> None:
        self.folder, self.at = folder, checkpoint
        self._sealed = sealed.protects(folder)
        self.file = self._data()
        self._journal = io.BytesIO() if self._sealed else (folder / TOLD).open("a+b")
        self._note = io.BytesIO() if self._sealed else (folder / NOTE).open("ab")
        self._place: Path | None = None
        self._begun: Callable[[], None] = lambda: None

    def _data(self) -> IO[bytes]:
        if self._sealed:
            return io.BytesIO()
        file = (self.folder / file_name(len(self.at.full))).open("r+b" if self.at.size else "w+b")
        file.seek(self.at.size)
        return file

    def _shut(self) -> None:
        """Have the file of records on disk."""
        if self._sealed:
            with sealed.create(self.folder / file_name(len(self.at.full))) as file:
                file.write(cast("io.BytesIO", self.file).getbuffer())
        self.file.close()

    def note(self, **changes: Any) -> None:
        """Write down how far it has come. ``changes``: of the checkpoint."""
        with disk_errors(self.folder):
            self.file.flush()
            self.at = replace(self.at, size=self.file.tell(), told=self._journal.tell(), **changes)
            if not self._sealed:
                self._note.write(orjson.dumps(replace(self.at, full=()), option=orjson.OPT_APPEND_NEWLINE))
                self._note.flush()

    def add(self, records: Iterable[Any], *, told: Any = None, **changes: Any) -> None:
        """As ``add_lines``, of values."""
        self.add_lines(written(list(records)), told=told, **changes)

    def add_lines(self, lines: Lines, *, told: Any = None, **changes: Any) -> None:
        """Write a page's records, then that they are there. ``changes``: of the checkpoint; ``told``: what else is to
        be known of the page, for ``journal``.
        """
        with disk_errors(self.folder):
            if told is not None:
                self._journal.write(orjson.dumps(told) + b"\n")
                self._journal.flush()
            self.file.write(lines.text)
        page = changes.get("last") or hashlib.sha256(lines.text).hexdigest()
        changes["sha256"] = hashlib.sha256(f"{self.at.sha256}{page}".encode()).hexdigest()
        self.note(
            pages=self.at.pages + 1,
            records=self.at.records + lines.count,
            rows=self.at.rows + lines.count,
            names=_all_names(self.at.names, lines.names),
            **changes,
        )
        if self.at.size >= FULL:
            self._turn()

    def _turn(self) -> None:
        """Go on with a new file."""
        with disk_errors(self.folder):
            self._shut()
            full = (*self.at.full, self._part())
            draft = self.folder / f"{PARTS}.new"
            draft.write_bytes(orjson.dumps(full))
            draft.replace(self.folder / PARTS)
            self.at = replace(self.at, full=full, turned=len(full), size=0, rows=0, names=())
            self.file = self._data()
            self.note()
            self._lay()

    def _part(self) -> Part:
        return Part(file_name(len(self.at.full)), self.at.rows, self.at.size, self.at.names or None)

    def follow(self, place: Path, begun: Callable[[], None]) -> None:
        """Have the files that are full lie in ``place`` as well from now on, and tell when there is one."""
        self._place, self._begun = place, begun
        if self.at.full:
            self._lay()

    def _lay(self, *more: Part, complete: bool = False) -> None:
        if place := self._place:
            parts = (*self.at.full, *more)
            place.mkdir(parents=True, exist_ok=True)
            for one in parts:
                if not (place / one.name).exists():
                    os.link(self.folder / one.name, place / one.name)
            Index(parts, complete).write(place)
            if not complete:
                self._begun()

    def journal(self) -> list[Any]:
        """What was told of each page, in the order in which they came."""
        end = self._journal.tell()
        self._journal.seek(0)
        lines = self._journal.read().splitlines()
        self._journal.seek(end)
        return [orjson.loads(line) for line in lines]

    def records(self) -> Iterator[Any]:
        """The records so far."""
        for part in self.at.full:
            with io.BufferedReader(sealed.reading(self.folder / part.name)) as file:
                yield from map(orjson.loads, file)
        self.file.flush()
        end = self.file.tell()
        self.file.seek(0)
        lines = self.file.read().splitlines()
        self.file.seek(end)
        yield from map(orjson.loads, lines)

    def close(self) -> None:
        """Close its files."""
        self.file.close()
        self._journal.close()
        self._note.close()

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return self.at.size + sum(one.size for one in self.at.full)

    def move(self, place: Path) -> None:
        """Give all of it to ``place``, an answer as it came as a file, else as a folder of parts; nothing is left of
        the spool.
        """
        with disk_errors(place):
            self._shut()
            if self.at.raw or not self.at.records:
                (self.folder / file_name(0)).replace(place)
            else:
                self._place = place
                self._lay(*([self._part()] if self.at.rows else []), complete=True)
            shutil.rmtree(self.folder, ignore_errors=True)


def _all_names(known: tuple[str, ...] | None, more: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Both; None where the records are not all flat, or DuckDB would not tell two names apart."""
    if known is None or more is None:
        return None
    names = tuple(dict.fromkeys([*known, *more]))
    return names if len({name.lower() for name in names}) == len(names) else None


@contextmanager
def spooled(folder: Path) -> Iterator[Spool]:
    """The spool in ``folder``, where an earlier fetch left it or empty. Waits while another job has it, for as long as
    the step may take; raises RetryError then.
    """
    with disk_errors(folder), _locked(folder):
        spool = Spool(folder, anew(folder) if sealed.protects(folder) else left(folder))
        try:
            yield spool
        finally:
            spool.close()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder for this job alone. Whoever had it before may have removed it at its end."""
    until = time.monotonic() + PATIENCE
    while True:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (folder / LOCK).open("w") as lock:
            if _is_ours(folder, lock):
                yield
                return
        if deadline.remaining() is None and time.monotonic() > until:
            raise RetryError("Another job fetches the same just now.", hint="Try again when it is done.")
        sleep(0.25)


def _is_ours(folder: Path, lock: IO[str]) -> bool:
    """Take the lock, if nobody has it and it is still that of the folder."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock.fileno()), (folder / LOCK).stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def forget(folder: Path, seconds: float) -> int:
    """Remove the fetches in ``folder`` that nobody has gone on with for so long. Returns how many."""
    count = 0
    for one in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError), (one / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - noted_at(one) > seconds:
                shutil.rmtree(one, ignore_errors=True)
                count += 1
    return count
