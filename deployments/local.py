"""A Prefect server that commands share: started by the first one in the background, left running for the next."""

import fcntl
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from deployments.postgres import PlatformPostgres
from deployments.settings import PROJECT, PlatformSettings
from deployments.state import PlatformState, Process
from sluice.warehouse.embedded import Embedded


def api_url() -> str:
    """The API of the platform that runs here, else of the shared server, started if need be.

    Returns at once; ``deployments.api.wait_for`` says when it answers. Raises SetupError.
    """
    settings = PlatformSettings()
    if platform := PlatformState.running(settings.root):
        return platform.api_url
    with _lock(settings.root):
        return _standing(settings.root) or _start(settings)


def stop(home: Path) -> bool:
    """Stop the shared server. Returns whether one ran."""
    with _lock(home):
        process = _read(home)
        found = process.find() if process else None
        if found is not None:
            found.terminate()
            try:
                found.wait(10)
            except psutil.TimeoutExpired:
                found.kill()
        _file(home).unlink(missing_ok=True)
    return found is not None


def _start(settings: PlatformSettings) -> str:
    postgres = PlatformPostgres(Embedded(settings.root))
    database = settings.prefect_database_url
    if database is None:
        postgres.start()
    port = settings.port if _free(settings.host, settings.port) else _any_port(settings.host)
    settings = settings.model_copy(update={"port": port})
    environment = settings.environment(database.get_secret_value() if database else postgres.prefect_url)
    settings.logs.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "prefect",
        "server",
        "start",
        "--host",
        settings.host,
        "--port",
        str(port),
    ]
    with (settings.logs / "prefect.log").open("ab") as log:
        child = subprocess.Popen(
            command,
            env=environment,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    record = {"api_url": settings.api_url, "process": Process.of("server", child.pid).model_dump()}
    _file(settings.root).write_text(json.dumps(record))
    return settings.api_url


def _standing(home: Path) -> str | None:
    process = _read(home)
    if process is None or process.find() is None:
        return None
    return str(json.loads(_file(home).read_text())["api_url"])


def _read(home: Path) -> Process | None:
    try:
        return Process.model_validate(json.loads(_file(home).read_text())["process"])
    except (OSError, ValueError, KeyError):
        return None


def _file(home: Path) -> Path:
    return home / "prefect-server.json"


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "prefect-server.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex((host, port)) != 0


def _any_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
