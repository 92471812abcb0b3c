"""A process that has imported everything once; a fork of it does each command and ends as a command's process does.

An order is a line of JSON: words, folder, env, and the files that standard output and error go to. The answer is
the exit code.
"""

import importlib
import json
import os
import sys
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


def main() -> None:
    for name in SLOW:
        importlib.import_module(name)
    settings.cache_clear()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            become(json.loads(line))
            sluice()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


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
