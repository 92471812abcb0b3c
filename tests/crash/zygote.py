"""A process that has imported everything once; a fork of it does each load, to be killed by the test.

An order is a line of JSON: url, home, path (or source, dataset and contracts), mode, organization, force, insist (try a
step again after an error of the retry family, as Prefect would) and embedded (home of a server that the load may start
again). The answer is the fork's process id. It stays that fork's until a line with the id asks for the end; the answer
then is the outcome as JSON, or null where the fork was killed. A fork that does not end is killed, and its outcome says
so. When the load begins to publish, it makes the file ``publishing`` in its home.
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

from pydantic import TypeAdapter

from sluice.contracts.registry import load_contract
from sluice.errors import RetryError
from sluice.jobs import steps, whole
from sluice.jobs.lease import lease
from sluice.jobs.outcome import Outcome
from sluice.settings import settings
from sluice.sources.api import spool
from sluice.sources.model import Source
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded
from tests.crash.model import CONTRACT
from tests.jobs.loading import load

LIMIT = 120.0  # seconds; pytest itself gives a test 300
SLOW = ("great_expectations", "pandas", "duckdb", "pyarrow.pandas_compat", "sluice.quality.judge")
STEPS = ("open_job", "connect", "collect", "repeated", "convert", "check", "store")


def main() -> None:
    for name in SLOW:
        importlib.import_module(name)
    spool.FULL = 4_000  # so that what is fetched comes in parts
    say("ready")
    forks: dict[int, int] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        say(end(asked, forks.pop(asked)) if isinstance(asked, int) else begin(asked, forks))
    for pid in forks:  # of tests that failed before they asked for the end
        os.kill(pid, signal.SIGKILL)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def begin(order: dict[str, Any], forks: dict[int, int]) -> str:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        work(order, writer)
    os.close(writer)
    forks[pid] = reader
    return str(pid)


def end(pid: int, reader: int) -> str:
    hung = not select.select([reader], [], [], LIMIT)[0]
    if hung:
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(pid, 0)
    if hung:
        said = json.dumps({"status": "hung", "error": f"killed: it did not end within {LIMIT:.0f} s"})
    return said or "null"


def work(order: dict[str, Any], writer: int) -> None:
    """Load and tell the outcome; never returns."""
    os.dup2(2, 1)  # whoever reads the zygote's output would wait for this process, too
    home = Path(order["home"])
    os.environ["SLUICE_HOME"] = str(home)
    settings.cache_clear()
    tempfile.tempdir = str(home / "tmp")
    steps.MANY_ROWS = 1_000  # the way that large files go
    began, errors = time.monotonic(), list[str]()
    for name in STEPS:
        setattr(steps, name, observed(getattr(steps, name), errors, again=2 if order["insist"] else 0))
    published = steps.store
    started = began

    def store(*args: Any, **named: Any) -> Any:
        nonlocal started
        (home / "publishing").touch()
        started = time.monotonic()
        return published(*args, **named)

    steps.store = store
    try:
        done = (
            load_source(order)
            if "source" in order
            else load(
                Warehouse(order["url"], Embedded(Path(order["embedded"])) if order["embedded"] else None),
                load_contract(CONTRACT)[0],
                Path(order["path"]),
                mode=order["mode"],
                organization_id=order["organization"],
                force=order["force"],
            )
        )
        said = done.as_dict()
    except BaseException as error:
        said = {"status": "failed", "error": type(error).__name__, "message": str(error)}
    ended = time.monotonic()
    said |= {"retried": errors, "took": ended - began, "publish_took": ended - started}
    os.write(writer, json.dumps(said).encode())
    os._exit(0)


def load_source(order: dict[str, Any]) -> Outcome:
    """The load of a source that is not a file, by a contract in a folder of the order's."""
    os.environ |= {"SLUICE_CONTRACTS": order["contracts"], "SLUICE_PRIVATE_ADDRESSES": "true"}
    settings.cache_clear()
    warehouse = Warehouse(order["url"])
    shared = {"organization_id": 1, "user_id": 1, "priority": "normal", "job_id": "", "warehouse": ""}
    asked = {"dataset": order["dataset"], "sources": [order["source"]], "mode": order["mode"], "force": False}
    job = steps.open_job(warehouse, asked | shared)
    with lease(warehouse, job.job_id):
        source = TypeAdapter[Source](Source).validate_python(order["source"])
        return whole.ingest(warehouse, job, [source], lambda _: None)


def observed(step: Callable[..., Any], errors: list[str], again: int) -> Callable[..., Any]:
    """The step, tried again after an error of the retry family, as its Prefect task would be."""

    def run(*args: Any, **named: Any) -> Any:
        for _ in range(again):
            try:
                return step(*args, **named)
            except RetryError as error:
                errors.append(f"{step.__name__}: {error}")
        return step(*args, **named)

    return run


if __name__ == "__main__":
    main()
