"""A real platform: one ``make up`` for all tests, and the means to start others."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import pytest

from deployments.settings import PROJECT
from deployments.state import PlatformState
from gateway.settings import GatewaySettings
from sluice.security.tokens import Caller, Role, mint
from sluice.warehouse.embedded import Embedded
from tests.conftest import temporary_home

T = TypeVar("T")
START_SECONDS = 150
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass
class Running:
    """A platform under test."""

    home: Path
    port: int
    process: subprocess.Popen[str]

    @property
    def api(self) -> httpx.Client:
        """A client of its Prefect API."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api", trust_env=False, timeout=30)

    def get(self, path: str) -> Any:
        return self._json("GET", path)

    def post(self, path: str, **body: Any) -> Any:
        return self._json("POST", path, body)

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        with self.api as client:
            reply = client.request(method, path, json=body)
        reply.raise_for_status()
        return reply.json()

    def deployment(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/deployments/name/standard-ingestion/{name}")
        return found

    def start_run(self, name: str, **parameters: Any) -> str:
        run = self.post(f"/deployments/{self.deployment(name)['id']}/create_flow_run", parameters=parameters)
        return str(run["id"])

    def runs_of(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post("/flow_runs/filter", deployments={"name": {"any_": [name]}})
        return found

    def run_in(self, run: str, states: set[str], seconds: float = 120) -> dict[str, Any]:
        """The run, as soon as it is in one of these states."""

        return until_one_of(lambda: self.get(f"/flow_runs/{run}"), "state_type", states, seconds)

    @property
    def state(self) -> PlatformState:
        found = PlatformState.read(self.home)
        assert found, f"the platform has ended: {self.process.communicate()[0]}"
        return found

    def pid_of(self, name: str) -> int:
        return next(item.pid for item in self.state.processes if item.name == name)

    def client(self, organization_id: int = 1, role: Role = Role.admin) -> httpx.Client:
        """A client of its gateway."""
        token = mint(GatewaySettings(home=self.home), Caller(7, organization_id, role), 3600)
        return httpx.Client(
            base_url=self.state.gateway_url,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=30,
        )

    def stop(self, seconds: float = 30) -> str:
        """Ask it to stop; returns the rest of what it said."""
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=seconds)
        return said


def until(found: Callable[[], T | None], seconds: float = 60) -> T:
    """The first result that is not empty."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing after {seconds} s")
        time.sleep(0.2)
    return result


def until_one_of(
    look: Callable[[], dict[str, Any]], name: str, values: set[str], seconds: float
) -> dict[str, Any]:
    """What is seen, as soon as its ``name`` has one of these values. Raises TimeoutError with what was seen last."""
    seen: dict[str, Any] = {}

    def there() -> bool:
        nonlocal seen
        seen = look()
        return seen[name] in values

    try:
        until(there, seconds)
    except TimeoutError as late:
        raise TimeoutError(f"{late}: it is {seen}") from None
    return seen


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def up(home: Path, port: int, *options: str, **more: str) -> subprocess.Popen[str]:
    """``make up`` as a process, its output in a pipe. ``more``: further variables of its environment."""
    foreign = ("PREFECT_", "SLUICE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "deployments.up", *options],
        cwd=PROJECT,
        env=environment
        | {"SLUICE_HOME": str(home), "SLUICE_PORT": str(port), "SLUICE_GATEWAY_PORT": str(free_port())}
        | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def started(home: Path, port: int | None = None, **more: str) -> Iterator[Running]:
    """A platform that is ready; stopped at the end, with whatever it left."""
    port = port or free_port()
    running = Running(home, port, up(home, port, **more))
    assert running.process.stdout
    limit = threading.Timer(START_SECONDS, running.process.kill)  # ends the lines below
    limit.start()
    try:
        said = []
        for line in running.process.stdout:
            said.append(line)
            if "stops it" in line:
                break
        else:
            pytest.fail(f"the platform did not start within {START_SECONDS} s:\n" + "".join(said))
        limit.cancel()
        yield running
    finally:
        limit.cancel()
        with suppress(ProcessLookupError):
            running.process.terminate()
        with suppress(ValueError, subprocess.TimeoutExpired):
            running.process.communicate(timeout=60)
        for process in belonging_to(home):
            process.kill()
        Embedded(home).stop()


def belonging_to(home: Path) -> list[psutil.Process]:
    """The live processes of the platform under this folder; not PostgreSQL's."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            mine = process.environ().get("SLUICE_HOME") == str(home)
            if mine and process.name() != "postgres" and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.fixture
def home() -> Iterator[Path]:
    """A SLUICE_HOME of the test's own."""
    with temporary_home() as folder:
        yield folder


class Drip(BaseHTTPRequestHandler):
    """Sends a CSV file that never ends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(b"name\n")
            while True:
                self.wfile.write(b"x\n")
                time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture
def endless() -> Iterator[dict[str, Any]]:
    """A request whose run goes on until somebody ends it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Drip)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/endless.csv"
    yield {"dataset": "projects", "sources": [{"kind": "http", "url": url}]}
    server.shutdown()
    server.server_close()
