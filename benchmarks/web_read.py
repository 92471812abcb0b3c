"""Reads all pages of the benchmark's API and does nothing with them, or loads them; says how long it took."""

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.generate import warm_up
from benchmarks.one import _cpu as cpu
from benchmarks.one import request as file_request
from benchmarks.web import CONCURRENCY, FEW, ISSUES, REPOSITORIES, ROWS, SIZE
from sluice.cli.runner import run


def bare(url: str) -> None:
    """The pages, by httpx alone."""
    with httpx.Client(trust_env=False) as client, ThreadPoolExecutor(CONCURRENCY) as pool:

        def read(number: int) -> int:
            return len(client.get(url, params={"page": number}).raise_for_status().content)

        if sum(pool.map(read, range(1, ROWS // SIZE + 1))) < 1:
            raise SystemExit("nothing came")


def loaded(url: str, expected: int) -> None:
    """The records, in the warehouse."""
    from flows.runner import run_here  # Prefect reads its settings at import; ``run`` has made them by now

    paging = {"style": "page", "size": SIZE}
    source = {"kind": "api", "url": url, "paging": paging, "concurrency": CONCURRENCY}
    result = run_here({"dataset": "orders", "sources": [source], "mode": "append", "force": True})
    if (result["status"], result["published"]) != ("completed", expected):
        raise SystemExit(f"wrong load: {json.dumps(result, default=str)}")


def synced(url: str, projects: int, bugs: int) -> None:
    """What is new on GitHub, in the warehouse."""
    from flows.github_sync import GitHubSync, github_sync

    found = github_sync(GitHubSync(owner="acme", api_url=url, requests_at_once=CONCURRENCY))
    if (found["projects"]["published"], found["bugs"]["published"]) != (projects, bugs):
        raise SystemExit(f"wrong sync: {json.dumps(found, default=str)}")


WAYS: dict[str, Callable[[str], None]] = {
    "bare": bare,
    "api": lambda url: loaded(url, ROWS),
    "few": lambda url: loaded(url, FEW),
    "full": lambda url: synced(url, REPOSITORIES, REPOSITORIES * ISSUES),
    "none": lambda url: synced(url, 0, 0),
}


def main() -> None:
    """Measure one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=WAYS)
    parser.add_argument("url")
    asked = parser.parse_args()
    if asked.what != "bare":
        run(file_request(warm_up(), "warmup", "replace"))
    began, used = time.perf_counter(), cpu()
    WAYS[asked.what](asked.url)
    print()
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu_seconds": cpu() - used}))


if __name__ == "__main__":
    main()
