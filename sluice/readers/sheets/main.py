"""The process that takes the sheets of a workbook out, with a limit to its memory and time.

A small file can describe a huge sheet: where that ends in an abort, only this process ends. Run by its path, since
importing the package would cost more than reading a small file.
Arguments, as JSON: ``path``, ``folder``, ``sheet``, ``memory_mb``, ``seconds``, ``packages`` (where these are).
Answers in JSON.
"""

import errno
import gc
import json
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any


class NoPandas(MetaPathFinder):
    """pyarrow loads pandas where it can, and that takes half a second."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> None:
        """Say that it is not there."""
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _prepare(packages: list[str]) -> None:
    """Let packages and neighbours be found without the imports that usually come with them."""
    sys.path[:] = packages
    sys.meta_path.insert(0, NoPandas())
    here = Path(__file__).parent
    parents = {"sluice": here.parent.parent, "sluice.readers": here.parent, "sluice.readers.sheets": here}
    for name, folder in parents.items():
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [str(folder)]


def _limit(memory_mb: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:
        return
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        used = 1 << 30
    for kind, value in (
        (resource.RLIMIT_AS, used + memory_mb * 1_000_000),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, hard))
        except (ValueError, OSError):  # not on every system
            continue


def main() -> None:
    """Do what the command line asks; always answer."""
    gc.disable()  # rows hold no cycles, and there are many
    asked = json.loads(sys.argv[1])
    _prepare(asked["packages"])
    import pyarrow as pa  # found from here on
    import python_calamine as calamine

    from sluice.readers.sheets.odd_others import Protected
    from sluice.readers.sheets.workbook import dump

    _limit(asked["memory_mb"], asked["seconds"])
    try:
        answer = dump(asked)
    except (MemoryError, pa.ArrowMemoryError):
        answer = {"error": "memory", "message": ""}
    except BaseException as error:  # Rust's panics are BaseExceptions
        kind = "password" if isinstance(error, calamine.PasswordError | Protected) else "damaged"
        message = (str(error).splitlines() or [type(error).__name__])[0]
        kind = "memory" if "alloc" in message.lower() else kind
        if not isinstance(error, Exception):  # a panic: an assertion of calamine's did not hold
            message = "its parts do not fit together"
        if isinstance(error, OSError) and error.strerror:
            outside = error.errno == errno.EINVAL  # the archive names a place before its begin
            message = "a part is not where it should be" if outside else error.strerror
        answer = {"error": kind, "message": message}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
