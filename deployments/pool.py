"""The work pool and its queues, made or corrected by code."""

import sys
from copy import deepcopy
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import WorkQueueFilter
from prefect.exceptions import ObjectNotFound
from prefect.utilities.processutils import command_to_string
from prefect.workers.process import ProcessWorker

from deployments.settings import POOL, PROJECT

# The worker serves the queues in this order.
QUEUES = {"critical": 1, "high": 2, "normal": 3, "low": 4}
# Without site packages, which it needs none of, it starts in a few milliseconds.
CLIENT = ["-S", "-E", str(PROJECT / "deployments" / "warm" / "client.py")]
DESCRIPTION = (
    f"Sluice's runs, as processes beside their worker. Queues, first served first: {', '.join(QUEUES)}."
)


async def ensure_pool(client: PrefectClient) -> None:
    """Make the pool where missing; point an old one at this folder and interpreter, no more."""
    try:
        pool = await client.read_work_pool(POOL)
    except ObjectNotFound:
        template = pointed_here(ProcessWorker.get_default_base_job_template())
        new = WorkPoolCreate(name=POOL, type="process", description=DESCRIPTION, base_job_template=template)
        await client.create_work_pool(new)
    else:
        template = pointed_here(pool.base_job_template)
        if template != pool.base_job_template:
            await client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=template))
    await _ensure_queues(client)


def pointed_here(template: dict[str, Any]) -> dict[str, Any]:
    """The job template whose runs start in this folder with this interpreter, in a copy of the zygote if there is one.

    Given a command, the worker starts the run itself; without one, two more Python processes first find out
    which environment the flow wants.
    """
    template = deepcopy(template)
    variables = template["variables"]["properties"]
    variables["working_dir"]["default"] = str(PROJECT)
    variables["command"]["default"] = command_to_string([sys.executable, *CLIENT])
    return template


async def _ensure_queues(client: PrefectClient) -> None:
    found = await client.read_work_queues(POOL, work_queue_filter=WorkQueueFilter(), limit=200, offset=0)
    there = {queue.name for queue in found}
    for name, priority in QUEUES.items():
        if name not in there:
            await client.create_work_queue(
                name=name, work_pool_name=POOL, priority=priority, description=f"Priority {name}."
            )
