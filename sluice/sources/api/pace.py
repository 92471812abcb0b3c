"""The pace of one API's requests: what was declared, and what the server's headers ask for."""

import random
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from sluice import deadline
from sluice.errors import RetryError

LONGEST = 60.0  # seconds between two tries that nobody asked to be longer
PATIENCE = 900.0  # seconds that a request waits in all, where its step has no deadline
_RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
_LIMITS = ("ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit")
_LEFT = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")


class Pace:
    """Keeps to ``rate`` requests a second, and waits where the server says that none is left beyond ``reserve``."""

    def __init__(self, rate: float, reserve: int) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._reserve = reserve
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Returns when the next request may be sent. Raises RetryError at once where the step ends before."""
        with self._lock:
            now = time.monotonic()
            moment, left = max(self._next, now), deadline.remaining()
            if (pause := moment - now) > (PATIENCE if left is None else left):
                raise RetryError(
                    f"The server takes no more of our requests for {pause / 60:.0f} minutes.",
                    hint="Run it again then: what was fetched is kept for hours.",
                    seconds=round(pause),
                )
            self._next = moment + self._gap
        sleep(moment - time.monotonic())

    def heed(self, headers: httpx.Headers) -> None:
        """Send none before the server's limit is reset, if it has been reached."""
        if _low(headers, self._reserve) and (pause := _reset(headers)):
            self.hold(pause)

    def hold(self, seconds: float) -> None:
        """Send none for so long."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


def none_left(headers: httpx.Headers) -> bool:
    """Whether the server says that no request is left."""
    return _low(headers, 0)


def _low(headers: httpx.Headers, reserve: int) -> bool:
    """Whether the quota is down to the reserve, which is none where a part of the API has a quota of its own."""
    left, limit = _count(headers, _LEFT), _count(headers, _LIMITS)
    if left is None:
        return False
    kept = reserve if headers.get("x-ratelimit-resource", "core") == "core" else 0
    return left <= (kept if limit is None else min(kept, limit // 2))


def _count(headers: httpx.Headers, names: tuple[str, ...]) -> int | None:
    text = next((headers[name] for name in names if name in headers), "").partition(";")[0].strip()
    return int(text) if text.isdecimal() else None


def wanted(headers: httpx.Headers, tries: int) -> float:
    """Seconds to the next try: what the server asks for, else twice as long each time, and never the same for all."""
    asked = _seconds(headers.get("retry-after", "")) or (_reset(headers) if none_left(headers) else 0.0)
    if asked:
        return asked + random.uniform(0, 0.2)  # noqa: S311
    return float(min(2 ** (tries - 1), LONGEST) * random.uniform(0.5, 1.0))  # noqa: S311


def _reset(headers: httpx.Headers) -> float:
    """Seconds until the limit is reset; 0 if it is not told."""
    found = next((headers[name] for name in _RESETS if name in headers), "")
    seconds = _seconds(found)
    return max(seconds - time.time(), 0.0) if seconds > 1e9 else seconds  # some tell the moment


def _seconds(text: str) -> float:
    """A number of seconds, or the seconds to a date; 0 for anything else."""
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def sleep(seconds: float) -> None:
    """Wait, but not beyond the step's deadline. Raises RetryError at that."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        deadline.check()
        time.sleep(min(left, 0.25))
