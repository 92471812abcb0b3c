"""The result as Markdown: the table, the goals, the machine, the versions, the server's settings."""

import os
import platform
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import reading, service, web
from benchmarks.cases import Bench, Case
from benchmarks.reading import Reading
from benchmarks.server import Server
from benchmarks.web import Web

HEAD = r"| load | rows | seconds | MB/s | rows/s | x `\copy` | peak memory MB | client CPU s |"
PACKAGES = (
    "duckdb",
    "great-expectations",
    "prefect",
    "pyarrow",
    "psycopg",
    "python-calamine",
    "dlt",
    "adbc-driver-postgresql",
)

GOAL_ROWS = 2_000_000


def table(bench: Bench) -> Iterator[str]:
    """Markdown lines: one for each case, the median of its rounds, the highest of its memory peaks."""
    yield from (HEAD, "| --- " + "| ---: " * 7 + "|")
    for case in bench.cases.values():
        sample = case.middle
        yield (
            f"| {case.label} | {case.rows:,} | {sample.seconds:.2f} | {case.megabytes / sample.seconds:.1f} "
            f"| {case.rows / sample.seconds:,.0f} | {ratio(bench, case)} | {sample.peak_mb:.0f} "
            f"| {sample.cpu_seconds:.1f} |"
        )


def ratio(bench: Bench, case: Case) -> str:
    r"""How many times as fast as ``\copy`` into the like table; empty where that was not measured."""
    baseline = bench.cases.get(case.baseline)
    return f"{baseline.middle.seconds / case.middle.seconds:.2f}" if baseline else ""


def goals(benches: list[Bench]) -> Iterator[str]:
    """Markdown lines: what we promised, what we got, and whether that is enough."""
    main, *larger = benches
    if main.rows < GOAL_ROWS:
        yield f"None: they are set for {GOAL_ROWS:,} rows."
        return
    speed = {key: float(ratio(main, case) or 0) for key, case in main.cases.items()}
    sluice = ("append", "append-full", "upsert-changed", "upsert-same", "replace", "cold")
    peak = max((main.cases[key].middle.peak_mb for key in sluice if key in main.cases), default=0.0)
    if "append" in speed:
        yield _goal(r"append at least as fast as `\copy`", f"{speed['append']:.2f}x", speed["append"] >= 1)
        yield _goal("peak memory under 800 MB", f"{peak:.0f} MB", peak < 800)
    if "upsert-changed" in speed:
        found = speed["upsert-changed"]
        yield _goal(
            r"upsert at least half as fast as `\copy` into an empty table", f"{found:.2f}x", found >= 0.5
        )
    if "small" in main.cases:
        seconds = main.cases["small"].middle.seconds
        yield _goal("a 200-row file under 1 s, warm", f"{seconds:.2f} s", seconds < 1)
    for bench in larger:
        few, many = (b.cases["append"].middle.peak_mb for b in (main, bench))
        text = f"same peak memory (10% more at most) at {main.rows:,} and {bench.rows:,} rows"
        yield _goal(text, f"{few:.0f} and {many:.0f} MB, ratio {many / few:.2f}", many / few <= 1.1)


def _goal(text: str, found: str, met: bool) -> str:
    return f"- {'met' if met else 'MISSED'}: {text}: {found}"


def document(
    server: Server,
    benches: list[Bench],
    read: dict[str, Reading],
    fetched: dict[str, Web],
    served: list[service.Figures],
    rounds: int,
) -> str:
    """The whole page."""
    lines = ["# Benchmark results", ""]
    lines += [
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, from one run. Do not edit.",
        "",
    ]
    for bench in benches:
        times = rounds if bench is benches[0] else 1
        what = f"median of {times} interleaved rounds" if times > 1 else "one round"
        lines += [
            f"## {bench.rows:,} rows x 12 columns, {bench.base.stat().st_size / 1e6:,.0f} MB ({what})",
            "",
        ]
        lines += [*table(bench), ""]
    lines += [
        f"## Reading alone, 12 columns (median of {rounds} interleaved rounds)",
        "",
        *reading.table(read),
        "",
    ]
    if fetched:
        lines += [f"## Web sources (median of {rounds} rounds)", "", *web.table(fetched), ""]
    if served:
        lines += ["## The job service", "", *service.table(served), ""]
    met = (*reading.goals(read), *(web.goals(fetched) if fetched else ()), *service.goals(served))
    lines += ["## Goals", "", *goals(benches), *(_goal(*one) for one in met), ""]
    lines += ["## How it is measured", "", METHOD, ""]
    lines += ["## Where", "", *(f"- {name}: {value}" for name, value in machine(server).items()), ""]
    lines += ["Server settings: " + ", ".join(f"`{n} = {v}`" for n, v in server.settings().items()) + ".", ""]
    return "\n".join(lines)


METHOD = r"""
- Every load is a process of its own, on the same server, one at a time. Seconds are wall time; memory is the
  peak resident set of that process alone (10^6 bytes); CPU is the client's, the server's is not in it.
- Before a load into an empty table the table is dropped and the server checkpoints; before a load into a
  standing table it is vacuumed, analyzed and checkpointed. Every table is logged and ends with its key built.
- A warm Sluice process has its imports and one 100-row load behind it. It types and checks every row
  (contract `benchmarks/contracts/orders.odcs.yaml`), looks for duplicates, and commits rows, ledger and audit
  together. `sluice load` from its start is a new process that finds PostgreSQL and Prefect's server running.
- After each load the table's row count and the sum of one column are compared with the file's. A wrong load
  is a failure of the benchmark.
- `x \copy`: how many times as fast as `\copy` into an empty table; for the append to a standing table, as
  `\copy` into such a table.
- Reading alone: each is a process of its own that has its imports and a 200-row read behind it. DuckDB finds out
  dialect and types by itself; Sluice finds out encoding, dialect and layout, types by the contract, tells rejects from
  records and numbers them. Bare calamine makes Python values of all cells and does nothing with them.
- Web sources: a server of its own process answers each page after 20 ms, from memory; clients ask for three at a time.
  The bare loop reads the bodies and does nothing with them. Sluice ends with its rows in the table, as a load of a
  file. GitHub is the stateful fake of the tests.
- The job service: a platform of its own (PostgreSQL, Prefect, worker, gateway, dispatcher) on the same cores as its
  clients, which are threads of one more process; no request limit, else as it comes. Rows are visible when another
  connection counts them; more or fewer than sent is a failure of the benchmark. A small run is one of the flow
  `maintenance`; it is Running at the time that Prefect notes. The burst has room for as many runs. The stock process
  worker has Prefect's own settings, and a pool and the same server to itself.
""".strip()


def machine(server: Server) -> dict[str, str]:
    """What it ran on, and with which versions."""
    page, pages = (os.sysconf(name) for name in ("SC_PAGE_SIZE", "SC_PHYS_PAGES"))
    return {
        "machine": f"{os.cpu_count()} cores, {page * pages / 1e9:.0f} GB memory, {_cpu_model()}",
        "system": platform.platform(),
        "PostgreSQL": server.version(),
        "Python": sys.version.split()[0],
        **dict(_versions(PACKAGES)),
    }


def _versions(packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    for package in packages:
        yield package, version(package)


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
