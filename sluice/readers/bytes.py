"""A file's bytes: its first ones, and errors that name the file that the user knows."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluice.errors import InputError, ReadError, SourceError

CHUNK = 1 << 20
SAMPLE = 1 << 18
_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def head(path: Path, size: int = SAMPLE) -> bytes:
    """The file's first bytes. Raises SourceError if it is missing, no regular file or unreadable, ReadError if
    it is empty.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
        if kind == stat.S_IFDIR:
            raise SourceError(
                f"{path} is a folder.", hint="Name a file in it, or a pattern such as '*.csv'.", file=path
            )
        if kind != stat.S_IFREG:  # to open it could wait forever, to read it never end
            raise SourceError(
                f"{path} is {_SPECIAL.get(kind, 'no regular file')}.",
                hint="Save the data in a file first.",
                file=path,
            )
        with path.open("rb") as file:
            found = file.read(size)
    except FileNotFoundError as error:
        raise SourceError(f"{path} does not exist.", hint="Check the path.", file=path) from error
    except PermissionError as error:
        raise SourceError(f"{path} may not be read.", hint="Check its permissions.", file=path) from error
    except OSError as error:
        raise SourceError.of(error, hint="Check the path and the disk.", file=path) from error
    if not found:
        raise ReadError(f"{path} is empty.", hint="Nothing was loaded; check where it was made.", file=path)
    return found


@contextmanager
def naming(copy: Path, path: Path, member: str = "") -> Iterator[None]:
    """Errors name the file that was given (and the archive's member), not our copy of it."""
    try:
        yield
    except InputError as error:
        if copy == path or str(copy) not in error.message:
            raise
        message = error.message.replace(str(copy), f"{member} in {path}" if member else str(path))
        raise type(error)(message, hint=error.hint, **{**error.facts, "file": path}) from error
