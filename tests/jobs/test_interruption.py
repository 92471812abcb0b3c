"""A load that is interrupted: its job says by whom, and what to do next."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sluice.deadline import deadline
from sluice.jobs import ledger, steps
from sluice.jobs.steps import Job
from sluice.quality.duck import scratch
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse

# Half a minute or more; endless, it could not be stopped where the test fails.
LONG = "SELECT sum(hash(range)) FROM range(10000000000)"


class Ended(BaseException):
    """What a handler of SIGTERM raises, as Prefect's does."""


@pytest.fixture
def job(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    settings.cache_clear()
    yield Job(
        ledger.create(warehouse, dataset="items", filename="items.csv", file_type="csv"), "items", "append"
    )
    settings.cache_clear()


@contextmanager
def soon(number: int) -> Iterator[None]:
    """Send this process the signal once the block is at work."""
    sender = threading.Timer(0.5, os.kill, [os.getpid(), number])
    sender.start()
    try:
        yield
    finally:
        sender.join()


def query(folder: Path) -> None:
    """A long query, as a step would do it."""
    with deadline("check quality", 600), scratch(folder, 300, 2) as connection:
        connection.execute(LONG)


def pause(_: Path) -> None:
    """Wait in Python."""
    time.sleep(60)


@pytest.mark.parametrize("work", [pause, query])
def test_ctrl_c_cancels_the_job_and_says_so(
    warehouse: Warehouse, job: Job, tmp_path: Path, work: Callable[[Path], None]
) -> None:
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), soon(signal.SIGINT), steps.working(warehouse, job):
        work(tmp_path)
    assert time.monotonic() - began < 5
    row = ledger.get(warehouse, job.job_id)
    assert row["status"] == "cancelled"
    assert row["error_message"] == (
        "Interrupted by the user (Ctrl-C)."
        f" Nothing was published. Run it again: `sluice replay {job.job_id}`."
    )
    assert row["completed_at"]


def test_a_request_to_end_fails_the_job_with_its_reason(
    warehouse: Warehouse, job: Job, tmp_path: Path
) -> None:
    def end(*_: object) -> None:
        raise Ended

    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(Ended), soon(signal.SIGTERM), steps.working(warehouse, job):
            query(tmp_path)
        assert signal.getsignal(signal.SIGTERM) is end
    finally:
        signal.signal(signal.SIGTERM, before)
    row = ledger.get(warehouse, job.job_id)
    assert row["status"] == "failed"
    assert row["error_message"].startswith("Interrupted by a request to end its process. Nothing was")


def test_a_failure_without_a_signal_stays_itself(warehouse: Warehouse, job: Job) -> None:
    with pytest.raises(ValueError, match="own"), steps.working(warehouse, job):
        raise ValueError("its own")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert ledger.get(warehouse, job.job_id)["error_message"] == "its own"
