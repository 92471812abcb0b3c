"""The tasks of the maintenance flow."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES
from prefect.exceptions import ObjectNotFound

from blocks.resolve import warehouse_of
from sluice.audit.verify import verify_all
from sluice.jobs import upkeep
from sluice.landing.store import store_of
from sluice.settings import settings
from tasks.policy import in_time, step

_AT_ONCE = 200


@task(name="clean", **step(minutes=30, retries=2))
@in_time
def clean(warehouse: str, landing: str, days: int) -> dict[str, int]:
    """Remove what is older than ``days``; returns how many of each."""
    return upkeep.clean(warehouse_of(warehouse).prepare(), store_of(landing, settings()), days).as_dict()


@task(name="verify audit log", **step(minutes=120, retries=0))
@in_time
def verify_log(warehouse: str) -> int:
    """Verify and anchor the audit log; returns how many entries it has. Raises LogBroken."""
    return verify_all(warehouse_of(warehouse).prepare(), settings())


@task(name="forget runs", **step(minutes=30, retries=2))
@in_time
def forget_runs(days: int) -> int:
    """Delete the flow runs that ended more than ``days`` ago; returns how many.

    Their logs go with them. Their artifacts follow within a day, by the server's own vacuum.
    """
    old = FlowRunFilter(
        end_time=FlowRunFilterEndTime.model_validate({"before_": datetime.now(UTC) - timedelta(days=days)}),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES))),
    )
    count = 0
    with get_client(sync_client=True) as client:
        while found := client.read_flow_runs(flow_run_filter=old, limit=_AT_ONCE):
            for run in found:
                with suppress(ObjectNotFound):  # the server's vacuum was faster
                    client.delete_flow_run(run.id)
            count += len(found)
    return count
