"""``make bench``: everything in one sitting, one table, written to ``benchmarks/RESULTS.md``."""

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import report
from benchmarks.cases import HERE, Bench, environment
from benchmarks.generate import DATA, warm_up
from benchmarks.reading import measure_reading
from benchmarks.server import Server
from benchmarks.service import Figures, measure_service
from benchmarks.web import Web, measure_web
from deployments import local
from sluice.warehouse.embedded import Embedded

LARGE_ROWS = 10_000_000


@contextmanager
def own_server(home: Path) -> Iterator[Server]:
    """A new warehouse in ``home``, stopped at the end; or that of ``SLUICE_DATABASE_URL``."""
    if given := os.environ.get("SLUICE_DATABASE_URL"):
        yield Server(given)
        return
    embedded = Embedded(home)
    _stop(embedded)
    shutil.rmtree(home, ignore_errors=True)
    embedded.ensure()
    try:
        yield Server(embedded.url())
    finally:
        _stop(embedded)


def _stop(embedded: Embedded) -> None:
    local.stop(embedded.home)
    embedded.stop()


def measure_all(bench: Bench, rounds: int, skip: set[str]) -> Bench:
    r"""Run every case ``rounds`` times, ``\copy`` and Sluice and dlt in turn."""
    for _ in range(rounds):
        bench.copy()
        bench.copy_full()
        if "sluice" not in skip:
            bench.append()
            bench.standing()
            bench.cold()
        if "dlt" not in skip:
            bench.dlt()
    if "sluice" not in skip:
        bench.small()
    return bench


def measure_large(bench: Bench) -> Bench:
    r"""``\copy`` and Sluice append, once: what matters here is memory."""
    bench.copy()
    bench.server.forget("bench", "orders")
    bench.append()
    return bench


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--large", action="store_true", help=f"{LARGE_ROWS:,} rows as well (needs 10 GB of disk)"
    )
    parser.add_argument("--skip-dlt", action="append_const", dest="skip", const="dlt")
    parser.add_argument("--skip-sluice", action="append_const", dest="skip", const="sluice")
    parser.add_argument("--skip-service", action="append_const", dest="skip", const="service")
    parser.add_argument("--skip-web", action="append_const", dest="skip", const="web")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    args = parser.parse_args()
    logs = DATA / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    env = environment(DATA / "home")
    warm_up()
    with own_server(DATA / "home") as server:
        benches = [measure_all(Bench(server, args.rows, env, logs), args.rounds, set(args.skip or ()))]
        if args.large and "sluice" not in (args.skip or ()):
            benches.append(measure_large(Bench(server, LARGE_ROWS, env, logs)))
        read = measure_reading(args.rows, args.rounds, env, logs)
        web: dict[str, Web] = {}
        if not {"sluice", "web"} & set(args.skip or ()):
            web = measure_web(server, args.rounds, env, logs)
        served: list[Figures] = []
        if not {"sluice", "service"} & set(args.skip or ()):
            served = measure_service(env)
        page = report.document(server, benches, read, web, served, args.rounds)
    args.out.write_text(page)
    print(f"\n{page}")


if __name__ == "__main__":
    main()
