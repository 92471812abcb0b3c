"""A child process of the platform: started with its own log, watched, stopped with everything it started."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deployments.settings import PROJECT
from sluice.errors import SetupError

LOG_BYTES = 20_000_000
KILL_SECONDS = 10.0


@dataclass
class Child:
    """One program that must keep running. Deaths within ``window`` seconds count against ``patience``, unless somebody
    killed it.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    patience: int = 3
    window: float = 60.0
    _process: subprocess.Popen[bytes] | None = None
    _deaths: list[float] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._process.pid if self._process else 0

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs or before the start."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start the program in a process group of its own, so that Ctrl-C reaches only us."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def may_restart(self) -> bool:
        """Note a death; whether another start is worth it."""
        now = time.monotonic()
        if self.exit_code == -signal.SIGKILL:
            return True
        self._deaths = [moment for moment in self._deaths if now - moment < self.window] + [now]
        return len(self._deaths) < self.patience

    def stop(self, seconds: float) -> None:
        """End the programs that it started, then itself; kill what is left of the group after ``seconds``.

        Raises SetupError if even that does not end it.
        """
        if not self._process:
            return
        deadline = time.monotonic() + seconds
        with suppress(psutil.NoSuchProcess):
            # A worker drops its runs when it stops; asked themselves, they report their end.
            _end(psutil.Process(self._process.pid).children(recursive=True), seconds * 2 / 3)
            self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(deadline - time.monotonic(), 0.1))
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        try:
            self._process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            pid = self._process.pid
            raise SetupError(f"The {self.name} (process {pid}) does not end, though it was killed.") from None

    def last_words(self, lines: int = 8) -> str:
        """The end of the log."""
        return last_words(self.log, lines)


def last_words(log: Path, lines: int = 8) -> str:
    """The last lines of a log that say something."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def _end(processes: list[psutil.Process], seconds: float) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(processes, timeout=seconds)
