"""Notices that a run is suspended from outside by asking now and then.

Prefect's way opens a client and a websocket, and waits for both before the run may begin.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from prefect import flow_engine
from prefect._flow_run_suspension import FlowRunSuspensionRequest, is_suspended_flow_run_state
from prefect.client.orchestration import get_client

LOOK = 5.0  # seconds


@contextmanager
def observed(
    flow_run_id: UUID, suspension_request: FlowRunSuspensionRequest, polling_interval: float = LOOK
) -> Iterator[None]:
    """During the block, ``suspension_request`` hears of it; the run then stops before its next step."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(polling_interval):
            with suppress(Exception), get_client(sync_client=True) as client:  # the next look may succeed
                state = client.read_flow_run(flow_run_id).state
                if state and is_suspended_flow_run_state(state):
                    suspension_request.mark_requested(state)
                    return

    threading.Thread(target=look, name="suspension", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def install() -> None:
    """Take the place of Prefect's way in this process."""
    flow_engine.observe_flow_run_suspension = observed  # type: ignore[attr-defined]
