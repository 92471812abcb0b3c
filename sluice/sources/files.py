"""Local files: found by path, glob or file:// URL; hashed in place."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob, has_magic
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sluice import deadline
from sluice.errors import ReadError, RetryError, SetupError, SourceError

CHUNK = 1 << 18
_NOT_OURS = (PermissionError, FileExistsError, NotADirectoryError)


def find(text: str, *, empty: bool = False) -> list[tuple[str, str, int | None]]:
    """Absolute path, name and size of each file that the path or glob means, sorted by path.

    Raises SourceError where there is none, or one is not a readable file; ReadError where one holds nothing, unless
    ``empty`` files are wanted.
    """
    text = _path_of(text)
    if not has_magic(text) or os.path.exists(text):  # noqa: PTH110 (Path's raises where a folder is closed)
        return [_checked(Path(text), empty)]
    paths = [Path(name) for name in sorted(glob(text, recursive=True)) if not Path(name).is_dir()]  # noqa: PTH207
    if not paths:
        raise SourceError(f"No file matches {text}.", hint="Check the pattern and the folder.", file=text)
    return [_checked(path, empty) for path in paths]


def _path_of(text: str) -> str:
    if not text.startswith("file://"):
        return os.path.expanduser(text)  # noqa: PTH111 (Path's raises for an unknown user)
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost"):
        raise SourceError(
            f"{text} names another machine.", hint="A file:// URL has three slashes: file:///path.", file=text
        )
    return unquote(parts.path)


def _checked(path: Path, empty: bool) -> tuple[str, str, int | None]:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SourceError(
                f"{path} is a folder.", hint=f"Name a file, or a glob such as '{path}/*.csv'.", file=str(path)
            )
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(
                f"{path} is not a regular file.", hint="Save the data in a file first.", file=str(path)
            )
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist.", hint="Check the path.", file=str(path)) from None
    except PermissionError:
        raise SourceError(
            f"{path} may not be read by this user.", hint="Change its permissions.", file=str(path)
        ) from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if status.st_size == 0 and not empty:
        raise ReadError(f"{path} is empty.", hint="Check how it was written.", file=str(path))
    return str(path.resolve()), path.name, status.st_size


def measured(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change (ns) of a file. Raises SourceError."""
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return status.st_size, status.st_mtime_ns


def hashed(path: Path) -> str:
    """SHA-256 of a file. Raises SourceError, and RetryError at the step's deadline."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(CHUNK))
    try:
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                deadline.check()
                digest.update(buffer[:count])
    except OSError as error:
        raise _unreadable(path, error) from error
    return digest.hexdigest()


def _unreadable(path: Path, error: Exception) -> SourceError:
    reason = getattr(error, "strerror", None) or str(error)
    return SourceError(
        f"{path} can't be read: {reason}.", hint="Check the path and the disk.", file=str(path)
    )


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a forbidden folder into errors that say what to do. ``path``: what lies in the folder."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SetupError(
                f"The disk is full at {path.parent}.",
                hint="Free some space, or point SLUICE_HOME at a larger disk.",
                folder=str(path.parent),
            ) from error
        if isinstance(error, _NOT_OURS) or error.errno == errno.EROFS:
            raise SetupError(
                f"{path.parent} may not be written.", hint="Point SLUICE_HOME at a folder of your own."
            ) from error
        raise RetryError.of(error, hint="Try again.", file=str(path)) from error
