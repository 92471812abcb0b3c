"""A process that has imported everything once. Each order it reads is loaded by a fork of it, which it may kill.

An order is a line of JSON: url, home, path, mode, organization, force, insist (try a step again after an error
of the retry family, as Prefect would) and kill_after (seconds from the fork, or null).
The answer is a line of JSON: seconds from the fork to the end, and the outcome where there is one.
When the load begins to publish, it makes the file ``publishing`` in its home.
"""

import importlib
import json
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sluice.contracts.registry import load_contract
from sluice.errors import RetryError
from sluice.jobs import steps
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.crash.model import CONTRACT
from tests.jobs.loading import load

SLOW = ("great_expectations", "pandas", "duckdb", "pyarrow.pandas_compat", "sluice.quality.judge")
STEPS = ("open_job", "connect", "collect", "unseen", "convert", "check", "store")


def main() -> None:
    for name in SLOW:
        importlib.import_module(name)
    say("ready")
    for line in sys.stdin:
        say(json.dumps(obey(json.loads(line))))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def obey(order: dict[str, Any]) -> dict[str, Any]:
    reader, writer = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        work(order, writer)
    os.close(writer)
    # The pipe can be read when the child has written its outcome or is gone.
    select.select([reader], [], [], order["kill_after"])
    if order["kill_after"] is not None:
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return {"seconds": time.monotonic() - began, "outcome": json.loads(said or b"null")}


def work(order: dict[str, Any], writer: int) -> None:
    """Load and tell the outcome; never returns."""
    home = Path(order["home"])
    os.environ["SLUICE_HOME"] = str(home)
    settings.cache_clear()
    tempfile.tempdir = str(home / "tmp")
    steps.MANY_ROWS = 1_000  # the way that large files go
    errors: list[str] = []
    for name in STEPS:
        setattr(steps, name, observed(getattr(steps, name), home, errors, again=2 if order["insist"] else 0))
    try:
        done = load(
            Warehouse.from_url(order["url"]),
            load_contract(CONTRACT)[0],
            Path(order["path"]),
            mode=order["mode"],
            organization_id=order["organization"],
            force=order["force"],
        )
        said = done.as_dict()
    except BaseException as error:
        said = {"status": "failed", "error": type(error).__name__, "message": str(error)}
    os.write(writer, json.dumps({**said, "retried": errors}).encode())
    os._exit(0)


def observed(step: Callable[..., Any], home: Path, errors: list[str], again: int) -> Callable[..., Any]:
    """The step, tried again after an error of the retry family, as its Prefect task would be."""

    def run(*args: Any, **named: Any) -> Any:
        if step.__name__ == "store":
            (home / "publishing").touch()
        for _ in range(again):
            try:
                return step(*args, **named)
            except RetryError as error:
                errors.append(f"{step.__name__}: {error}")
        return step(*args, **named)

    return run


if __name__ == "__main__":
    main()
