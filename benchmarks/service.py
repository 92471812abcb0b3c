"""The job service under load: a platform of its own, clients in a process of their own, what each thing took."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, TypeVar

import httpx
import psycopg

from benchmarks import generate
from benchmarks.measure import BenchmarkFailed
from deployments import api
from deployments.settings import POOL, PROJECT, PlatformSettings
from sluice.security.tokens import Caller, Role, mint
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded

T = TypeVar("T")
HEAD = "| what | times | p50 | p95 | p99 | slowest | load of the machine |"
CLIENTS, ROWS, MANY, BURST = 8, 1_000, 100, 20
REQUESTS, PAUSE, FILES, RUNS, STOCK_RUNS = 100, 0.1, 20, 20, 5
FIRST_ID = 300_000_000  # of the files' orders: each file has others
STOCK = "stock"
SMALL = "maintenance/maintenance-nightly"  # the deployment whose like is started
PORTS = (4390, 8390)
PATIENCE = 300.0  # seconds for the start of a platform, and for the slowest case


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds that each try took. ``goals``: the most there may be, by ``p50``, ``p95``, ``p99`` or ``last``."""

    label: str
    seconds: list[float]
    goals: dict[str, float]
    load: float

    def at(self, name: str) -> float:
        """What this share of the tries kept to; ``last``: what all did."""
        if name == "last" or len(self.seconds) < 2:
            return max(self.seconds)
        return quantiles(self.seconds, n=100, method="inclusive")[int(name[1:]) - 1]

    @property
    def line(self) -> str:
        """A line of the table."""
        times = " | ".join(_text(self.at(name)) for name in ("p50", "p95", "p99", "last"))
        return f"| {self.label} | {len(self.seconds)} | {times} | {self.load:.1f} |"


class Service:
    """A platform that is up; each method measures one thing and adds its figures to ``found``."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        self._token = mint(settings, Caller(1, 1, Role.admin), 3600)
        self._url = Warehouse.from_settings(settings).url
        self._prefect = httpx.Client(base_url=settings.api_url, trust_env=False, timeout=60)
        self._files = 0
        self.found: list[Figures] = []

    def requests(self, what: str, pause: float, **goals: float) -> None:
        """What the clients wait for, each asking again ``pause`` seconds after its answer."""
        self._ask(what, count=10)  # connections, and code that runs for the first time
        how = f"each every {pause * 1000:.0f} ms" if pause else "without a pause"
        label = f"`{what}`, {CLIENTS} clients, {how}"
        self._note(label, self._ask(what, count=REQUESTS, pause=pause), goals)

    def files(self, count: int, **goals: float) -> None:
        """From the POST of a file until its rows are there, one file after another."""
        self._load(1)
        found = [self._load(1) for _ in range(count)]
        self._note(f"a {ROWS:,}-row CSV, `POST` to rows visible, one at a time", found, goals)

    def many_files(self, count: int, **goals: float) -> None:
        """From the first POST until the rows of all are there, sent by all clients at once."""
        label = f"{count} such files at once, all done, {self._settings.concurrency} at a time"
        self._note(label, [self._load(count)], goals)

    def runs(self, label: str, deployment_id: str, count: int, **goals: float) -> None:
        """From ``create_flow_run`` to Running, one run after another."""
        self._start(deployment_id, 1)
        found = [self._start(deployment_id, 1)[0] for _ in range(count)]
        self._note(f"{label}: `create_flow_run` to Running", found, goals)

    def burst(self, label: str, deployment_id: str, count: int, **goals: float) -> None:
        """From the first ``create_flow_run`` to Running of each, all made at once."""
        self._note(f"{label}: {count} runs made at once", self._start(deployment_id, count), goals)

    def deployment(self, pool: str, name: str) -> str:
        """The id of a deployment of the small flow in this pool, without a limit of its own."""
        like = self._prefect_says("GET", f"/deployments/name/{SMALL}")
        kept = {key: like[key] for key in ("flow_id", "entrypoint", "path", "parameter_openapi_schema")}
        made = self._prefect_says("POST", "/deployments/", kept | {"name": name, "work_pool_name": pool})
        return str(made["id"])

    @contextmanager
    def stock(self) -> Iterator[str]:
        """A pool with Prefect's own process worker, as it comes."""
        self._prefect_says("POST", "/work_pools/", {"name": STOCK, "type": "process"})
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", STOCK, "--name", STOCK]
        environment = self._settings.environment("") | {"PREFECT_WORKER_QUERY_SECONDS": "10"}
        worker = subprocess.Popen(
            command, env=environment, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _until(lambda: api.worker_online(self._settings.api_url, STOCK, STOCK), 0.5)
            yield STOCK
        finally:
            worker.terminate()
            with suppress(subprocess.TimeoutExpired):  # it waits for all its runs, if there are any left
                worker.wait(60)
            worker.kill()
            worker.wait()

    def _ask(self, what: str, count: int, pause: float = 0.0) -> list[float]:
        with self._clients(what, "--count", str(count), "--pause", str(pause)) as clients:
            return [seconds for _, seconds in _said(clients)]

    def _load(self, count: int) -> float:
        """Seconds until all rows of ``count`` new files are there, and no more than those."""
        files, before = [self._new_file() for _ in range(count)], self._rows()
        with self._clients("csv", "--clients", str(min(count, CLIENTS)), files=files) as clients:
            _until(lambda: self._rows() >= before + count * ROWS, 0.02 if count == 1 else 0.2)
            ended = time.time()
            began = min(moment for moment, _ in _said(clients))
        if (came := self._rows() - before) != count * ROWS:
            raise BenchmarkFailed(f"{came:,} rows came of {count} files of {ROWS:,}")
        return ended - began

    @contextmanager
    def _clients(
        self, what: str, *options: str, files: Sequence[Path] = ()
    ) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "benchmarks.clients", what, self._settings.gateway_address, *options]
        with subprocess.Popen(
            command, cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as clients:
            assert clients.stdin
            clients.stdin.write("\n".join([self._token, *map(str, files)]))
            clients.stdin.close()
            try:
                yield clients
            finally:
                clients.kill()

    def _new_file(self) -> Path:
        self._files += 1
        return generate.orders(ROWS, FIRST_ID + self._files * ROWS, directory=generate.DATA / "service")

    def _rows(self) -> int:
        with psycopg.connect(self._url) as line:
            there = line.execute("SELECT to_regclass('data.orders')").fetchone()
            found = (
                line.execute("SELECT count(*) FROM data.orders").fetchone() if there and there[0] else None
            )
        return int(found[0]) if found else 0

    def _start(self, deployment_id: str, count: int) -> list[float]:
        """Seconds from now to Running of each of ``count`` new runs; returns when all have ended."""
        began = time.time()
        path = f"/deployments/{deployment_id}/create_flow_run"
        with ThreadPoolExecutor(min(count, CLIENTS)) as pool:
            ids = [
                one["id"] for one in pool.map(lambda _: self._prefect_says("POST", path, {}), range(count))
            ]
        asked = {"flow_runs": {"id": {"any_": ids}}}

        def ended() -> list[dict[str, Any]]:
            found = self._prefect_says("POST", "/flow_runs/filter", asked)
            if {one["state_type"] for one in found} & {"FAILED", "CRASHED", "CANCELLED"}:
                raise BenchmarkFailed(f"A run did not complete: {[one['state'] for one in found]}")
            return found if all(one["state_type"] == "COMPLETED" for one in found) else []

        return [datetime.fromisoformat(one["start_time"]).timestamp() - began for one in _until(ended, 0.5)]

    def _prefect_says(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._prefect.request(method, path, json=body).raise_for_status().json()

    def _note(self, label: str, seconds: list[float], goals: dict[str, float]) -> None:
        self.found.append(Figures(label, seconds, goals, os.getloadavg()[0]))
        print(self.found[-1].line, flush=True)


def _said(clients: subprocess.Popen[str]) -> list[tuple[float, float]]:
    assert clients.stdout
    said = clients.stdout.read()
    if clients.wait(PATIENCE):
        raise BenchmarkFailed("The clients failed: see above.")
    return [(moment, seconds) for moment, seconds in json.loads(said)]


def _until(found: Callable[[], T], pause: float) -> T:
    """The first result that is not empty. Raises BenchmarkFailed after ``PATIENCE`` seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (result := found()):
        if time.monotonic() > deadline:
            raise BenchmarkFailed(f"Nothing after {PATIENCE:.0f} s.")
        time.sleep(pause)
    return result


@contextmanager
def platform(home: Path, env: dict[str, str], **more: str) -> Iterator[Service]:
    """A new platform under ``home``, stopped and removed at the end. ``more``: settings by their variables."""
    shutil.rmtree(home, ignore_errors=True)
    port, gateway_port = PORTS
    own = {"SLUICE_HOME": str(home), "SLUICE_PORT": str(port), "SLUICE_GATEWAY_PORT": str(gateway_port)}
    own |= {"SLUICE_CONTRACTS": env["SLUICE_CONTRACTS"], "SLUICE_REQUESTS_A_MINUTE": "0", **more}
    home.mkdir(parents=True)
    with (home / "up.log").open("wb") as log, changed(own):
        up = subprocess.Popen([sys.executable, "-m", "deployments.up"], cwd=PROJECT, stdout=log, stderr=log)
        try:
            _until(lambda: b"stops it" in (home / "up.log").read_bytes() or up.poll() is not None, 0.5)
            if up.poll() is not None:
                raise BenchmarkFailed(f"The platform did not start:\n{(home / 'up.log').read_text()}")
            yield Service(PlatformSettings())
        finally:
            up.terminate()
            up.wait(120)
            Embedded(home).stop()


@contextmanager
def changed(variables: dict[str, str]) -> Iterator[None]:
    """These variables in the environment, for the block."""
    before = dict(os.environ)
    os.environ.update(variables)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


def measure_service(env: dict[str, str]) -> list[Figures]:
    """Everything, on two platforms: one as it comes, one with room for a burst."""
    with platform(generate.DATA / "service-home", env) as service:
        for pause in (0.0, PAUSE):
            service.requests("init", pause, p50=0.010, p99=0.040)
            service.requests("status", pause, p50=0.005, p99=0.020)
        service.files(FILES, p50=1.5, p95=3)
        service.many_files(MANY, last=60)
        service.runs("a small run", service.deployment(POOL, "small"), RUNS, p50=0.7, p95=1.5)
        found = service.found
    with platform(generate.DATA / "service-home", env, SLUICE_CONCURRENCY=str(BURST)) as service:
        service.burst("a small run", service.deployment(POOL, "small"), BURST, last=8)
        with service.stock() as pool:
            small = service.deployment(pool, "small-stock")
            service.runs("a small run, stock process worker", small, STOCK_RUNS)
            service.burst("a small run, stock process worker", small, BURST)
    return found + service.found


def table(found: list[Figures]) -> Iterator[str]:
    """Markdown lines."""
    yield from (HEAD, "| --- " + "| ---: " * 6 + "|")
    for one in found:
        yield one.line


def goals(found: list[Figures]) -> Iterator[tuple[str, str, bool]]:
    """What we promised, what we got, and whether that is enough."""
    for one in found:
        for name, most in one.goals.items():
            got = one.at(name)
            yield f"{one.label}: {name} under {_text(most)}", _text(got), got < most


def _text(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.2 else f"{seconds:.2f} s"


if __name__ == "__main__":
    for each in goals(measure_service({"SLUICE_CONTRACTS": str(Path(__file__).parent / "contracts")})):
        print(each)
