"""What is known of the running platform: the lock of the one ``make up``, and ``platform.json`` beside it."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel, Field

from sluice.errors import SetupError
from sluice.warehouse.embedded import make_home


class Process(BaseModel):
    """A process by id and birth: an id alone may come to belong to somebody else."""

    name: str = Field(description="What it is: platform, server or worker.")
    pid: int = Field(description="Process id.")
    born: float = Field(description="When the system says that it started.")

    @classmethod
    def of(cls, name: str, pid: int) -> Self:
        """The process with this id as it is now. Raises psutil.NoSuchProcess."""
        return cls(name=name, pid=pid, born=psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """The live process; None if it is gone."""
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.born) < 1 and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None


class PlatformState(BaseModel):
    """The contents of ``platform.json``."""

    api_url: str = Field(description="Prefect API of the running platform.")
    ui_url: str = Field(description="Prefect UI of the running platform.")
    gateway_url: str = Field(default="", description="Where the gateway is.")
    started: datetime = Field(description="When the platform was ready.")
    processes: list[Process] = Field(description="The platform itself first, then its children.")

    @classmethod
    def read(cls, home: Path) -> Self | None:
        """The state written last under ``home``; None without one. It may be that of a killed platform."""
        try:
            return cls.model_validate_json((home / "platform.json").read_text())
        except (OSError, ValueError):
            return None

    @classmethod
    def running(cls, home: Path) -> Self | None:
        """The state of a platform that runs now; None if there is none."""
        state = cls.read(home)
        return state if state and state.processes and state.processes[0].find() else None

    def write(self, home: Path) -> None:
        """Replace ``platform.json`` in one step."""
        draft = home / "platform.json.new"
        draft.write_text(json.dumps(self.model_dump(mode="json"), indent=2) + "\n")
        draft.replace(home / "platform.json")


class AlreadyRunning(SetupError):
    """Another ``make up`` holds the lock."""


@contextmanager
def sole_platform(home: Path) -> Iterator[None]:
    """Hold the platform's lock under ``home``; at the end, forget our own state.

    Raises AlreadyRunning if another process holds it, SetupError if the folder can't be written.
    """
    try:
        make_home(home)
        handle = (home / "platform.lock").open("a")
    except OSError as cause:
        raise SetupError.of(cause, hint="Set SLUICE_HOME to a folder that you may write to.") from cause
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning("A platform already runs here.", folder=str(home)) from None
        try:
            yield
        finally:
            # A start that was refused leaves the notes on a killed platform to the next one.
            if (state := PlatformState.running(home)) and state.processes[0].pid == os.getpid():
                (home / "platform.json").unlink(missing_ok=True)


def end_leftovers(home: Path, seconds: float = 10.0) -> list[str]:
    """End the children of a platform that was killed. Returns their names."""
    state = PlatformState.read(home)
    found = [(item.name, item.find()) for item in state.processes] if state else []
    left = [(name, process) for name, process in found if process and process.pid != os.getpid()]
    families = [process for _, parent in left for process in [parent, *parent.children(recursive=True)]]
    for process in families:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    deadline = time.monotonic() + seconds
    _, stubborn = psutil.wait_procs(families, timeout=max(deadline - time.monotonic(), 0))
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return [name for name, _ in left]
