"""Files made to exhaust memory are read or refused within it: the reading process has RLIMIT_AS."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .hostile import HOSTILE, LARGE, Make, wide, wide_json
from .hunt import Worker

# What DuckDB may use (SLUICE_MEMORY_LIMIT_MB, 300), a record of 16 million characters in several forms, stacks.
MEMORY_MB = 1500
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc"),
]


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A process for each file: what an allocator keeps of one takes address space from the next."""
    with Worker(MEMORY_MB) as found:
        yield found


def assert_outcome(worker: Worker, make: Make, path: Path, seconds: float, *allowed: str) -> None:
    """One of these comes of the file, which is gone then."""
    make(path)
    answer = worker.read(path, {}, seconds)
    path.unlink()
    assert "finding" not in answer, answer
    assert answer["outcome"] in allowed, answer


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_a_hostile_file_is_read_or_refused_within_memory(make: Make, worker: Worker, tmp_path: Path) -> None:
    allowed = ("read",) if make in (wide, wide_json) else ("read", "ReadError", "SetupError")
    assert_outcome(worker, make, tmp_path / "input", 120, *allowed)


@pytest.mark.skipif("SLUICE_LARGE" not in os.environ, reason="takes minutes: set SLUICE_LARGE=1")
@pytest.mark.parametrize("make", LARGE, ids=lambda make: make.__name__)
def test_a_large_file_is_read_within_memory(make: Make, worker: Worker, tmp_path: Path) -> None:
    assert_outcome(worker, make, tmp_path / "input", 280, "read")
