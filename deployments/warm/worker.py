"""Prefect's process worker, woken by each new run instead of the next poll, and by the end of a run.

All its runs are supervised over the same few connections; Prefect opens a client and two event streams for each run.
"""

import logging
import time
import warnings
from typing import Any
from uuid import UUID

import anyio
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.flows import load_flow_from_flow_run
from prefect.runner._flow_run_executor import FlowRunExecutionResult, FlowRunExecutorContext
from prefect.runner._process_manager import ProcessHandle
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

from deployments.warm.starter import WarmJobConfiguration, WarmStarter

REMEMBERED = 5.0  # seconds for which a deployment, a flow or a queue counts as known
AGAIN = 2.0  # seconds after which the events are listened to again
SETTLED = 0.05  # seconds until the slot of a run that has ended is free
_log = logging.getLogger(__name__)


class Remembering:
    """A client that asks for the same deployment, flow or queue once in a while; it is asked for them with each run."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client
        self._found: dict[tuple[str, UUID], tuple[float, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def read_deployment(self, deployment_id: UUID) -> Any:
        return await self._known("read_deployment", deployment_id)

    async def read_flow(self, flow_id: UUID) -> Any:
        return await self._known("read_flow", flow_id)

    async def read_work_queue(self, queue_id: UUID) -> Any:
        return await self._known("read_work_queue", queue_id)

    async def _known(self, ask: str, about: UUID) -> Any:
        since, found = self._found.get((ask, about), (0.0, None))
        if time.monotonic() - since > REMEMBERED:
            found = await getattr(self._client, ask)(about)
            self._found[ask, about] = time.monotonic(), found
        return found


with warnings.catch_warnings():
    # It is to take the place of the worker that it extends.
    warnings.filterwarnings("ignore", message="(?s).*existing type will be.*overridden")

    class WakingWorker(ProcessWorker):
        """Serves pools of type ``process``. It polls as well, for whatever the events leave out."""

        type = "process"
        job_configuration = WarmJobConfiguration
        _remembering: Remembering | None = None

        @property
        def client(self) -> PrefectClient:
            """As the base has it, with a memory."""
            if self._remembering is None or self._remembering._client is not super().client:
                self._remembering = Remembering(super().client)
            return self._remembering  # type: ignore[return-value]

        async def start(self, *values: Any, **named: Any) -> None:
            """As the base does, with an ear on the events."""
            self._looking, self._bell = anyio.Lock(), anyio.Event()
            async with FlowRunExecutorContext() as self._supervision, anyio.create_task_group() as ears:
                ears.start_soon(self._listen)
                ears.start_soon(self._look)
                await super().start(*values, **named)
                ears.cancel_scope.cancel()

        async def _give_worker_labels_to_flow_run(self, flow_run_id: UUID) -> None:
            """Not worth a request: the run names its pool, and its events name the worker."""

        async def _propose_submitting_state(self, flow_run: FlowRun) -> None:
            """Not worth a state of its own: the run begins in a moment."""

        async def get_and_submit_flow_runs(self) -> list[FlowRun]:
            """One look at a time, or two would ask for the same runs."""
            async with self._looking:
                return await super().get_and_submit_flow_runs()

        async def run(
            self,
            flow_run: FlowRun,
            configuration: ProcessJobConfiguration,
            task_status: anyio.abc.TaskStatus[int] | None = None,
        ) -> ProcessWorkerResult:
            """Start the pool's command and wait for its end; then there may be room for another."""
            starter = WarmStarter(configuration, self._supervision.control_channel)
            executor = self._supervision.create_executor(
                flow_run, starter, resolve_flow=load_flow_from_flow_run, propose_submitting=False
            )
            ended: list[FlowRunExecutionResult | None] = []

            async def execute(*, task_status: anyio.abc.TaskStatus[ProcessHandle]) -> None:
                ended.append(await executor.submit(task_status=task_status))

            try:
                async with anyio.create_task_group() as group:
                    handle = await group.start(execute)
                    if task_status:
                        task_status.started(handle.pid)
            finally:
                self._bell.set()
            if not ended or not (result := ended[0]) or result.status_code is None:
                raise RuntimeError("The process of the run could not be started.")
            return ProcessWorkerResult(status_code=result.status_code, identifier=str(result.handle.pid))

        async def _listen(self) -> None:
            new = EventFilter(event=EventNameFilter(name=["prefect.flow-run.Scheduled"]))
            while True:
                try:
                    async with get_events_subscriber(filter=new) as events:
                        async for _ in events:
                            self._bell.set()
                except Exception as trouble:
                    _log.debug("The events are not heard: %s", trouble)
                await anyio.sleep(AGAIN)

        async def _look(self) -> None:
            while True:
                await self._bell.wait()
                self._bell = anyio.Event()
                await self._look_now()
                await anyio.sleep(SETTLED)

        async def _look_now(self) -> None:
            try:
                if self.is_setup:
                    await self.get_and_submit_flow_runs()
            except Exception as trouble:  # the poll says what is wrong, and when to give up
                _log.debug("No look at the queue: %s", trouble)
