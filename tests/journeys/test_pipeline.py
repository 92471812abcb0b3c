"""What becomes of jobs that wait, fail, or are cancelled; and who hears of it."""

import json
from datetime import datetime
from typing import Any

import psutil
import pytest

from sluice.warehouse.tables import PRIORITIES
from tests.conftest import CRASHES
from tests.deployments.conftest import FINAL, Running, until
from tests.gateway.test_live import Stream
from tests.journeys.conftest import OVER, Service, Source, projects

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

AT_ONCE = 3


def test_a_job_is_tried_again_until_it_is_a_dead_letter_and_from_there_once_more(
    service: Service, source: Source, platform: Running
) -> None:
    source.hold.clear()
    job_id = service.ask("POST", "/api/pipeline/jobs", 202, json=source.request())["job_id"]
    most = CRASHES + 1
    for attempt in range(1, most + 1):
        until(lambda attempt=attempt: source.asked and service.job(job_id)["attempt"] == attempt)
        (copy,) = psutil.Process(platform.pid_of("zygote")).children()
        copy.kill()
    job = service.job_in(job_id, OVER)
    assert (job["status"], job["attempt"]) == ("failed", most)
    letters = service.ask("GET", "/api/pipeline/dlq")["dead_letters"]
    assert [one["tries"] for one in letters if one["job_id"] == job_id] == [most]
    source.hold.set()
    chosen = {"job_ids": [job_id]}
    assert service.ask("POST", "/api/pipeline/dlq/retry", json=chosen)["job_ids"] == [job_id]
    job = service.job_in(job_id, OVER)
    assert (job["status"], job["attempt"], job["error_message"]) == ("completed", most + 1, None)
    assert service.rows(source.prefix) == 3
    assert job_id not in [one["job_id"] for one in service.ask("GET", "/api/pipeline/dlq")["dead_letters"]]


def test_jobs_that_were_queued_in_a_pause_start_in_the_order_of_their_priority(service: Service) -> None:
    priorities = ["low", "normal", "critical", "high", "low", "normal", "critical", "high"]
    service.ask("POST", "/api/pipeline/pause")
    try:
        jobs = {service.send(projects()[1], priority=one)[0]: one for one in priorities}
        assert {service.job(one)["status"] for one in jobs} == {"pending"}
        assert service.ask("GET", "/api/pipeline/stats")["queue_depth"] == len(jobs)
    finally:
        service.ask("POST", "/api/pipeline/resume")
    ended = [service.job_in(one, OVER) for one in jobs]
    assert {one["status"] for one in ended} == {"completed"}
    query = "SELECT job_id FROM sluice.outbox WHERE job_id = ANY(%s) ORDER BY dispatched_at"
    handed_over = [jobs[str(one)] for (one,) in service.query(query, list(jobs))]
    assert handed_over == sorted(priorities, key=PRIORITIES.index)
    for one in ended:
        assert len(begun_with(one, ended)) <= AT_ONCE


def begun_with(job: dict[str, Any], jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that have a place when this job begins, if it takes none from a more urgent one: the job itself, those that
    work, and each more urgent one that has not begun, which then is about to.
    """

    def moment(one: dict[str, Any], name: str) -> datetime:
        return datetime.fromisoformat(one[name])

    began = moment(job, "started_processing_at")

    def counts(one: dict[str, Any]) -> bool:
        if moment(one, "started_processing_at") <= began:
            return moment(one, "completed_at") > began
        return PRIORITIES.index(one["priority"]) < PRIORITIES.index(job["priority"])

    return [one for one in jobs if counts(one)]


def run_of(service: Service, job_id: str) -> str:
    """The id of the flow run that has the job."""
    query = "SELECT flow_run_id FROM sluice.outbox WHERE job_id = %s AND flow_run_id IS NOT NULL"
    return str(until(lambda: service.query(query, job_id))[0][0])


def test_a_deleted_job_takes_its_running_run_along_and_publishes_nothing(
    service: Service, source: Source, platform: Running
) -> None:
    source.hold.clear()
    job_id = service.ask("POST", "/api/pipeline/jobs", 202, json=source.request())["job_id"]
    service.job_in(job_id, {"processing"})
    run = run_of(service, job_id)
    until(lambda: source.asked)
    service.ask("DELETE", f"/api/ingest/{job_id}")
    platform.run_in(run, {"CANCELLED"}, seconds=90)  # Crashed is what its process says at first
    source.hold.set()
    assert service.query("SELECT status FROM sluice.ingestion_jobs WHERE job_id = %s", job_id) == [
        ("cancelled",)
    ]
    until(lambda: service.query(_FORGOTTEN, job_id))
    assert service.rows(source.prefix) == 0
    assert service.http.get(f"/api/ingest/status/{job_id}").status_code == 404


_FORGOTTEN = "SELECT FROM sluice.outbox WHERE job_id = %s AND flow_run_id IS NULL"


def test_a_job_that_is_deleted_while_its_run_waits_never_begins(
    service: Service, source: Source, platform: Running
) -> None:
    source.hold.clear()
    busy = [
        service.ask("POST", "/api/pipeline/jobs", 202, json=source.request(force=True))["job_id"]
        for _ in range(3)
    ]
    for one in busy:
        service.job_in(one, {"processing"})
    prefix, content = projects()
    (job_id,) = service.send(content)
    run = run_of(service, job_id)
    service.ask("DELETE", f"/api/ingest/{job_id}")
    ended = platform.run_in(run, FINAL, seconds=90)
    assert (ended["state_type"], ended["run_count"]) == ("CANCELLED", 0)
    for one in busy:
        service.ask("DELETE", f"/api/ingest/{one}")
    for one in busy:
        until(lambda one=one: service.query(_FORGOTTEN, one))
    assert (service.rows(prefix), service.rows(source.prefix)) == (0, 0)


def test_live_events_tell_a_jobs_way_and_go_on_where_the_line_broke(service: Service) -> None:
    with service.http.stream("GET", "/api/ingest/events", timeout=60) as reply:
        stream = Stream(reply)
        (job_id,) = service.send(projects()[1])
        told = [next_of(stream, job_id)]
        while told[-1]["status"] not in OVER:
            told.append(next_of(stream, job_id))
    assert [told[0]["status"], told[-1]["status"]] == ["pending", "completed"]
    assert "job.processing" in [one["type"] for one in told]
    progress = [one["progress"] for one in told]
    assert progress == sorted(progress)
    assert progress[-1] == 100
    again = {"Last-Event-ID": str(told[0]["id"])}
    with service.http.stream("GET", "/api/ingest/events", headers=again, timeout=60) as reply:
        stream = Stream(reply)
        assert [next_of(stream, job_id) for _ in told[1:]] == told[1:]


def next_of(stream: Stream, job_id: str) -> dict[str, Any]:
    """The next event of the job."""
    while True:
        found: dict[str, Any] = json.loads(stream.next()["data"])
        if found["job_id"] == job_id:
            return found
