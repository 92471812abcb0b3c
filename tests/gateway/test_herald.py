"""The herald, against a real Prefect server."""

import time
from datetime import UTC, datetime

import httpx
import pytest
from prefect.settings import PREFECT_API_URL

from gateway.herald import Herald, as_event
from gateway.prefect import Prefect
from gateway.settings import GatewaySettings
from sluice.errors import DataRefused, RetryError
from sluice.jobs import ledger, retries
from sluice.queue.heralds import News

RUN = "0f4e9f0e-9d2b-4d59-8f5b-7a1f9c1f4a10"


@pytest.fixture
def prefect(prefect_server, tmp_path):
    made = Prefect.of(GatewaySettings(home=tmp_path, prefect_api_url=PREFECT_API_URL.value()))
    yield made
    made.http.close()


@pytest.fixture
def herald(warehouse, prefect):
    return Herald(warehouse, prefect)


def tell_all(herald, connection):
    while herald.tell(connection):
        pass


def told(prefect, job, count):
    """The events of the job that Prefect knows, oldest first: it notes them some time after it took them."""
    wanted = {"filter": {"resource": {"id": [f"sluice.job.{job}"]}, "order": "ASC"}}
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = prefect.http.post("/events/filter", json=wanted).json()["events"]
        if len(found) >= count:
            break
        time.sleep(0.1)
    return found


def test_start_and_end_of_a_job_are_told_once_with_its_dataset_and_its_run(
    connection, herald, prefect, queued
):
    job = queued()
    ledger.start(connection, job, flow_run_id=RUN)
    for percent in (10, 20, 30):
        ledger.move(connection, job, stage="transforming", progress=percent)
    with connection.transaction():
        ledger.complete(connection, job, {})
    tell_all(herald, connection)
    connection.execute("UPDATE sluice.heralds SET last_event = 0")  # as if it had died before it noted that
    tell_all(herald, connection)
    after = queued()
    ledger.cancel(connection, after, "not wanted")
    tell_all(herald, connection)
    assert [one["event"] for one in told(prefect, after, 1)] == ["sluice.job.cancelled"]
    start, end = told(prefect, job, 2)
    assert (start["event"], end["event"]) == ("sluice.job.started", "sluice.job.completed")
    assert [one["prefect.resource.id"] for one in end["related"]] == [
        "sluice.dataset.projects",
        f"prefect.flow-run.{RUN}",
    ]
    assert end["payload"]["dataset"] == "projects"
    assert end["resource"]["sluice.organization"] == "1"


def test_each_try_and_each_failure_of_a_job_is_told_with_its_reason(connection, herald, prefect, queued):
    job = queued()
    for _ in range(2):
        ledger.start(connection, job)
        ledger.fail(connection, job, DataRefused("The header is missing."))
        retries.retry(connection, 1, jobs=[job])
    tell_all(herald, connection)
    events = told(prefect, job, 4)
    assert [one["event"].rpartition(".")[2] for one in events] == ["started", "failed"] * 2
    assert "header is missing" in events[1]["payload"]["error"]
    assert [one["payload"]["attempt"] for one in events] == [1, 1, 2, 2]


def test_while_prefect_is_away_nothing_is_forgotten(connection, warehouse, herald, prefect, queued):
    jobs = [queued(organization_id=number) for number in (1, 2)]
    for job in jobs:
        ledger.start(connection, job)
    with (
        httpx.Client(base_url="http://127.0.0.1:9/api", trust_env=False) as nobody,
        pytest.raises(RetryError),
    ):
        tell_all(Herald(warehouse, Prefect(nobody, "", "")), connection)
    tell_all(herald, connection)
    assert [len(told(prefect, job, 1)) for job in jobs] == [1, 1]


def test_an_event_that_prefect_refuses_holds_up_no_other(herald, prefect):
    data = dict.fromkeys(("job_id", "dataset", "filename", "message", "error"), "a") | {"attempt": 1}
    good = as_event(News(1, "odd", data, datetime.now(UTC), None, "started"), 1)
    herald._emit([{**good, "id": "none at all"}, good])
    assert [one["id"] for one in told(prefect, "odd", 1)] == [good["id"]]
