"""Events on the running platform: what it tells of jobs, and what others tell it."""

import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from deployments.settings import PROJECT
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded
from tests.deployments.conftest import FINAL, Running, until
from tests.deployments.test_platform import emit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def started_by(platform: Running, payload: dict[str, Any]) -> dict[str, Any]:
    """The run that the event starts, once it is over."""
    before = {run["id"] for run in platform.runs_of("bulk-on-event")}
    emit(platform, payload, "bulk.files.available")
    (run,) = until(lambda: [one for one in platform.runs_of("bulk-on-event") if one["id"] not in before])
    return platform.run_in(run["id"], FINAL)


def told_of(platform: Running, run: str) -> list[dict[str, Any]]:
    """What the platform has told of the run's job, oldest first, once that is over."""
    wanted = {
        "related": {"id": [f"prefect.flow-run.{run}"]},
        "event": {"prefix": ["sluice.job."]},
        "order": "ASC",
    }

    def both() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = platform.post("/events/filter", filter=wanted)["events"]
        return found if len(found) > 1 else []

    return until(both)


def test_files_that_came_in_bulk_are_loaded_as_one_and_the_job_is_told_of(platform: Running) -> None:
    inbox = platform.home / "inbox"
    inbox.mkdir()
    for number in (1, 2):
        (inbox / f"{number}.csv").write_text((PROJECT / "sample-data" / "projects-template.csv").read_text())
    run = started_by(platform, {"dataset": "projects", "folder": f"{inbox}/", "force": True})
    assert run["state_type"] == "COMPLETED", run["state"]
    assert run["parameters"]["request"]["sources"] == [{"kind": "file", "path": f"{inbox}/*"}]
    start, end = told_of(platform, run["id"])
    assert (start["event"], end["event"]) == ("sluice.job.started", "sluice.job.completed")
    job = end["resource"]["prefect.resource.id"].removeprefix("sluice.job.")
    with Warehouse.from_embedded(platform.home).connect() as connection:
        loads = connection.execute("SELECT count(*) FROM sluice.loads WHERE job_id = %s", [job]).fetchone()
    assert loads == (2,)


def test_a_bulk_event_may_list_files_and_the_failure_of_its_job_is_told(
    platform: Running,
) -> None:
    files = ["sample-data/no-such.csv", "file:///no-such.csv"]
    run = started_by(platform, {"dataset": "projects", "files": files, "mode": "append"})
    request = run["parameters"]["request"]
    assert [one["kind"] for one in request["sources"]] == ["file", "file"]
    assert (request["mode"], request["force"]) == ("append", False)
    assert run["state_type"] == "FAILED"
    assert [one["event"] for one in told_of(platform, run["id"])] == [
        "sluice.job.started",
        "sluice.job.failed",
    ]


@pytest.mark.parametrize("payload", [{"dataset": "projects"}, {"folder": "sample-data"}])
def test_a_bulk_event_without_files_or_dataset_starts_nothing(
    platform: Running, payload: dict[str, str]
) -> None:
    before = {run["id"] for run in platform.runs_of("bulk-on-event")}
    sent = emit(platform, payload, "bulk.files.available")
    wanted = {"event": {"name": ["prefect.automation.action.failed"]}}

    def failed() -> list[Any]:
        found = platform.post("/events/filter", filter=wanted)["events"]
        return [one for one in found if str(sent.id) in str(one)]

    assert until(failed)
    assert {run["id"] for run in platform.runs_of("bulk-on-event")} == before


def test_no_more_runs_than_allowed_work_at_once_the_urgent_first_and_an_end_makes_room(
    platform: Running, endless: dict[str, Any]
) -> None:
    wanted = ["low", "normal", "high", "critical"]
    deployment = platform.deployment("standard-manual")["id"]

    def start(queue: str) -> str:
        body = {"parameters": {"request": endless}, "work_queue_name": queue}
        return str(platform.post(f"/deployments/{deployment}/create_flow_run", **body)["id"])

    def states(runs: list[str]) -> dict[str, str]:
        found = platform.post("/flow_runs/filter", flow_runs={"id": {"any_": runs}})
        return {one["id"]: one["state_type"] for one in found}

    def running(runs: list[str]) -> set[str]:
        at_work = {run for run, state in states(runs).items() if state == "RUNNING"}
        assert len(at_work) <= 3
        return at_work

    def cancel(run: str) -> None:
        platform.post(f"/flow_runs/{run}/set_state", state={"type": "CANCELLING", "name": "Cancelling"})

    full = [start("high") for _ in range(3)]
    try:
        until(lambda: len(running(full)) == 3)
        waiting = {queue: start(queue) for queue in wanted}
        everything = full + list(waiting.values())
        in_order = []
        for ending in full:
            cancel(ending)
            began = time.monotonic()
            (fresh,) = until(lambda: running(list(waiting.values())) - set(in_order))
            in_order.append(fresh)
            assert time.monotonic() - began < 30
            assert len(running(everything)) <= 3
        assert in_order == [waiting[queue] for queue in ("critical", "high", "normal")]
        assert states([waiting["low"]])[waiting["low"]] in {"SCHEDULED", "PENDING"}
    finally:
        began, left = time.monotonic(), dict.fromkeys(full + list(waiting.values()), "")
        while left := {run: state for run, state in states(list(left)).items() if state not in FINAL}:
            for run, state in left.items():
                if state != "CANCELLING":  # it may begin in the moment of being cancelled
                    cancel(run)
            assert time.monotonic() - began < 60, left
            time.sleep(0.5)


def test_the_ways_to_start_a_run_that_the_documentation_shows_work_as_written(platform: Running) -> None:
    text = (PROJECT / "docs" / "operations.md").read_text()
    (script,) = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    names = ("standard-manual", "standard-on-event", "bulk-on-event")
    before = {run["id"] for name in names for run in platform.runs_of(name)}
    script = f"set -e\n{script.replace(':4200/', f':{platform.port}/')}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    for name in names:
        (run,) = until(lambda name=name: [one for one in platform.runs_of(name) if one["id"] not in before])
        assert platform.run_in(run["id"], FINAL)["state_type"] == "COMPLETED"
    (schedule,) = platform.deployment("standard-every-six-hours")["schedules"]
    assert schedule["active"]


def test_maintenance_deletes_the_runs_that_ended_long_ago_with_their_logs_and_no_others(
    platform: Running,
) -> None:
    flow = platform.post("/flows/", name="long-ago")["id"]

    def ended(days: int) -> str:
        run = str(platform.post("/flow_runs/", flow_id=flow)["id"])
        at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        state = {"type": "COMPLETED", "name": "Completed"}
        platform.post(f"/flow_runs/{run}/set_state", state=state, force=True)
        with psycopg.connect(Embedded(platform.home).url("prefect")) as connection:
            connection.execute("UPDATE flow_run SET end_time = %s WHERE id = %s", [at, run])
        with platform.api as client:
            log = {"name": "a", "level": 20, "message": "b", "timestamp": at, "flow_run_id": run}
            client.post("/logs/", json=[log]).raise_for_status()
        return run

    def logs() -> set[str]:
        found = platform.post("/logs/filter", logs={"flow_run_id": {"any_": [*old, fresh]}})
        return {one["flow_run_id"] for one in found}

    old, fresh = [ended(40), ended(31)], ended(29)
    (deployment,) = platform.post(
        "/deployments/filter", deployments={"name": {"any_": ["maintenance-nightly"]}}
    )
    run = platform.post(f"/deployments/{deployment['id']}/create_flow_run", parameters={})["id"]
    done = platform.run_in(run, FINAL)
    assert done["state_type"] == "COMPLETED", done["state"]
    left = platform.post("/flow_runs/filter", flow_runs={"id": {"any_": [*old, fresh]}})
    assert [one["id"] for one in left] == [fresh]
    until(lambda: logs() == {fresh})
