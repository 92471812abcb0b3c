"""Tells whoever waits in this process how far a load is; a worker's run has nobody to tell."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Listener:
    """Puts the step that a load is in, and the records read so far, into words for ``hear``."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear
        self._step = ""
        self._records: dict[int, int] = {}

    def step(self, name: str) -> None:
        """The load begins this step."""
        self._step = name
        self._tell()

    def records(self, number: int, count: int) -> None:
        """So many records of the load's ``number``-th input have been read."""
        self._records[number] = count
        self._tell()

    def _tell(self) -> None:
        count = sum(list(self._records.values()))  # inputs are read side by side
        self._hear(f"{self._step}, {count:,} records" if count else self._step)


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(hear: Callable[[str], None]) -> Iterator[None]:
    """In the block, ``hear`` gets a text for each step and each portion of records; in the thread that reads them."""
    token = _listener.set(Listener(hear))
    try:
        yield
    finally:
        _listener.reset(token)


def step(name: str) -> None:
    """Tell that the load begins this step."""
    if listener := _listener.get():
        listener.step(name)


def counter(number: int) -> Callable[[int], None] | None:
    """What to call with the number of records read so far of the ``number``-th input; None if nobody listens."""
    listener = _listener.get()
    return (lambda count: listener.records(number, count)) if listener else None
