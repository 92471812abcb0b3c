"""Web sources: an API of a million records against a bare loop that only reads its pages, and a sync of GitHub."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import Sample
from benchmarks.server import Server

ROWS, FEW, SIZE, CONCURRENCY = 1_000_000, 200_000, 1_000, 3
REPOSITORIES, ISSUES = 100, 100
LATENCY = 0.02
LABELS = {
    "bare": f"bare httpx loop that reads the pages, {CONCURRENCY} at a time",
    "api": "Sluice append of the same API, warm process",
    "few": f"the same of {FEW:,} records",
    "full": f"GitHub sync of {REPOSITORIES} repositories and {REPOSITORIES * ISSUES:,} issues, full",
    "none": "the same, incremental, nothing new",
}
HEAD = "| web source | records | seconds | x bare loop | peak memory MB | client CPU s |"


@dataclass
class Web:
    """One case, and each round's sample."""

    key: str
    rows: int
    samples: list[Sample] = field(default_factory=list)

    @property
    def middle(self) -> Sample:
        return Sample.median(self.samples)


def measure_web(server: Server, rounds: int, env: dict[str, str], logs: Path) -> dict[str, Web]:
    """Each case ``rounds`` times, in turn."""
    env = {**env, "SLUICE_ALLOWED_ADDRESSES": "127.0.0.1"}
    rows = {
        "bare": ROWS,
        "api": ROWS,
        "few": FEW,
        "full": REPOSITORIES * ISSUES,
        "none": REPOSITORIES * ISSUES,
    }
    found = {key: Web(key, count) for key, count in rows.items()}
    with _serving("orders", logs) as api:
        for _ in range(rounds):
            for key in ("bare", "api", "few"):
                server.forget("data", "orders")
                _measure(found[key], f"{api}/{'few' if key == 'few' else 'orders'}", env, logs)
    for _ in range(rounds):
        with _serving("github", logs) as github:
            server.forget("data", "bugs")
            server.forget("data", "projects")
            server.execute("DELETE FROM sluice.source_states")
            for key in ("full", "none"):
                _measure(found[key], github, env, logs)
    return found


def _measure(one: Web, url: str, env: dict[str, str], logs: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.web_read", one.key, url]
    sample = measure.run(command, logs / f"web-{one.key}.log", env)
    one.samples.append(sample)
    print(
        f"{one.rows:>10,} rows  {sample.seconds:7.2f} s  {sample.peak_mb:5.0f} MB  {LABELS[one.key]}",
        flush=True,
    )


@contextmanager
def _serving(what: str, logs: Path) -> Iterator[str]:
    """A process that serves it; gives its URL."""
    with (logs / f"web-{what}-server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.web_server", what],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert server.stdout
            yield str(json.loads(server.stdout.readline())["url"])
        finally:
            server.kill()
            server.wait()


def table(found: dict[str, Web]) -> Iterator[str]:
    """Markdown lines: one for each case, the median of its rounds."""
    yield from (HEAD, "| --- " + "| ---: " * 5 + "|")
    for one in found.values():
        sample = one.middle
        times = f"{sample.seconds / found['bare'].middle.seconds:.2f}" if one.key in ("bare", "api") else ""
        yield (
            f"| {LABELS[one.key]} | {one.rows:,} | {sample.seconds:.2f} | {times} | {sample.peak_mb:.0f} "
            f"| {sample.cpu_seconds:.1f} |"
        )


def goals(found: dict[str, Web]) -> Iterator[tuple[str, str, bool]]:
    """What we promised, what we got, and whether that is enough."""
    times = found["api"].middle.seconds / found["bare"].middle.seconds
    yield f"an API of {ROWS:,} records within 1.3x of a bare loop", f"{times:.2f}x", times <= 1.3
    few, many = found["few"].middle.peak_mb, found["api"].middle.peak_mb
    text = f"same peak memory (10% more at most) at {FEW:,} and {ROWS:,} records of an API"
    yield text, f"{few:.0f} and {many:.0f} MB, ratio {many / few:.2f}", many / few <= 1.1
    full, none = found["full"].middle.seconds, found["none"].middle.seconds
    yield "a full sync of GitHub under 30 s", f"{full:.1f} s", full < 30
    yield "a sync with nothing new under 3 s", f"{none:.2f} s", none < 3
