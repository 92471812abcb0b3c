"""A process that has imported everything once; a fork of it does each command and ends as a command's process does.

An order is a line of JSON: words, folder, env, and the files that standard output and error go to. The answer is
the exit code. A command that does not end is killed and says so, lest all the commands after it wait for it.
"""

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from sluice.cli.main import main as sluice
from sluice.settings import settings

SLOW = (
    "great_expectations",
    "sluice.quality.judge",
    "flows.runner",
    "deployments.local",
    "sluice.cli.commands",
)


LIMIT = 120.0  # seconds; pytest itself gives a test 300


def main() -> None:
    for name in SLOW:
        importlib.import_module(name)
    settings.cache_clear()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become(order)
            sluice()
        sys.stdout.write(f"{exit_code(pid, order)}\n")
        sys.stdout.flush()


def exit_code(pid: int, order: dict[str, Any]) -> int:
    deadline = time.monotonic() + LIMIT
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            with Path(order["err"]).open("a") as said:
                said.write(f"\nkilled by the test: it did not end within {LIMIT:.0f} s\n")
            os.kill(pid, signal.SIGKILL)
            deadline += LIMIT
        time.sleep(0.002)


def become(order: dict[str, Any]) -> None:
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["env"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ["sluice", *order["words"]]


if __name__ == "__main__":
    main()
