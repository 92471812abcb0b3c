"""How much memory this process has used."""

import resource
import sys


def peak_memory_mb() -> int:
    """The process's largest resident size so far, in megabytes (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6)
