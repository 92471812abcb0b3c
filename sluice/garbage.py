"""How often Python looks for garbage.

By its own thresholds a fifth of the time of imports goes into that, and a seventh of a busy server's. What they make is
needed, or gone without a look.
"""

import gc


def look_rarely() -> None:
    """Look after 50,000 new objects, not 700. For a process that begins."""
    gc.set_threshold(50_000, 20, 20)


def settle() -> None:
    """Never again look through what is there now. For a process that has all that it needs for long."""
    look_rarely()
    gc.collect()
    gc.freeze()
