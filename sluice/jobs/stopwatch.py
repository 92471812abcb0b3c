"""How long the phases of a job take."""

import time


class Stopwatch:
    """Wall-clock seconds by phase."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last = self._began
        self.seconds: dict[str, float] = {}

    def lap(self, phase: str) -> None:
        """Book the time since the last lap to ``phase``."""
        now = time.monotonic()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._last
        self._last = now

    def total(self) -> dict[str, float]:
        """All phases, and ``total``."""
        return {**self.seconds, "total": time.monotonic() - self._began}
