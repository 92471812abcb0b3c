"""A Prefect server that commands share: started by the first one in the background, left running for the next."""

import fcntl
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from pydantic import BaseModel, Field, TypeAdapter

from deployments import api
from deployments.postgres import PlatformPostgres
from deployments.settings import PROJECT, PlatformSettings
from deployments.state import PlatformState, Process
from sluice.errors import RetryError
from sluice.warehouse.embedded import Embedded


class Server(BaseModel):
    """A server that commands share."""

    api_url: str = Field(description="Where its API is.")
    process: Process = Field(description="Its process.")


_SERVERS = TypeAdapter(list[Server])


@contextmanager
def using(home: Path) -> Iterator[None]:
    """Keep the API that ``api_url`` names in the block: nobody stops its server, though its platform may end."""
    with _flock(home / "prefect-server.users", fcntl.LOCK_SH):
        yield


def api_url() -> str:
    """The API of the platform that runs here, else of the shared server, started if need be. Call it in ``using``.

    Returns at once; ``wait`` says when it answers. Raises SetupError.
    """
    settings = PlatformSettings()
    if platform := PlatformState.running(settings.root):
        return platform.api_url
    with _lock(settings.root):
        standing = _standing(settings.root)
        return standing[0].api_url if standing else _start(settings)


def wait(seconds: float = 120.0) -> str:
    """The URL of an API that answers: a platform may start or stop meanwhile. Raises RetryError."""
    deadline = time.monotonic() + seconds
    while not api.answers(url := api_url()):
        if time.monotonic() > deadline:
            hint = f"See the logs in {PlatformSettings().logs}, and try again."
            raise RetryError(f"The Prefect API at {url} did not answer within {seconds:.0f} s.", hint=hint)
        time.sleep(0.1)
    return url


def stop(home: Path) -> bool:
    """Stop what is shared. Returns whether a server ran."""
    with _lock(home):
        found = [process for server in _standing(home) if (process := server.process.find())]
        for process in found:
            process.terminate()
        for process in psutil.wait_procs(found, timeout=10)[1]:
            process.kill()
        _file(home).unlink(missing_ok=True)
    return bool(found)


@contextmanager
def unused(home: Path) -> Iterator[bool]:
    """Whether no command uses an API; then none begins to before the block is over."""
    with _flock(home / "prefect-server.users", fcntl.LOCK_EX | fcntl.LOCK_NB) as got:
        yield got


def hand_over(home: Path, api_url: str, process: Process) -> None:
    """Leave a platform's server to the commands that use it: from now on it is a shared one."""
    with _lock(home):
        _write(home, [Server(api_url=api_url, process=process), *_standing(home)])


def is_shared(home: Path, api_url: str) -> bool:
    """Whether a shared server runs at this address."""
    return api_url in [server.api_url for server in _standing(home)]


def _start(settings: PlatformSettings) -> str:
    postgres = PlatformPostgres(Embedded(settings.root))
    database = settings.prefect_database_url
    if database is None:
        postgres.start()
    # Its port is never that of the platform, which may start while a command still uses this server.
    port = _any_port(settings.host)
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
    _write(settings.root, [Server(api_url=settings.api_url, process=Process.of("server", child.pid))])
    return settings.api_url


def _standing(home: Path) -> list[Server]:
    try:
        known = _SERVERS.validate_json(_file(home).read_text())
    except (OSError, ValueError):
        return []
    return [server for server in known if server.process.find()]


def _write(home: Path, servers: list[Server]) -> None:
    _file(home).write_bytes(_SERVERS.dump_json(servers))


def _file(home: Path) -> Path:
    return home / "prefect-server.json"


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    with _flock(home / "prefect-server.lock", fcntl.LOCK_EX):
        yield


@contextmanager
def _flock(path: Path, how: int) -> Iterator[bool]:
    """Yields whether the lock was got; it always is unless ``how`` says not to wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, how)
        except BlockingIOError:
            yield False
        else:
            yield True


def _any_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
