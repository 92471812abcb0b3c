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


def load(path: Path, dataset: str, mode: str) -> dict[str, Any]:
    """The standard ingestion flow over one file, loaded before or not; what ``load --json`` would print."""
    # The whole platform comes with it (seconds); the first call is the warm-up, so it is never timed.
    from flows.standard_ingestion import IngestionRequest, standard_ingestion

    request = IngestionRequest.model_validate(
        {"sources": [{"kind": "file", "path": str(path)}], "dataset": dataset, "mode": mode, "force": True}
    )
    result = standard_ingestion(request)
    return dict(result if isinstance(result, dict) else result.as_dict())


def timed(path: Path, mode: str, expected: int) -> tuple[float, float]:
    """Wall and CPU seconds of loading ``path`` into the orders. Raises SystemExit unless all rows came in."""
    started, cpu = time.perf_counter(), _cpu()
    result = load(path, "orders", mode)
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
    load(warm_up(), "warmup", "replace")
    runs = [timed(path, args.mode, args.rows) for path in args.files]
    sys.stderr.flush()
    print()
    print(json.dumps({"seconds": median(r[0] for r in runs), "cpu_seconds": median(r[1] for r in runs)}))


if __name__ == "__main__":
    main()
