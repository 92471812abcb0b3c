"""A process that has imported everything once. Each order it reads is loaded by a fork of it, which it may kill.

An order is a line of JSON: url, home, path, mode, organization, and kill_after in seconds (or null).
The answer is a line of JSON: seconds from the fork to the end, and the outcome where there is one.
"""

import importlib
import json
import os
import select
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sluice.contracts.registry import load_contract
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.crash.model import CONTRACT
from tests.jobs.loading import load

SLOW = ("great_expectations", "pandas", "duckdb", "pyarrow.pandas_compat", "sluice.quality.judge")


def main() -> None:
    for name in SLOW:
        importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)


def obey(order: dict[str, Any]) -> dict[str, Any]:
    reader, writer = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        work(order, writer)
    os.close(writer)
    # The pipe is readable when the child has written its outcome or is gone.
    select.select([reader], [], [], order["kill_after"])
    if order["kill_after"] is not None:
        os.kill(pid, signal.SIGKILL)
    with open(reader, "rb") as pipe:  # noqa: PTH123 (a descriptor, not a path)
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    seconds = time.monotonic() - began
    return {"seconds": seconds, "killed": os.WIFSIGNALED(status), "outcome": json.loads(said or b"null")}


def work(order: dict[str, Any], writer: int) -> None:
    """Load and tell the outcome; never returns."""
    home = Path(order["home"])
    os.environ["SLUICE_HOME"] = str(home)
    settings.cache_clear()
    tempfile.tempdir = str(home / "tmp")
    try:
        contract = load_contract(CONTRACT)[0]
        warehouse = Warehouse.from_url(order["url"])
        done = load(
            warehouse,
            contract,
            Path(order["path"]),
            mode=order["mode"],
            organization_id=order["organization"],
            force=False,
        )
        said = done.as_dict()
    except BaseException as error:
        said = {"error": type(error).__name__, "message": str(error)}
    os.write(writer, json.dumps(said).encode())
    os._exit(0)


if __name__ == "__main__":
    main()
