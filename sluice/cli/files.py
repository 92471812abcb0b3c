"""Files that commands write for their user."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sluice.errors import SetupError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write to; it becomes ``path`` at the end, or goes if anything fails.

    Raises SetupError.
    """
    final = path.resolve()
    partial = final.with_name(f".{final.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(final)
    except OSError as error:
        hint = "Check the folder, its permissions and the disk."
        raise SetupError(f"{path} can't be written: {error.strerror}.", hint=hint, file=str(path)) from error
    finally:
        with suppress(OSError):
            partial.unlink()
