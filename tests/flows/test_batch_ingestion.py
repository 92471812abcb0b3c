"""The batch ingestion: each of its jobs ends as it would have alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)

from flows import batch_ingestion as module
from flows.batch_ingestion import batch_ingestion
from flows.runner import run_here
from flows.standard_ingestion import IngestionRequest
from sluice.errors import SluiceError, SourceError
from sluice.jobs import ledger, steps
from sluice.jobs.lease import try_lock, unlock
from sluice.queue import outbox, pauses
from sluice.warehouse.connection import Warehouse

SAMPLES = Path(__file__).parents[2] / "sample-data"
MADE = ("seconds", "rows_per_second", "peak_memory_mb", "job_id", "flow_run_id")
Queue = Callable[..., IngestionRequest]


@pytest.fixture
def queued(project: Warehouse) -> Queue:
    """Makes a job that waits, and its request."""

    def make(dataset: str, *paths: Path | str, **more: Any) -> IngestionRequest:
        request = IngestionRequest.of_files(dataset, *map(str, paths), **more)
        with project.connect(autocommit=True) as connection:
            job = ledger.create(
                connection,
                dataset=dataset,
                filename="x.csv",
                file_type="csv",
                details={"request": request.model_dump()},
            )
            outbox.put(connection, job, 1, "normal")
        return request.model_copy(update={"job_id": job})

    return make


@pytest.fixture
def run(project: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs the flow over jobs that were handed over to it, as far as ``theirs`` says."""
    begins = steps.begins

    def handed_over(warehouse: Warehouse, job_id: str, flow_run_id: str) -> bool:
        with warehouse.connect(autocommit=True) as connection:
            connection.execute(
                "UPDATE sluice.outbox SET dispatched_at = now(), flow_run_id = %s"
                " WHERE job_id = %s AND dispatched_at IS NULL AND round = 0",
                [flow_run_id, job_id],
            )
        return begins(warehouse, job_id, flow_run_id)

    monkeypatch.setattr(module.steps, "begins", handed_over)
    return lambda *requests: batch_ingestion(list(requests))


def status(project: Warehouse, request: IngestionRequest) -> str:
    return str(ledger.get(project, request.job_id)["status"])


def test_each_job_ends_as_it_would_have_alone(project: Warehouse, queued: Queue, run: Any) -> None:
    found = run(
        queued("bugs", SAMPLES / "bugs-dirty.csv", mode="append"),
        queued("projects", SAMPLES / "projects-template.csv", SAMPLES / "projects-180.csv"),
    )
    with project.connect(autocommit=True) as connection:
        connection.execute("DROP TABLE data.bugs, data.projects")
    alone = [
        run_here({"dataset": "bugs", "mode": "append", "sources": [_file("bugs-dirty.csv")], "force": True}),
        run_here(
            {
                "dataset": "projects",
                "sources": [_file("projects-template.csv"), _file("projects-180.csv")],
                "force": True,
            }
        ),
    ]
    for one, other in zip(found, alone, strict=True):
        assert one["published"] > 0
        assert {k: v for k, v in one.items() if k not in MADE} == {
            k: v for k, v in other.items() if k not in MADE
        }


def _file(name: str) -> dict[str, str]:
    return {"kind": "file", "path": str(SAMPLES / name)}


def test_a_job_that_fails_leaves_the_others_alone(project: Warehouse, queued: Queue, run: Any) -> None:
    bad = queued("projects", SAMPLES / "nothing.csv")
    good = queued("bugs", SAMPLES / "bugs-template.csv")
    with pytest.raises(SourceError, match=r"nothing.csv does not exist"):
        run(bad, good)
    assert (status(project, bad), status(project, good)) == ("failed", "completed")
    with get_client(sync_client=True) as client:
        run_id = ledger.get(project, good.job_id)["flow_run_id"]
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
        (shown,) = client.read_flow_runs(flow_run_filter=chosen)
        made = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    assert shown.state
    assert shown.state.is_failed()
    (results,) = [one for one in made if one.key]
    assert results.key == "results"
    assert results.description == "1 jobs done, 1 failed"
    assert good.job_id in str(results.data)
    assert bad.job_id in str(results.data)


def test_several_failures_are_all_told(queued: Queue, run: Any) -> None:
    bad = [queued("projects", SAMPLES / f"nothing-{number}.csv") for number in range(2)]
    with pytest.raises(
        SluiceError, match=f"2 jobs failed. {bad[0].job_id}: .*-0.csv.*{bad[1].job_id}: .*-1.csv"
    ):
        run(*bad)


def test_a_job_that_is_not_its_own_is_not_touched(project: Warehouse, queued: Queue, run: Any) -> None:
    own, other, cancelled = (queued("bugs", SAMPLES / "bugs-template.csv") for _ in range(3))
    with project.connect(autocommit=True) as connection:
        connection.execute(
            "UPDATE sluice.outbox SET dispatched_at = now(), flow_run_id = %s WHERE job_id = %s",
            [str(uuid4()), other.job_id],
        )
        ledger.cancel(connection, cancelled.job_id)
    (found,) = run(own, other, cancelled)
    assert found["job_id"] == own.job_id
    assert [status(project, one) for one in (other, cancelled)] == ["pending", "cancelled"]


def test_jobs_that_have_not_begun_are_held_until_their_turn(
    project: Warehouse, queued: Queue, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (queued("bugs", SAMPLES / "bugs-template.csv", force=True) for _ in range(2))
    seen: list[bool] = []
    really = steps.open_job

    def look(*values: Any) -> Any:
        with project.connect(autocommit=True) as connection:
            seen.append(not try_lock(connection, second.job_id))
            unlock(connection, second.job_id)
        return really(*values)

    monkeypatch.setattr(module.steps, "open_job", look)
    run(first, second)
    assert seen == [True, True]
    with project.connect(autocommit=True) as connection:
        assert try_lock(connection, second.job_id)


def test_a_pause_sends_back_what_has_not_begun(
    project: Warehouse, queued: Queue, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (queued("bugs", SAMPLES / "bugs-template.csv", force=True) for _ in range(2))
    really = steps.open_job

    def pausing(*values: Any) -> Any:
        with project.connect(autocommit=True) as connection:
            pauses.pause(connection, 1, None)
        return really(*values)

    monkeypatch.setattr(module.steps, "open_job", pausing)
    (found,) = run(first, second)
    assert found["job_id"] == first.job_id
    assert status(project, second) == "pending"
    with project.connect(autocommit=True) as connection:
        pauses.resume(connection, 1)
        assert [one.job_id for one in outbox.claim(connection, 5)] == [second.job_id]
