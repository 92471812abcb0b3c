"""The Prefect server that commands use: none loses it because a platform starts, stops or can't start."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deployments import local
from deployments.settings import PROJECT
from sluice.warehouse.embedded import Embedded
from tests.conftest import temporary_home
from tests.deployments.conftest import belonging_to, free_port, started, until, up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SLUICE = Path(sys.executable).with_name("sluice")


class Slow(BaseHTTPRequestHandler):
    """Sends a CSV file of two rows, which ends when the test says so."""

    asked = threading.Event()
    go_on = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"name\none at {time.time()}\n".encode())  # never loaded before
        self.asked.set()
        self.go_on.wait(120)
        self.wfile.write(b"two\n")

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One SLUICE_HOME for all: only the first start makes the databases."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture
def slow() -> Iterator[str]:
    """URL of a file that goes on as long as ``Slow.go_on`` is not set."""
    Slow.asked.clear()
    Slow.go_on.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/slow.csv"
    Slow.go_on.set()
    server.shutdown()
    server.server_close()


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "PREFECT_"))}
    return kept | {"SLUICE_HOME": str(home)}


@contextmanager
def loading(home: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    """``sluice load`` in the middle of its work; what it left running is stopped at the end."""
    process = subprocess.Popen(
        [SLUICE, "load", url, "--dataset", "projects"],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert Slow.asked.wait(120), "the load did not begin"
        yield process
    finally:
        Slow.go_on.set()
        process.kill()
        local.stop(home)
        for left in belonging_to(home):
            left.kill()
        Embedded(home).stop()


def ends_well(process: subprocess.Popen[str]) -> bool:
    Slow.go_on.set()
    said, _ = process.communicate(timeout=120)
    return process.returncode == 0 and "slow.csv" in said


def test_a_server_that_dies_at_birth_ends_the_load_with_its_last_words(home: Path) -> None:
    nowhere = "postgresql+asyncpg://nobody@127.0.0.1:1/none"
    done = subprocess.run(
        [SLUICE, "load", "sample-data/projects-template.csv", "--dataset", "projects"],
        cwd=PROJECT,
        env=environment(home) | {"SLUICE_PREFECT_DATABASE_URL": nowhere},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 2
    assert "The Prefect server ended while starting" in done.stderr
    assert "ConnectionRefusedError" in done.stderr
    assert (home / "logs" / local.LOG).read_text().count("Application startup failed") == 1  # one try
    assert belonging_to(home) == []


def test_a_load_keeps_the_shared_server_while_a_platform_comes_and_goes(home: Path, slow: str) -> None:
    with loading(home, slow) as load:
        platform = up(home, free_port(), "--exit-when-ready")
        said, _ = platform.communicate(timeout=120)
        assert platform.returncode == 0, said
        assert "Stopped the Prefect server that commands shared" not in said
        assert ends_well(load)


def test_a_load_keeps_the_platforms_server_until_it_is_done(home: Path, slow: str) -> None:
    port = free_port()
    with started(home, port) as platform, loading(home, slow) as load:
        began = time.monotonic()
        said = platform.stop()
        assert time.monotonic() - began < 20
        assert "The Prefect server stays up for a command that uses it" in said
        refused = up(home, port, "--exit-when-ready")
        said, _ = refused.communicate(timeout=60)
        assert refused.returncode == 2
        assert f"Port {port}" in said
        assert "a command still uses" in said
        assert ends_well(load)
        again = up(home, port, "--exit-when-ready")
        said, _ = again.communicate(timeout=120)
        assert again.returncode == 0, said
        assert "Stopped the Prefect server that commands shared" in said


def test_a_load_survives_the_death_of_the_shared_server(home: Path, slow: str) -> None:
    with loading(home, slow) as load:
        (known,) = json.loads((home / "prefect-server.json").read_text())
        os.kill(known["process"]["pid"], signal.SIGKILL)
        until(lambda: json.loads((home / "prefect-server.json").read_text()) != [known])
        assert ends_well(load)
