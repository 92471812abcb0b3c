"""A load that is interrupted: its job says by whom, and what to do next."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from sluice.jobs import ledger, steps
from sluice.jobs.steps import Job
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse

ENDLESS = "SELECT sum(hash(range)) FROM range(1000000000000)"


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


@pytest.mark.parametrize("query", [None, ENDLESS], ids=["in Python", "in a query of DuckDB"])
def test_ctrl_c_cancels_the_job_and_says_so(warehouse: Warehouse, job: Job, query: str | None) -> None:
    with pytest.raises(KeyboardInterrupt), soon(signal.SIGINT), steps.working(warehouse, job):
        duckdb.execute(query) if query else time.sleep(60)
    row = ledger.get(warehouse, job.job_id)
    assert row["status"] == "cancelled"
    assert row["error_message"] == (
        "Interrupted by the user (Ctrl-C)."
        f" Nothing was published. Run it again: `sluice replay {job.job_id}`."
    )
    assert row["completed_at"]


def test_a_request_to_end_fails_the_job_with_its_reason(warehouse: Warehouse, job: Job) -> None:
    def end(*_: object) -> None:
        raise Ended

    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(Ended), soon(signal.SIGTERM), steps.working(warehouse, job):
            duckdb.execute(ENDLESS)
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
