"""Runs that report that they live end as soon as their work does."""

import time

from prefect import flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

import flows  # noqa: F401


@flow(name="nothing", persist_result=False)
def nothing() -> None:
    """Is done at once."""


def seconds(heartbeat: int | None) -> float:
    """The quickest of some runs."""
    found = []
    with temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: heartbeat}):
        for _ in range(4):
            began = time.perf_counter()
            nothing()
            found.append(time.perf_counter() - began)
    return min(found)


def test_a_run_does_not_wait_for_its_heartbeat() -> None:
    assert seconds(30) < seconds(None) + 0.6
