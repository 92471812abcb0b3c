"""One measured process, and the median of several."""

import json
import os
import signal
import subprocess
import sys
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

    Its output goes to ``log``. A last line of JSON with ``seconds`` and ``cpu_seconds`` replaces the times of
    the whole process (a load timed from within, after its imports); the peak memory is the whole process's.
    """
    shell = [sys.executable, "-I", "-S", str(CHILD), str(log), *command]
    process = subprocess.Popen(
        shell, stdout=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, **(env or {})}
    )
    try:
        figures = json.loads(process.communicate(timeout=TIMEOUT)[0])
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    if figures["exit_code"]:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise BenchmarkFailed(f"{' '.join(command)} ended with {figures['exit_code']}:\n{tail}")
    figures |= _last_json(log)
    return Sample(figures["seconds"], figures["cpu_seconds"], figures["peak_mb"])


def _last_json(log: Path) -> dict[str, Any]:
    lines = log.read_text(errors="replace").splitlines()
    if not lines or not lines[-1].startswith('{"seconds"'):
        return {}
    found: dict[str, Any] = json.loads(lines[-1])
    return {name: found[name] for name in ("seconds", "cpu_seconds")}
