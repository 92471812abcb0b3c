"""One Sluice load, timed from within a process that has its imports and a first small load behind it."""

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.generate import warm_up
from sluice.cli.runner import run


def request(path: Path, dataset: str, mode: str) -> dict[str, Any]:
    """One file through the standard ingestion flow, loaded before or not."""
    return {"dataset": dataset, "sources": [{"kind": "file", "path": str(path)}], "mode": mode, "force": True}


def timed(path: Path, mode: str, expected: int) -> tuple[float, float]:
    """Wall and CPU seconds of loading ``path`` into the orders. Raises SystemExit unless all rows came in."""
    # Prefect reads its settings at import; ``run`` has made them by now.
    from flows.runner import run_here

    started, cpu = time.perf_counter(), _cpu()
    result = run_here(request(path, "orders", mode))
    seconds, used = time.perf_counter() - started, _cpu() - cpu
    arrived = result["published"] + result["unchanged"]
    if (result["status"], result["read"], arrived) != ("completed", expected, expected):
        raise SystemExit(f"wrong load: {json.dumps(result, default=str)}")
    print(json.dumps(result, default=str), file=sys.stderr, flush=True)
    return seconds, used


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    """Load each file, then print the median seconds and CPU seconds as the last line, JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=["append", "upsert", "replace"], default="append")
    parser.add_argument("--rows", type=int, required=True, help="rows that each file has")
    parser.add_argument("files", type=Path, nargs="+")
    args = parser.parse_args()
    run(request(warm_up(), "warmup", "replace"))
    runs = [timed(path, args.mode, args.rows) for path in args.files]
    sys.stderr.flush()
    print()
    print(json.dumps({"seconds": median(r[0] for r in runs), "cpu_seconds": median(r[1] for r in runs)}))


if __name__ == "__main__":
    main()
