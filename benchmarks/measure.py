"""One measured process, and the median of several."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Self

CHILD = Path(__file__).parent / "child.py"
TIMEOUT = 1800


class BenchmarkFailed(Exception):
    """A measured process failed, or loaded something else than it should have."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Wall and CPU seconds of a load, and the peak resident memory (10^6 bytes) of its process."""

    seconds: float
    cpu_seconds: float
    peak_mb: float

    @classmethod
    def median(cls, samples: list[Self]) -> Self:
        """Each figure's own median; the peak is the highest."""
        return cls(
            median(s.seconds for s in samples),
            median(s.cpu_seconds for s in samples),
            max(s.peak_mb for s in samples),
        )


def run(command: list[str], log: Path, env: dict[str, str] | None = None) -> Sample:
    """Run ``command`` to its end. Raises BenchmarkFailed when it fails or takes over half an hour.

    Its output goes to ``log``. A line of JSON that begins with ``seconds`` and ``cpu_seconds`` replaces the times of
    the whole process (a load timed from within, after its imports); the peak memory is the whole process's.
    """
    shell = [sys.executable, "-I", "-S", str(CHILD), str(log), *command]
    process = subprocess.Popen(
        shell, stdout=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, **(env or {})}
    )
    try:
        figures = json.loads(process.communicate(timeout=TIMEOUT)[0])
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    if figures["exit_code"]:
        raise BenchmarkFailed(f"{' '.join(command)} ended with {figures['exit_code']}:\n{_tail(log)}")
    figures |= _last_json(log)
    return Sample(figures["seconds"], figures["cpu_seconds"], figures["peak_mb"])


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    # DuckDB's binding lists its objects when the interpreter ends on an error.
    return "\n".join([line for line in lines if "leaked" not in line and "nanobind" not in line][-30:])


def _last_json(log: Path) -> dict[str, Any]:
    for line in reversed(log.read_text(errors="replace").splitlines()):
        if line.startswith('{"seconds"'):
            found: dict[str, Any] = json.loads(line)
            return {name: found[name] for name in ("seconds", "cpu_seconds")}
    return {}
