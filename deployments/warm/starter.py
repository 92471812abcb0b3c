"""Starts the command of a run, as Prefect does, without putting all settings into words twice for each run."""

from contextlib import suppress
from functools import cache
from typing import Any, Self

import anyio
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, WorkPool
from prefect.runner._control_channel import ControlChannel
from prefect.runner._process_manager import ProcessHandle
from prefect.settings import get_current_settings
from prefect.utilities.processutils import command_from_string, run_process
from prefect.workers.process import ProcessJobConfiguration

from deployments.warm.known import told


@cache
def _settings() -> dict[str, str]:
    """This process's own, as environment variables: 70 ms of CPU, and they do not change."""
    return get_current_settings().to_environment_variables(exclude_unset=True)


class WarmJobConfiguration(ProcessJobConfiguration):
    """How a run of the pool is started."""

    @classmethod
    def _base_environment(cls) -> dict[str, str]:
        return dict(_settings())

    @classmethod
    async def resolve_for_flow_run(
        cls, flow_run: FlowRun, *, client: PrefectClient, work_pool: WorkPool, **more: Any
    ) -> Self:
        """As the base does; the run's process is told what the worker knows."""
        made = await super().resolve_for_flow_run(flow_run, client=client, work_pool=work_pool, **more)
        made.env |= await told(flow_run, client, work_pool)
        return made


class WarmStarter:
    """Runs the configuration's command for one flow run; the channel tells it when it is to be cancelled."""

    def __init__(self, configuration: ProcessJobConfiguration, channel: ControlChannel) -> None:
        self._configuration, self._channel = configuration, channel

    async def start(
        self, flow_run: FlowRun, task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Tell ``task_status`` of the process, and return at its end."""
        own: dict[str, Any] = {
            "PREFECT__FLOW_RUN_ID": str(flow_run.id),
            "PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS": "false",
        }
        with suppress(RuntimeError):  # without a channel, cancelling is killing
            port, token = self._channel.register(flow_run.id)
            own |= {"PREFECT__CONTROL_PORT": str(port), "PREFECT__CONTROL_TOKEN": token}
        given = {**self._configuration.env, **_settings(), **own}
        begun = False

        def handle(process: anyio.abc.Process) -> ProcessHandle:
            nonlocal begun
            begun = True
            return ProcessHandle(process)

        try:
            await run_process(
                command=command_from_string(str(self._configuration.command)),
                stream_output=self._configuration.stream_output,
                task_status=task_status,
                task_status_handler=handle,
                env={name: value for name, value in given.items() if value is not None},
                cwd=self._configuration.working_dir,
            )
        finally:
            if not begun:
                self._channel.unregister(flow_run.id)
