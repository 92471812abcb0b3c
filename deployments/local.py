"""A Prefect server that commands share: started by the first one in the background, left running for the next."""

import fcntl
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from pydantic import BaseModel, Field, TypeAdapter

from deployments import api
from deployments.postgres import PlatformPostgres
from deployments.process import last_words
from deployments.settings import PROJECT, PlatformSettings
from deployments.state import PlatformState, Process
from sluice.errors import RetryError, SetupError, SluiceError
from sluice.warehouse.embedded import Embedded, make_home


class Server(BaseModel):
    """A server that commands share."""

    api_url: str = Field(description="Where its API is.")
    port: int = Field(description="Where it listens.")
    process: Process = Field(description="Its process.")
    answered: bool = Field(default=False, description="Whether it has ever answered.")


LOG = "prefect.log"
_SERVERS = TypeAdapter(list[Server])


@contextmanager
def using(home: Path) -> Iterator[None]:
    """Keep the APIs that ``api_url`` names in the block.

    Nobody stops their server, though its platform may end; a shared one that dies is started again, and Prefect's
    client, which tries for a minute, goes on.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1):
            with suppress(SluiceError, OSError):
                _revive(home)

    watcher = threading.Thread(target=watch, name="prefect-server", daemon=True)
    with _flock(home / "prefect-server.users", fcntl.LOCK_SH):
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join(5)


def api_url() -> str:
    """The API of the platform that runs here, else of the shared server, started if need be. Call it in ``using``.

    Returns at once; ``wait`` says when it answers. Raises SetupError.
    """
    settings = PlatformSettings()
    if platform := PlatformState.running(settings.root):
        return platform.api_url
    with _lock(settings.root):
        standing = _standing(settings.root)
        return standing[0].api_url if standing else _start(settings, _any_port(settings.host))


def wait(seconds: float = 120.0) -> str:
    """The URL of an API that answers: a platform may start or stop meanwhile.

    Raises SetupError if a server ends before it has ever answered, else RetryError.
    """
    settings = PlatformSettings()
    deadline = time.monotonic() + seconds
    while True:
        _refuse_stillborn(settings)
        if api.answers(url := api_url()):
            _note_answer(settings.root, url)
            return url
        if time.monotonic() > deadline:
            hint = f"See the logs in {settings.logs}, and try again."
            raise RetryError(f"The Prefect API at {url} did not answer within {seconds:.0f} s.", hint=hint)
        time.sleep(0.1)


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


def hand_over(settings: PlatformSettings, process: Process) -> None:
    """Leave a platform's server to the commands that use it: from now on it is a shared one."""
    server = Server(api_url=settings.api_url, port=settings.port, process=process, answered=True)
    with _lock(settings.root):
        _write(settings.root, [server, *_standing(settings.root)])


def is_shared(home: Path, api_url: str) -> bool:
    """Whether a shared server runs at this address."""
    return api_url in [server.api_url for server in _standing(home)]


def _revive(home: Path) -> None:
    """Start what died without being stopped again, at its old address unless a platform is there now.

    What never answered is left dead: it would only die again.
    """
    platform = PlatformState.running(home)
    for server in _known(home):
        if not server.answered and api.answers(server.api_url):
            _note_answer(home, server.api_url)
    with _lock(home):
        for server in _known(home):
            dead = server.answered and server.process.find() is None
            if dead and not (platform and platform.api_url == server.api_url):
                _start(PlatformSettings(), server.port)


def _refuse_stillborn(settings: PlatformSettings) -> None:
    """Raise SetupError if a server ended without an answer: the next one would, too."""
    if PlatformState.running(settings.root):
        return
    if any(not server.answered and server.process.find() is None for server in _known(settings.root)):
        log = settings.logs / LOG
        raise SetupError(
            f"The Prefect server ended while starting. The whole log is {log}; its end:\n{last_words(log)}"
        )


def _note_answer(home: Path, api_url: str) -> None:
    with _lock(home):
        known = _known(home)
        if news := [server for server in known if server.api_url == api_url and not server.answered]:
            for server in news:
                server.answered = True
            _write(home, known)


def _start(settings: PlatformSettings, port: int) -> str:
    """Its port is never that of the platform, which may start while a command still uses this server."""
    postgres = PlatformPostgres(Embedded(settings.root))
    database = settings.prefect_database_url
    if database is None:
        postgres.start()
    settings = settings.model_copy(update={"port": port})
    environment = settings.environment(database.get_secret_value() if database else postgres.prefect_url)
    command = [sys.executable, "-m", "deployments.server"]  # the environment names host and port
    with (settings.logs / LOG).open("ab") as log:
        child = subprocess.Popen(
            command,
            env=environment,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    server = Server(api_url=settings.api_url, port=port, process=Process.of("server", child.pid))
    _write(settings.root, [server, *_standing(settings.root)])
    return settings.api_url


def _standing(home: Path) -> list[Server]:
    return [server for server in _known(home) if server.process.find()]


def _known(home: Path) -> list[Server]:
    """Those that were started and not stopped."""
    try:
        return _SERVERS.validate_json(_file(home).read_text())
    except (OSError, ValueError):
        return []


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
    make_home(path.parent)
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
