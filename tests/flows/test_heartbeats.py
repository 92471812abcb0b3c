"""Runs that report that they live end as soon as their work does."""

from prefect import flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

import flows  # noqa: F401
from tests.timing import quickest


@flow(name="nothing", persist_result=False)
def nothing() -> None:
    """Is done at once."""


def seconds(heartbeat: int | None) -> float:
    with temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: heartbeat}):
        return quickest(nothing, tries=4)


def test_a_run_does_not_wait_for_its_heartbeat() -> None:
    assert seconds(30) < seconds(None) + 0.6
