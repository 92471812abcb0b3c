"""The automations that do not belong to one deployment, made by code."""

from datetime import timedelta
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events import AutomationCore, EventTrigger, Posture
from prefect.events.actions import ChangeFlowRunState
from prefect.settings import get_current_settings

SILENT_RUNS = "Runs whose process died end as Crashed"
ENDS = ("Completed", "Failed", "Cancelled", "Crashed")
WAITS = ("Paused", "Suspended", "AwaitingRetry", "Scheduled")


def silent_runs(heartbeat: int) -> AutomationCore:
    """Ends a run as Crashed once it has been silent for three heartbeats (``heartbeat``: seconds).

    A run reports every ``heartbeat`` seconds while its process lives. If its worker was killed too, nobody
    reports its end. A run that waits, paused or for its next try, is silent by right.
    """
    return AutomationCore(
        name=SILENT_RUNS,
        description=f"A running flow reports every {heartbeat} s; three reports missed mean that it is dead.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *(f"prefect.flow-run.{state}" for state in ENDS + WAITS)},
            threshold=1,
            within=timedelta(seconds=3 * heartbeat),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                name=None,
                message="The run's process died without a word. Run the job again; no row was doubled.",
                force=False,
            )
        ],
    )


async def ensure_automations(client: PrefectClient) -> None:
    """Make our automations where missing and bring old ones up to date. One that the user paused stays so."""
    wanted = silent_runs(get_current_settings().flows.heartbeat_frequency or 30)
    found = await client.read_automations_by_name(SILENT_RUNS)
    if not found:
        await client.create_automation(wanted)
    elif _essence(found[0]) != _essence(wanted):
        await client.update_automation(found[0].id, wanted.model_copy(update={"enabled": found[0].enabled}))


def _essence(automation: AutomationCore) -> dict[str, Any]:
    kept = automation.model_dump(mode="json", include={"name", "description", "actions"})
    trigger = automation.trigger.model_dump(mode="json")
    for name in ("after", "expect", "for_each"):
        trigger[name] = sorted(trigger[name])
    return kept | {"trigger": {name: value for name, value in trigger.items() if name != "id"}}
