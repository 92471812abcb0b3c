"""How long something takes, on a machine that may be busy with other things."""

import time
from collections.abc import Callable


def quickest(work: Callable[[], object], tries: int = 5) -> float:
    """Seconds of the quickest of some tries: what a busy machine adds to the others is left out."""
    found = []
    for _ in range(tries):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)
