"""How far a fetch has come, as it is noted on disk after each page."""

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from sluice.readers.parts import Part
from sluice.sources.api.paging import Ask

FRESH = 6 * 3600.0  # seconds for which what was fetched may be gone on with
LOCK = "lock"
NOTE, PARTS, TOLD = "checkpoint.ndjson", "full.json", "told.ndjson"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """After ``pages`` pages: the request that comes ``next``, records so far, what the pages have told.

    ``full``: the files that are, ``turned`` in number; of the one that is not, ``size`` in bytes, ``rows``, and
    ``names`` where all its records are flat. ``sha256``: of the pages' hashes. ``high``: the highest value of the
    incremental field; ``last``: the last page's hash. ``headers``: of an answer that is being read. ``shifts``: see
    ``Shifts``. ``raw``: the file is an answer as it came. ``told``: bytes of the journal. ``boot``: the machine's, for
    after its crash the file may lack what the note tells.
    """

    full: tuple[Part, ...] = ()
    turned: int = 0
    size: int = 0
    rows: int = 0
    names: tuple[str, ...] | None = ()
    pages: int = 0
    records: int = 0
    sha256: str = ""
    next: Ask | None = None
    done: bool = False
    high: str | None = None
    last: str = ""
    validators: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    shifts: dict[str, int] = field(default_factory=dict)
    raw: bool = False
    began: float = 0.0
    boot: str = ""
    told: int = 0


def noted_at(folder: Path) -> float:
    """When the fetch last came further, in seconds since 1970."""
    note = folder / NOTE
    return (note if note.exists() else folder).stat().st_mtime


def file_name(number: int) -> str:
    """That of the file of records of that number."""
    return f"{number:06}.ndjson"


def left(folder: Path) -> Checkpoint:
    """What an earlier fetch noted, with the files cut to that; else a new beginning."""
    try:
        found = _noted(folder)
        if found.boot == _boot() and time.time() - found.began < FRESH and _is_there(folder, found):
            data = folder / file_name(len(found.full))
            if found.headers and not found.done:
                return replace(found, size=data.stat().st_size)
            os.truncate(data, found.size)
            os.truncate(folder / TOLD, found.told)
            return found
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return anew(folder)


def anew(folder: Path) -> Checkpoint:
    """A new beginning; what an earlier fetch left goes."""
    for path in folder.iterdir():
        if path.is_file() and path.name != LOCK:
            path.unlink()
    return Checkpoint(began=time.time(), boot=_boot())


def _boot() -> str:
    return _BOOT.read_text().strip() if _BOOT.exists() else ""


def _noted(folder: Path) -> Checkpoint:
    """The last note that is whole; what follows it goes."""
    lines, end, _ = (folder / NOTE).read_bytes().rpartition(b"\n")
    os.truncate(folder / NOTE, len(lines + end))
    told = orjson.loads(lines.rpartition(b"\n")[2])
    ask = Ask(**told["next"]) if told["next"] else None
    full = orjson.loads((folder / PARTS).read_bytes())[: told["turned"]] if told["turned"] else []
    parts = tuple(Part(**{**one, "names": one["names"] and tuple(one["names"])}) for one in full)
    names = None if told["names"] is None else tuple(told["names"])
    return Checkpoint(**{**told, "next": ask, "full": parts, "names": names})


def _is_there(folder: Path, noted: Checkpoint) -> bool:
    """Whether the files hold what was noted."""
    data = folder / file_name(len(noted.full))
    size = data.stat().st_size if data.exists() else 0
    return (
        len(noted.full) == noted.turned
        and all((folder / one.name).exists() for one in noted.full)
        and size >= noted.size
        and (folder / TOLD).stat().st_size >= noted.told
    )
