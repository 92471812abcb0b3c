"""A generator that runs ahead in a thread: the same items, and nothing left when it is left early."""

import threading
import time
from collections.abc import Generator

import pytest

from sluice.warehouse.ahead import ahead


class Watched:
    """Counts what it has made, and notices when it is closed."""

    def __init__(self, end: int, error: BaseException | None = None) -> None:
        self.made = 0
        self.closed = threading.Event()
        self._end, self._error = end, error

    def items(self) -> Generator[int, None, None]:
        try:
            for number in range(self._end):
                self.made += 1
                yield number
            if self._error:
                raise self._error
        finally:
            self.closed.set()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_it_gives_the_same_items_in_order(count: int) -> None:
    assert list(ahead(Watched(count).items())) == list(range(count))
    assert threads() == []


def test_it_runs_no_further_ahead_than_told() -> None:
    watched = Watched(100)
    items = ahead(watched.items(), depth=3)
    assert next(items) == 0
    deadline = time.monotonic() + 5
    while watched.made < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert watched.made == 5  # one taken, three waiting, one in hand
    items.close()


def test_an_error_comes_out_after_the_items_before_it() -> None:
    items = ahead(Watched(4, ValueError("in the middle")).items())
    assert [next(items) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="in the middle"):
        next(items)
    assert threads() == []


def test_left_early_it_ends_its_thread_and_closes_the_generator() -> None:
    watched = Watched(100)
    items = ahead(watched.items())
    next(items)
    items.close()
    assert threads() == []
    assert watched.closed.is_set()


def test_never_begun_it_starts_nothing() -> None:
    watched = Watched(100)
    ahead(watched.items()).close()
    assert (watched.made, threads()) == (0, [])
