"""Runs a generator a few items ahead of its consumer, in a thread of its own."""

import queue
import threading
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
_END = object()


def ahead(items: Generator[T, None, None], depth: int = 2) -> Generator[T, None, None]:
    """The same items, up to ``depth`` of them made while the consumer is busy.

    What ``items`` raises comes out here. Close it where it may be left early: then ``items`` is closed, too.
    """
    made: queue.Queue[object] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: object) -> bool:
        while not stopped.is_set():
            try:
                made.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def run() -> None:
        try:
            for item in items:
                if not put(item):
                    items.close()
                    return
        except BaseException as error:
            put(error)
        else:
            put(_END)

    thread = threading.Thread(target=run, name="ahead", daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()
