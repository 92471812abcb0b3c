"""Ctrl-C and requests to end, even where a library swallows them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sluice import deadline


@contextmanager
def heard() -> Iterator[list[BaseException]]:
    """What the handlers of SIGINT and SIGTERM raise in the block, in order.

    DuckDB drops such an exception and ends its query with an error of its own, which says nothing of the signal;
    and it ends only when all its threads have, so the query is stopped too.
    """
    raised: list[BaseException] = []
    if threading.current_thread() is not threading.main_thread():  # signals are handled there, and only there
        yield raised
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        deadline.interrupt()  # a step in another thread hears no signal
        handler = before[signal.Signals(number)]
        assert callable(handler)
        try:
            handler(number, frame)
        except BaseException as stop:
            raised.append(stop)
            raise

    noted = [number for number, handler in before.items() if callable(handler)]
    try:
        for number in noted:
            signal.signal(number, note)
        yield raised
    finally:
        for number in noted:
            signal.signal(number, before[number])
