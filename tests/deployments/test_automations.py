"""The automation for runs of which nobody hears any more, such as those of a worker on a machine that is gone."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from deployments.automations import silent_runs
from tests.deployments.conftest import Running, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def run(platform: Running) -> Iterator[str]:
    """A running flow run without a process, and our automation for it with twelve seconds of patience."""
    flow = platform.deployment("standard-manual")["flow_id"]
    found: str = platform.post("/flow_runs/", flow_id=flow, state={"type": "RUNNING"})["id"]
    automation = silent_runs(4)
    automation.name = "test"
    automation.trigger.match = {"prefect.resource.id": f"prefect.flow-run.{found}"}  # type: ignore[union-attr]
    made = platform.post("/automations/", **automation.model_dump(mode="json"))
    yield found
    with platform.api as client:
        client.delete(f"/automations/{made['id']}").raise_for_status()
        client.delete(f"/flow_runs/{found}").raise_for_status()


def beat(platform: Running, run: str) -> None:
    event: dict[str, Any] = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": "prefect.flow-run.heartbeat",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
    }
    with platform.api as client:
        client.post("/events", json=[event]).raise_for_status()


def test_a_run_whose_heart_stops_ends_as_crashed(platform: Running, run: str) -> None:
    def crashed() -> str:
        found = platform.get(f"/flow_runs/{run}")["state"]
        return found["message"] if found["type"] == "CRASHED" else ""

    # On a busy machine the automation is loaded only after the first ones.
    for _ in range(10):
        beat(platform, run)
        assert not crashed()
        time.sleep(1)
    assert "died without a word" in until(crashed, 60)
