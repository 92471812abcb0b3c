"""Processes of the platform that die, and a platform that is asked to stop in the middle of a run."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from deployments import api
from deployments.settings import POOL, WORKER
from sluice.warehouse.embedded import Embedded
from tests.conftest import temporary_home
from tests.deployments.conftest import Running, belonging_to, free_port, started, until, up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One SLUICE_HOME for all: only the first start makes the databases."""
    with temporary_home() as folder:
        yield folder


def job_states(home: Path) -> list[Any]:
    """Of the jobs that load what never ends; a schedule may have made others."""
    server = Embedded(home)
    server.ensure()
    query = "SELECT status FROM sluice.ingestion_jobs WHERE details #>> '{request,sources,0,kind}' = 'http'"
    with psycopg.connect(server.url()) as connection:
        return [row[0] for row in connection.execute(query).fetchall()]


def run_states(home: Path) -> list[Any]:
    with psycopg.connect(Embedded(home).url("prefect")) as connection:
        query = "SELECT state_type::text FROM flow_run WHERE NOT auto_scheduled"
        return [row[0] for row in connection.execute(query).fetchall()]


def test_a_stop_ends_everything_within_seconds_and_reports_the_run_as_crashed(
    home: Path, endless: dict[str, Any]
) -> None:
    with started(home) as platform:
        run = platform.start_run("standard-manual", request=endless)
        platform.run_in(run, {"RUNNING"})
        until(lambda: job_states(home) == ["processing"])
        began = time.monotonic()
        said = platform.stop()
        assert time.monotonic() - began < 20
        assert platform.process.returncode == 0
        assert "Stopped." in said
        assert belonging_to(home) == []
        assert not (home / "platform.json").exists()
        assert not Embedded(home).status().running
        assert job_states(home) == ["failed"]
        assert run_states(home) == ["CRASHED"]


def test_the_next_start_ends_what_a_killed_platform_left_behind(home: Path) -> None:
    port = free_port()
    with started(home, port) as platform:
        left = belonging_to(home)
        platform.process.kill()
        platform.process.wait(10)
        assert [process for process in left if process.is_running() and process.pid != platform.process.pid]
        again = up(home, port, "--exit-when-ready")
        said, _ = again.communicate(timeout=120)
        assert again.returncode == 0, said
        assert "Ended the server that a killed platform left behind" in said
        assert "Sluice is up" in said
        assert belonging_to(home) == []


def test_a_dead_server_is_started_again(platform: Running) -> None:
    server = platform.pid_of("server")
    os.kill(server, signal.SIGKILL)
    until(lambda: platform.pid_of("server") != server)
    until(lambda: api.worker_online(f"http://127.0.0.1:{platform.port}/api", POOL, WORKER))


def test_postgres_that_is_killed_as_it_starts_is_started_again(platform: Running) -> None:
    server, seen = Embedded(platform.home), set()
    ending = time.monotonic() + 8
    while time.monotonic() < ending:
        if (pid := server.status().pid) and pid not in seen:
            os.kill(pid, signal.SIGKILL)
            seen.add(pid)
        time.sleep(0.01)
    assert len(seen) > 2
    until(lambda: platform.process.poll() is not None or server.status().running)
    assert platform.process.poll() is None, platform.process.communicate()[0]
    until(lambda: api.gateway_ready(platform.state.gateway_url))


def test_a_server_that_cannot_start_ends_the_platform_with_its_last_words(
    home: Path,
) -> None:
    nowhere = "postgresql+asyncpg://nobody@127.0.0.1:1/none"
    process = up(home, free_port(), "--exit-when-ready", SLUICE_PREFECT_DATABASE_URL=nowhere)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "The server ended with code" in said
    assert "server.log" in said
    assert belonging_to(home) == []


def test_a_killed_worker_is_replaced_and_its_silent_run_ends_as_crashed(
    platform: Running, endless: dict[str, Any]
) -> None:
    run = platform.start_run("standard-manual", request=endless)
    platform.run_in(run, {"RUNNING"})
    until(lambda: "processing" in job_states(platform.home))
    worker = psutil.Process(platform.pid_of("worker"))
    for process in [worker, *worker.children(recursive=True)]:
        process.kill()
    until(lambda: platform.pid_of("worker") != worker.pid)
    until(lambda: "processing" not in job_states(platform.home))
    ended = platform.run_in(run, {"CRASHED"}, seconds=60)
    assert "died without a word" in ended["state"]["message"]
