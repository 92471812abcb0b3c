"""Deadlines: how long the step at work may take, and what is stopped when its time is over.

No thread can be interrupted from outside. So loops over bytes and batches ask (``check``), and what blocks out
of Python's reach, such as a query, is told (``at_end``). The deadline belongs to the context: a thread that a step
starts has it only if it runs in a copy of the step's context.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TypeVar
from weakref import WeakSet

from sluice.errors import Interrupted, RetryError, SluiceError

T = TypeVar("T")
# What is stopped in one query may begin the next.
PAUSE = 0.25


class Deadline:
    """The end of one step's time. A thread waits for it as soon as there is something to stop."""

    def __init__(self, step: str, seconds: float, early: float) -> None:
        self._step = step
        self._seconds = seconds
        self._end = time.monotonic() + seconds - early
        self._stops: list[Callable[[], object]] = []
        self._watcher: threading.Thread | None = None
        self._starting = threading.Lock()
        self._done = threading.Event()
        self._interrupted = False

    def remaining(self) -> float:
        """Seconds left; negative when they are over."""
        return self._end - time.monotonic()

    def error(self) -> SluiceError:
        """Says which step ran out of time or was interrupted, and what to do."""
        if self._interrupted:
            return Interrupted(
                f"The step '{self._step}' was interrupted.", hint="Load again.", step=self._step
            )
        return RetryError(
            f"The step '{self._step}' was stopped: it was not done after {_spoken(self._seconds)}.",
            hint="Load again when the source, the warehouse and this machine are less busy, or load smaller parts.",
            step=self._step,
            seconds=self._seconds,
        )

    def at_end(self, stop: Callable[[], object]) -> None:
        """See the function of this name."""
        self._stops.append(stop)
        with self._starting:
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="deadline", daemon=True)
                self._watcher.start()

    def interrupt(self) -> None:
        """End the time now."""
        self._interrupted = True
        self._end = time.monotonic()
        # Not here, in a handler of a signal: to stop something may need a lock that the interrupted code holds.
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    def close(self) -> None:
        """Stop nothing from now on."""
        self._done.set()
        self._stops.clear()

    def _watch(self) -> None:
        pause = max(self.remaining(), 0.0)
        while not self._done.wait(pause):
            for stop in list(self._stops):
                # It may be closed by now, and the others are to be stopped all the same.
                with suppress(Exception):
                    stop()
            pause = PAUSE


_open: WeakSet[Deadline] = WeakSet()
_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(step: str, seconds: float, *, early: float = 0.0) -> Iterator[None]:
    """Give the block ``seconds``, of which the last ``early`` are left for it to end in order.

    ``step`` is the name that the error tells.
    """
    own = Deadline(step, seconds, early)
    token = _current.set(own)
    _open.add(own)
    try:
        yield
    finally:
        _current.reset(token)
        _open.discard(own)
        own.close()


def remaining() -> float | None:
    """Seconds that are left to the step at work, never negative; None if it has no deadline."""
    current = _current.get()
    return max(current.remaining(), 0.0) if current else None


def ran_out() -> SluiceError | None:
    """The error to raise if the time is over; None if there is time left, or no deadline."""
    current = _current.get()
    return current.error() if current and current.remaining() <= 0 else None


def check() -> None:
    """Raise RetryError if the time is over, or Interrupted.

    Takes less than a microsecond: call it per batch, not per row.
    """
    if error := ran_out():
        raise error


def checked(items: Iterable[T]) -> Iterator[T]:
    """The same items, with a ``check`` for each."""
    for item in items:
        check()
        yield item


def at_end(stop: Callable[[], object]) -> None:
    """Have ``stop`` called when the time is over, in another thread, and again until the step has ended.

    It must stop what blocks, and may raise anything. Without a deadline nothing happens.
    """
    if current := _current.get():
        current.at_end(stop)


def interrupt() -> None:
    """End the time of every step of this process, in whatever thread: its user has interrupted it."""
    for each in list(_open):
        each.interrupt()


def hang_up(fileno: int) -> None:
    """Shut down the network connection of a file descriptor, so that whoever waits for it gets its end at once."""
    with socket.socket(fileno=os.dup(fileno)) as line:
        line.shutdown(socket.SHUT_RDWR)


@contextmanager
def blamed(*kinds: type[Exception]) -> Iterator[None]:
    """Once the time is over, raise the deadline's error in the place of an exception of these kinds."""
    try:
        yield
    except kinds as error:
        if late := ran_out():
            raise late from error
        raise


def _spoken(seconds: float) -> str:
    count, unit = (seconds / 60, "minute") if seconds >= 60 else (seconds, "second")
    return f"{count:.3g} {unit}" + ("" if count == 1 else "s")
