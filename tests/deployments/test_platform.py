"""What a running platform offers: one start for all of these tests, each of which leaves it as it found it."""

import asyncio
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.events import Event
from prefect.events.clients import PrefectEventsClient
from prefect.events.schemas.events import Resource
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks import PostgresWarehouse
from deployments import local
from deployments.automations import SILENT_RUNS
from deployments.pool import QUEUES
from deployments.settings import POOL, PROJECT, WORKER, PlatformSettings
from deployments.state import PlatformState, Process
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded
from tests.deployments.conftest import FINAL, Running, belonging_to, free_port, until, up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PROJECTS = {"kind": "file", "path": "sample-data/projects-template.csv"}


def emit(platform: Running, payload: dict[str, Any], name: str = "source.updated") -> Event:
    """Send an event through the API, as any program may."""
    resource = Resource({"prefect.resource.id": "sluice.source.projects"})
    event = Event(event=name, resource=resource, payload=payload)

    async def send() -> None:
        async with PrefectEventsClient(f"http://127.0.0.1:{platform.port}/api") as client:
            await client.emit(event)

    asyncio.run(send())
    return event


def registered(platform: Running) -> dict[str, Any]:
    """Everything that registering makes, by its identity."""
    deployments = platform.post("/deployments/filter")
    queues = platform.post(f"/work_pools/{POOL}/queues/filter")
    return {
        "pool": platform.get(f"/work_pools/{POOL}")["id"],
        "deployments": sorted((item["name"], item["id"]) for item in deployments),
        "queues": sorted((item["name"], item["id"], item["priority"]) for item in queues),
        "automations": sorted(item["name"] for item in platform.post("/automations/filter")),
        "blocks": sorted((item["name"], item["id"]) for item in platform.post("/block_documents/filter")),
    }


def test_the_queues_are_served_in_the_order_of_their_priority(platform: Running) -> None:
    queues = platform.post(f"/work_pools/{POOL}/queues/filter")
    found = {item["name"]: item["priority"] for item in queues if item["name"] in QUEUES}
    assert found == QUEUES


def test_the_worker_polls_the_pool(platform: Running) -> None:
    (worker,) = platform.post(f"/work_pools/{POOL}/workers/filter")
    assert (worker["name"], worker["status"]) == (WORKER, "ONLINE")


def test_runs_are_scheduled_for_every_six_hours_in_utc(platform: Running) -> None:
    def times() -> set[str]:
        runs = platform.runs_of("standard-every-six-hours")
        return {run["expected_start_time"][11:19] for run in runs if run["auto_scheduled"]}

    # The server makes the next three runs, one after another.
    until(lambda: len(times()) >= 3, seconds=120)
    assert times() < {"00:00:00", "06:00:00", "12:00:00", "18:00:00"}


def test_a_second_make_up_says_that_one_is_running(platform: Running) -> None:
    began = time.monotonic()
    second = up(platform.home, platform.port)
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 0
    assert "already up since" in said
    assert f"http://127.0.0.1:{platform.port}" in said
    assert time.monotonic() - began < 10


def test_a_taken_port_is_named_with_a_way_out(platform: Running, home: Any) -> None:
    second = up(home, platform.port)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 2
    assert f"Port {platform.port}" in said
    assert "taken by a Prefect server" in said
    assert f"SLUICE_PORT={platform.port + 1} make up" in said


def test_a_port_taken_by_another_program_ends_the_start_and_leaves_nothing_running(home: Any) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = up(home, port)
        said, _ = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert f"Port {port} of 127.0.0.1 is taken by another program" in said
    assert f"SLUICE_PORT={port + 1} make up" in said
    assert belonging_to(home) == []
    assert not Embedded(home).status().running
    assert not (home / "platform.json").exists()


def test_a_taken_port_is_told_before_anything_is_stopped_or_changed(home: Path) -> None:
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    with socket.socket() as other, subprocess.Popen(sleeps) as shared, subprocess.Popen(sleeps) as worker:
        try:
            other.bind(("127.0.0.1", 0))
            other.listen()
            elsewhere = PlatformSettings(home=home, port=free_port())
            local.hand_over(elsewhere, Process.of("server", shared.pid))
            left = [Process(name="platform", pid=1, born=1.0), Process.of("worker", worker.pid)]
            urls = {"api_url": elsewhere.api_url, "ui_url": elsewhere.ui_url}
            PlatformState(**urls, started=datetime.now(UTC), processes=left).write(home)
            before = {path.name: path.read_bytes() for path in home.glob("*.json")}
            refused = up(home, other.getsockname()[1])
            said, _ = refused.communicate(timeout=60)
            assert refused.returncode == 2
            assert "taken by another program" in said
            assert (shared.poll(), worker.poll()) == (None, None)
            assert {path.name: path.read_bytes() for path in home.glob("*.json")} == before
        finally:
            shared.kill()
            worker.kill()


def test_a_run_started_by_hand_publishes_the_sample_rows(platform: Running) -> None:
    run = platform.start_run("standard-manual", request={"dataset": "projects", "sources": [PROJECTS]})
    done = platform.run_in(run, FINAL)
    assert done["state_type"] == "COMPLETED", done["state"]
    with Warehouse.from_embedded(platform.home).connect() as connection:
        row = connection.execute("SELECT count(*) FROM data.projects").fetchone()
    assert row
    assert row[0] >= 5


def test_a_request_that_the_form_would_not_allow_is_refused_at_once(platform: Running) -> None:
    with platform.api as client:
        reply = client.post(
            f"/deployments/{platform.deployment('standard-manual')['id']}/create_flow_run",
            json={"parameters": {"request": {"dataset": "projects", "sources": [{"kind": "fax"}]}}},
        )
    assert reply.status_code == 409


def test_an_event_starts_a_run_with_its_payload_as_the_request(platform: Running) -> None:
    payload = {
        "dataset": "projects",
        "force": True,
        "sources": [{**PROJECTS, "options": {"quote": '"', "delimiter": ","}}],
    }
    before = {run["id"] for run in platform.runs_of("standard-on-event")}
    emit(platform, payload)
    (run,) = until(
        lambda: [item for item in platform.runs_of("standard-on-event") if item["id"] not in before]
    )
    assert run["parameters"] == {"request": payload}
    assert run["work_queue_name"] == "normal"
    done = platform.run_in(run["id"], FINAL)
    assert done["state_type"] == "COMPLETED", done["state"]


def test_an_event_with_a_bad_payload_starts_nothing_and_says_why(platform: Running) -> None:
    before = {run["id"] for run in platform.runs_of("standard-on-event")}
    emit(platform, {"dataset": "projects", "sources": "all of them"})
    wanted = {"event": {"name": ["prefect.automation.action.failed"]}}
    failed = until(lambda: platform.post("/events/filter", filter=wanted)["events"])
    assert "sources" in str(failed[0]["payload"])
    assert {run["id"] for run in platform.runs_of("standard-on-event")} == before


@pytest.fixture(scope="module")
def again(platform: Running) -> dict[str, Any]:
    """What is there before and after registering again, and what became of a user's changes, then undone."""
    (automation,) = [a for a in platform.post("/automations/filter") if a["name"] == SILENT_RUNS]
    deployment = platform.deployment("standard-every-six-hours")
    schedule = f"/deployments/{deployment['id']}/schedules/{deployment['schedules'][0]['id']}"
    before = registered(platform)
    with (
        temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{platform.port}/api"}),
        platform.api as client,
    ):
        PostgresWarehouse(url="postgresql://me:hunter2@elsewhere/x").save("warehouse", overwrite=True)
        client.patch(f"/automations/{automation['id']}", json={"enabled": False}).raise_for_status()
        client.patch(schedule, json={"active": False}).raise_for_status()
        try:
            register(platform)
            return {
                "before": before,
                "after": registered(platform),
                "block": asyncio.run(PostgresWarehouse.aload("warehouse")),
                "automation": platform.get(f"/automations/{automation['id']}"),
                "schedules": platform.deployment("standard-every-six-hours")["schedules"],
            }
        finally:
            PostgresWarehouse().save("warehouse", overwrite=True)
            client.patch(f"/automations/{automation['id']}", json={"enabled": True})
            client.patch(schedule, json={"active": True})


def test_registering_again_changes_nothing(again: dict[str, Any]) -> None:
    before = again["before"]
    assert {name for name, *_ in before["queues"]} >= QUEUES.keys()
    assert SILENT_RUNS in before["automations"]
    assert [name for name, _ in before["blocks"]] == ["warehouse"]
    assert again["after"] == before


def test_what_a_user_changed_survives_registering(again: dict[str, Any]) -> None:
    assert "elsewhere" in again["block"].url.get_secret_value()
    assert not again["automation"]["enabled"]
    (schedule,) = again["schedules"]
    assert not schedule["active"]


def test_secrets_of_blocks_are_not_shown_by_the_api(platform: Running) -> None:
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{platform.port}/api"}):
        PostgresWarehouse(url="postgresql://me:hunter2@elsewhere/x").save("secretive")
        try:
            assert "hunter2" not in str(platform.post("/block_documents/filter"))
        finally:
            asyncio.run(PostgresWarehouse.adelete("secretive"))


def register(platform: Running) -> None:
    """``python -m deployments.register`` against the platform."""
    done = subprocess.run(
        [sys.executable, "-m", "deployments.register"],
        cwd=PROJECT,
        env={
            "PATH": "/usr/bin:/bin",
            "SLUICE_HOME": str(platform.home),
            "PREFECT_HOME": str(platform.home / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{platform.port}/api",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
