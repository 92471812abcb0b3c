"""What the worker knows of a run already, told to the run's process, so that this need not ask the server again."""

import json
import os
from types import SimpleNamespace
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, WorkPool
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events import related
from prefect.types._datetime import now

KNOWN = "PREFECT__SLUICE_KNOWN"
ENTRYPOINT = "PREFECT__FLOW_ENTRYPOINT"  # Prefect's own: the flow, where its code is there already


async def told(flow_run: FlowRun, client: PrefectClient, work_pool: WorkPool) -> dict[str, str]:
    """Variables for the environment of the run's process. ``client`` should have a memory."""
    flow = await client.read_flow(flow_run.flow_id)
    known = {
        f"flow.{flow_run.flow_id}": _facts(flow.id, flow.name, flow.tags),
        f"work-pool.{work_pool.name}": _facts(work_pool.id, work_pool.name),
    }
    if flow_run.work_queue_id:
        queue = await client.read_work_queue(flow_run.work_queue_id)
        known[f"work-queue.{queue.id}"] = _facts(queue.id, queue.name)
    variables = {}
    if flow_run.deployment_id:
        deployment = await client.read_deployment(flow_run.deployment_id)
        known[f"deployment.{deployment.id}"] = _facts(deployment.id, deployment.name, deployment.tags)
        if entrypoint := _at_hand(deployment):
            variables[ENTRYPOINT] = entrypoint
    return variables | {KNOWN: json.dumps(known)}


def _facts(identity: Any, name: str, tags: list[str] | None = None) -> dict[str, Any]:
    return {"id": str(identity), "name": name} | ({} if tags is None else {"tags": tags})


def _at_hand(deployment: DeploymentResponse) -> str:
    """The entrypoint of a deployment whose code is imported, not fetched or read from a file."""
    entrypoint = deployment.entrypoint or ""
    fetched = deployment.pull_steps or deployment.storage_document_id or ":" in entrypoint
    return "" if fetched else entrypoint


def believe() -> None:
    """In the run's process: take it as read, where Prefect would read it for the first event of the run."""
    for key, facts in json.loads(os.environ.pop(KNOWN, "{}")).items():
        entry = {"kind": key.partition(".")[0], "object": SimpleNamespace(**facts)}
        related.RESOURCE_CACHE[key] = entry, now("UTC")  # type: ignore[assignment]
