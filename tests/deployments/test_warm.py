"""Runs in copies of the zygote: what ends, who notices, and what happens where there is no zygote."""

import array
import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psutil
import pytest
from prefect import flow
from prefect._flow_run_suspension import FlowRunSuspensionRequest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Suspended

from deployments.pool import CLIENT
from deployments.settings import PROJECT
from deployments.warm import known, suspension, worker
from tests.deployments.conftest import Running, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PROJECTS = {"kind": "file", "path": "sample-data/projects-template.csv"}


def children(platform: Running, name: str, marked: str) -> list[psutil.Process]:
    """Processes that a part of the platform has started, whose command line has this in it."""
    found = []
    for one in psutil.Process(platform.pid_of(name)).children(recursive=True):
        with suppress(psutil.Error):  # it has just ended, or is about to
            if marked in " ".join(one.cmdline()):
                found.append(one)
    return found


def begun(platform: Running, request: dict[str, Any]) -> tuple[str, psutil.Process, psutil.Process]:
    """An endless run at work, its process, and the client that stands for it."""
    until(lambda: connected(platform)).close()  # while it imports, runs start the usual way
    before = processes(platform)  # a run that has just ended takes a moment to leave
    run = platform.start_run("standard-manual", request=request)
    platform.run_in(run, {"RUNNING"})
    copy, client = (set(now) - set(earlier) for now, earlier in zip(processes(platform), before, strict=True))
    return run, copy.pop(), client.pop()


def processes(platform: Running) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """The zygote's copies, and their clients."""
    return children(platform, "zygote", "zygote"), children(platform, "worker", CLIENT[-1])


def test_a_run_is_a_copy_of_the_zygote_and_ends_when_cancelled(
    platform: Running, endless: dict[str, Any]
) -> None:
    run, copy, _ = begun(platform, endless)
    assert copy.environ()["SLUICE_HOME"] == str(platform.home)
    platform.post(f"/flow_runs/{run}/set_state", state={"type": "CANCELLING"})
    platform.run_in(run, {"CANCELLED"}, seconds=60)
    until(lambda: not copy.is_running() or copy.status() == psutil.STATUS_ZOMBIE)


def test_a_killed_copy_is_a_crashed_run(platform: Running, endless: dict[str, Any]) -> None:
    run, copy, client = begun(platform, endless)
    copy.kill()
    platform.run_in(run, {"CRASHED"}, seconds=90)
    until(lambda: not client.is_running())


def test_the_run_of_a_killed_client_ends(platform: Running, endless: dict[str, Any]) -> None:
    run, copy, client = begun(platform, endless)
    client.kill()
    until(lambda: not copy.is_running(), seconds=60)
    platform.run_in(run, {"CRASHED"}, seconds=90)


def test_a_killed_zygote_takes_its_runs_along_and_is_started_again(
    platform: Running, endless: dict[str, Any]
) -> None:
    run, copy, _ = begun(platform, endless)
    zygote = platform.pid_of("zygote")
    psutil.Process(zygote).kill()
    until(lambda: not copy.is_running(), seconds=60)
    platform.run_in(run, {"CRASHED"}, seconds=90)
    next_run = platform.start_run("standard-manual", request={"dataset": "projects", "sources": [PROJECTS]})
    platform.run_in(next_run, {"COMPLETED"})
    until(lambda: platform.pid_of("zygote") != zygote)


def test_changed_code_is_what_the_next_run_has(platform: Running) -> None:
    place = until(lambda: inode(platform))
    os.utime(PROJECT / "flows" / "__init__.py")
    run = platform.start_run("standard-manual", request={"dataset": "projects", "sources": [PROJECTS]})
    platform.run_in(run, {"COMPLETED"})
    until(lambda: inode(platform) not in (0, place))
    (log,) = platform.home.glob("**/zygote.log")
    assert "flows/__init__.py. Runs start slowly" in log.read_text()


def inode(platform: Running) -> int:
    """Which socket stands at the zygote's place; 0: none."""
    try:
        return (platform.home / "zygote.socket").stat().st_ino
    except FileNotFoundError:
        return 0


def connected(platform: Running) -> socket.socket | None:
    """A line to the zygote; None while it imports."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.connect(str(platform.home / "zygote.socket"))
    except (FileNotFoundError, ConnectionRefusedError):
        line.close()
        return None
    return line


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"no", json.dumps({"cwd": "/", "env": {"SLUICE_X": "1"}}).encode()]
)
def test_the_zygote_refuses_what_it_can_not_be(platform: Running, body: bytes) -> None:
    before = platform.pid_of("zygote")
    with until(lambda: connected(platform)) as line:
        fds = array.array("i", [1, 2])
        line.sendmsg([len(body).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds.tobytes())])
        line.sendall(body)
        line.settimeout(10)
        assert line.recv(100) == b""
    assert platform.pid_of("zygote") == before
    assert psutil.Process(before).is_running()


def test_the_worker_learns_what_became_of_a_deployment(
    platform: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks once for many runs, and again soon enough."""
    about = UUID(platform.deployment("standard-manual")["id"])
    monkeypatch.setattr(worker, "REMEMBERED", 1.0)

    def describe(text: str) -> None:
        with platform.api as client:
            client.patch(f"/deployments/{about}", json={"description": text}).raise_for_status()

    async def told() -> list[str | None]:
        async with get_client(httpx_settings={"trust_env": False}) as client:
            remembering = worker.Remembering(client)
            found = [(await remembering.read_deployment(about)).description]
            describe("another")
            found.append((await remembering.read_deployment(about)).description)
            await asyncio.sleep(1.1)
            found.append((await remembering.read_deployment(about)).description)
            return found

    try:
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{platform.port}/api"}):
            first, again, later = asyncio.run(told())
    finally:
        describe(first or "")
    assert (again, later) == (first, "another")


def test_events_of_a_run_name_what_it_belongs_to_though_it_asked_nobody(
    platform: Running, endless: dict[str, Any]
) -> None:
    run, _, _ = begun(platform, endless)
    wanted = {"event": {"name": ["prefect.flow-run.heartbeat"]}}
    wanted["resource"] = {"id": [f"prefect.flow-run.{run}"]}
    (beat, *_) = until(lambda: platform.post("/events/filter", filter=wanted)["events"])
    platform.post(f"/flow_runs/{run}/set_state", state={"type": "CANCELLING"})
    named = {one["prefect.resource.role"]: one["prefect.resource.id"] for one in beat["related"]}
    told = platform.get(f"/flow_runs/{run}")
    assert named["flow"] == f"prefect.flow.{told['flow_id']}"
    assert named["deployment"] == f"prefect.deployment.{told['deployment_id']}"
    assert named["work-queue"] == f"prefect.work-queue.{told['work_queue_id']}"
    assert named["work-pool"] == f"prefect.work-pool.{told['work_pool_id']}"
    platform.run_in(run, {"CANCELLED"}, seconds=60)


def test_only_code_that_is_imported_is_at_hand() -> None:
    def entrypoint(given: str, **more: Any) -> str:
        fetched = {"pull_steps": None, "storage_document_id": None} | more
        return known._at_hand(SimpleNamespace(entrypoint=given, **fetched))  # type: ignore[arg-type]

    assert entrypoint("flows.maintenance.maintenance") == "flows.maintenance.maintenance"
    assert entrypoint("flows/maintenance.py:maintenance") == ""
    assert entrypoint("flows.maintenance.maintenance", pull_steps=[{"git": {}}]) == ""
    assert entrypoint("flows.maintenance.maintenance", storage_document_id=UUID(int=1)) == ""


def test_a_run_looks_now_and_then_whether_it_is_suspended(
    prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspension.flow_engine, "observe_flow_run_suspension", suspension.observed)

    @flow(persist_result=False)
    def watched() -> bool:
        return "suspension" in {thread.name for thread in threading.enumerate()}

    asked = FlowRunSuspensionRequest()
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow(watched), "watched")
        run = client.create_flow_run_from_deployment(deployment)
        assert run_flow(watched, flow_run=run) is True  # the engine uses what is put in the place of its own
        with suspension.observed(run.id, asked, polling_interval=0.2):
            time.sleep(0.5)
            assert not asked.is_requested()
            client.set_flow_run_state(run.id, Suspended(timeout_seconds=60), force=True)
            until(asked.is_requested, 20)


def test_without_a_zygote_the_client_becomes_prefects_engine() -> None:
    environment = {**os.environ, "SLUICE_ZYGOTE": "/nowhere"}
    environment.pop("PREFECT__FLOW_RUN_ID", None)
    ended = subprocess.run(
        [sys.executable, *CLIENT], env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert "flow run id" in (ended.stdout + ended.stderr).lower()
