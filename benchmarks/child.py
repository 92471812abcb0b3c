"""Runs one command and prints its wall seconds, CPU seconds and peak memory.

Started as a bare interpreter: Linux counts the forking process's memory into the child's peak, so it
must be small.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """``child.py LOG COMMAND...``: output goes to LOG, the figures to stdout as JSON."""
    with open(sys.argv[1], "wb") as log:  # noqa: PTH123
        started = time.perf_counter()
        process = subprocess.Popen(sys.argv[2:], stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    figures = {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
