"""The things measured, in the order in which one round runs them."""

import os
import shutil
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import generate, measure
from benchmarks.measure import BenchmarkFailed, Sample
from benchmarks.server import COPY_TABLE, Server
from sluice.warehouse.embedded import programs_folder

HERE = Path(__file__).parent
SLUICE_TABLE = ("data", "orders")
SMALL_ROWS, SMALL_FILES = 200, 10

LABELS = {
    "copy": r"`psql \copy` into an empty table with its key",
    "append": "Sluice append, warm process",
    "cold": "Sluice append, `sluice load` from its start",
    "dlt": "dlt append (Parquet + ADBC, 2 workers), validates nothing",
    "copy-full": r"`psql \copy` into a table of as many rows",
    "append-full": "Sluice append into a table of as many rows",
    "upsert-changed": "Sluice upsert, table of as many rows, every row changed",
    "upsert-same": "Sluice upsert, table of as many rows, no row changed",
    "replace": "Sluice replace of a table of as many rows",
    "small": f"Sluice append of a {SMALL_ROWS}-row file, warm process (median of {SMALL_FILES})",
}
BASELINES = {"copy-full": "copy-full", "append-full": "copy-full", "small": ""}


@dataclass
class Case:
    """One line of the result: what, how much of it, and each round's sample."""

    key: str
    rows: int
    megabytes: float
    samples: list[Sample] = field(default_factory=list)

    @property
    def label(self) -> str:
        return LABELS[self.key]

    @property
    def baseline(self) -> str:
        """The key of the case that counts as 1.00 here; empty where none does."""
        return BASELINES.get(self.key, "copy")

    @property
    def middle(self) -> Sample:
        return Sample.median(self.samples)


class Bench:
    """All cases over one size of input. ``home``: the state folder that Sluice's processes use."""

    def __init__(self, server: Server, rows: int, env: dict[str, str], logs: Path) -> None:
        self.server, self.rows, self.env, self.logs = server, rows, env, logs
        self.base = generate.orders(rows)
        self.cases: dict[str, Case] = {}
        self._totals: dict[Path, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def copy(self) -> None:
        r"""``\copy`` into an empty table: the measure of all others."""
        self.server.forget("bench", "orders")
        self.server.execute("CREATE SCHEMA IF NOT EXISTS bench", COPY_TABLE)
        self._psql("copy", self.base)
        self._check("bench", "orders", self.base)

    def copy_full(self) -> None:
        r"""``\copy`` of the next ids into the table that ``copy`` left."""
        following = generate.orders(self.rows, start=self.rows)
        self.server.settle("bench", "orders")
        self._psql("copy-full", following)
        self._check("bench", "orders", self.base, following)
        self.server.forget("bench", "orders")

    def append(self) -> None:
        """Sluice into a table that does not exist yet."""
        self.server.forget(*SLUICE_TABLE)
        self._sluice("append", "append", self.base)
        self._check(*SLUICE_TABLE, self.base)

    def standing(self) -> None:
        """Upsert, replace and append on the table that ``append`` left."""
        changed, following = generate.orders(self.rows, change=1), generate.orders(self.rows, start=self.rows)
        for key, mode, path, expected in (
            ("upsert-same", "upsert", self.base, [self.base]),
            ("upsert-changed", "upsert", changed, [changed]),
            ("replace", "replace", self.base, [self.base]),
            ("append-full", "append", following, [self.base, following]),
        ):
            self.server.settle(*SLUICE_TABLE)
            self._sluice(key, mode, path)
            self._check(*SLUICE_TABLE, *expected)

    def cold(self) -> None:
        """``sluice load`` as a user types it, start of the process included."""
        self.server.forget(*SLUICE_TABLE)
        sluice = shutil.which("sluice", path=str(Path(sys.executable).parent)) or "sluice"
        command = [
            sluice,
            "load",
            str(self.base),
            "--dataset",
            "orders",
            "--mode",
            "append",
            "--force",
            "--json",
        ]
        self._measure("cold", self.base, self.rows, command)
        self._check(*SLUICE_TABLE, self.base)

    def small(self) -> None:
        """Ten files of 200 rows, one after another in one process, into the table that stands."""
        paths = [generate.orders(SMALL_ROWS, start=10**8 + SMALL_ROWS * n) for n in range(SMALL_FILES)]
        self.server.forget(*SLUICE_TABLE)
        self._sluice("small", "append", *paths, rows=SMALL_ROWS)
        self._check(*SLUICE_TABLE, *paths)

    def dlt(self) -> None:
        """dlt's fastest way, into a table with a unique id."""
        drop = "DROP SCHEMA IF EXISTS bench_dlt CASCADE"
        self.server.execute(drop, "CHECKPOINT")
        command = [sys.executable, "-m", "benchmarks.dlt_load", self.server.url, "bench_dlt", str(self.base)]
        self._measure("dlt", self.base, self.rows, command)
        self._check("bench_dlt", "orders", self.base)
        self.server.execute(drop)

    def _psql(self, key: str, path: Path) -> None:
        copy = f"\\copy bench.orders from '{path}' with (format csv, header)"
        command = [
            str(programs_folder() / "psql"),
            self.server.url,
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            copy,
        ]
        self._measure(key, path, self.rows, command)

    def _sluice(self, key: str, mode: str, *paths: Path, rows: int = 0) -> None:
        rows = rows or self.rows
        command = [
            sys.executable,
            "-m",
            "benchmarks.one",
            "--mode",
            mode,
            "--rows",
            str(rows),
            *map(str, paths),
        ]
        self._measure(key, paths[0], rows, command)

    def _measure(self, key: str, path: Path, rows: int, command: list[str]) -> None:
        case = self.cases.setdefault(key, Case(key, rows, path.stat().st_size / 1e6))
        sample = measure.run(command, self.logs / f"{key}.log", self.env)
        case.samples.append(sample)
        print(
            f"{rows:>10,} rows  {sample.seconds:7.2f} s  {sample.peak_mb:5.0f} MB  {case.label}", flush=True
        )

    def _check(self, schema: str, table: str, *files: Path) -> None:
        """Raises BenchmarkFailed unless the table holds exactly these files' rows and quantities."""
        for path in files:
            self._totals.setdefault(path, generate.totals(path))
        expected = tuple(map(sum, zip(*(self._totals[path] for path in files), strict=True)))
        if (found := self.server.count(schema, table)) != expected:
            raise BenchmarkFailed(f"{schema}.{table} holds {found} (rows, quantity), not {expected}")


def environment(home: Path) -> dict[str, str]:
    """The variables that Sluice's processes get: own state folder, the benchmark's contracts, quiet logs."""
    return {
        "SLUICE_HOME": str(home),
        "PREFECT_HOME": str(home / "prefect"),
        "SLUICE_CONTRACTS": str(HERE / "contracts"),
        "PREFECT_LOGGING_LEVEL": os.environ.get("PREFECT_LOGGING_LEVEL", "WARNING"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "GX_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
