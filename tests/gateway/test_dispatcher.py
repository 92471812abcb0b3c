"""The dispatcher and the reconciler, against a real Prefect server."""

import threading
import time
from datetime import timedelta

import pytest
from prefect.settings import PREFECT_API_URL

from gateway.dispatcher import Dispatcher
from gateway.prefect import Prefect
from gateway.reconciler import call_off, reconcile
from gateway.settings import GatewaySettings
from sluice.errors import ReadError
from sluice.jobs import ledger
from sluice.jobs.lease import lease
from sluice.queue import outbox, pauses
from tests.gateway.prefect_api import Api


@pytest.fixture(scope="module")
def api(prefect_server):
    """A client of the Prefect API, with a deployment to make runs of."""
    with Api(base_url=PREFECT_API_URL.value(), trust_env=False, timeout=30) as client:
        client.post("/work_pools/", json={"name": "p", "type": "process"})
        for queue in ("critical", "high", "normal", "low"):
            client.post("/work_pools/p/queues", json={"name": queue})
        for name in (GatewaySettings().deployment, GatewaySettings().batch_deployment):
            flow_name, _, deployment = name.partition("/")
            flow = client.post("/flows/", json={"name": flow_name}).json()["id"]
            body = {
                "flow_id": flow,
                "name": deployment,
                "work_pool_name": "p",
                "work_queue_name": "normal",
            }
            client.post("/deployments/", json=body).raise_for_status()
        yield client


@pytest.fixture
def settings(api, tmp_path):
    return GatewaySettings(home=tmp_path, prefect_api_url=str(api.base_url), concurrency=2)


@pytest.fixture
def prefect(settings):
    made = Prefect.of(settings)
    yield made
    made.http.close()


@pytest.fixture
def dispatcher(warehouse, prefect, settings):
    return Dispatcher(warehouse, prefect, settings)


def hand_over_all(dispatcher, connection):
    """Also what was put off because the server was busy."""
    while (
        dispatcher.hand_over(connection)
        or connection.execute(
            "UPDATE sluice.outbox SET due_at = now() WHERE trouble ~ '503|onnect' AND dispatched_at IS NULL"
        ).rowcount
    ):
        pass


def run_of(connection, job):
    query = "SELECT flow_run_id FROM sluice.outbox WHERE job_id = %s"
    return connection.execute(query, [job]).fetchone()[0]


def runs(api, job):
    found = api.post("/flow_runs/filter", json={"flow_runs": {"tags": {"all_": [job]}}}).json()
    return [one["id"] for one in found]


def later(connection):
    connection.execute("UPDATE sluice.outbox SET dispatched_at = now() - interval '1 minute'")


def set_state(api, run, kind):
    body = {"state": {"type": kind, "name": kind.title()}, "force": True}
    api.post(f"/flow_runs/{run}/set_state", json=body).raise_for_status()


def test_a_waiting_job_becomes_a_flow_run_in_the_queue_of_its_priority(connection, queued, dispatcher, api):
    job = queued("critical")
    hand_over_all(dispatcher, connection)
    run = api.get(f"/flow_runs/{run_of(connection, job)}").json()
    assert run["parameters"] == {"request": {"dataset": "projects", "job_id": job}}
    assert (run["work_queue_name"], run["state_type"]) == ("critical", "SCHEDULED")


def test_a_dispatcher_that_dies_before_its_commit_makes_no_second_run(
    connection, queued, prefect, dispatcher, api
):
    job = queued()
    with connection.transaction(force_rollback=True):
        (one,) = outbox.claim(connection, 1)
        first = prefect.start([one])
    hand_over_all(dispatcher, connection)
    assert run_of(connection, job) == first
    assert runs(api, job) == [first]


def test_two_dispatchers_hand_each_job_over_once(connection, queued, warehouse, prefect, settings, api):
    settings = settings.model_copy(update={"concurrency": 50})
    jobs = [queued() for _ in range(30)]

    def work():
        with warehouse.connect(autocommit=True) as own:
            hand_over_all(Dispatcher(warehouse, Prefect.of(settings), settings), own)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(runs(api, job)) == 1 for job in jobs)


def test_no_more_is_handed_over_than_will_soon_begin(connection, queued, dispatcher):
    jobs = [queued() for _ in range(6)]
    hand_over_all(dispatcher, connection)
    assert outbox.unstarted(connection) == 2
    urgent = queued("critical")
    for job in jobs[:2]:
        ledger.start(connection, job)
    hand_over_all(dispatcher, connection)
    assert run_of(connection, urgent)
    assert run_of(connection, jobs[2])
    assert run_of(connection, jobs[3]) is None


def test_an_idle_dispatcher_sees_what_is_due(connection, queued):
    assert not outbox.waits(connection)
    job = queued()
    assert outbox.waits(connection)
    connection.execute("UPDATE sluice.outbox SET due_at = now() + interval '1 minute'")
    assert not outbox.waits(connection)
    connection.execute(
        "UPDATE sluice.outbox SET due_at = now(), dispatched_at = now() WHERE job_id = %s", [job]
    )
    assert not outbox.waits(connection)


def small(connection):
    connection.execute("UPDATE sluice.ingestion_jobs SET file_size = 1000")


def test_small_jobs_that_would_wait_share_a_run(connection, queued, dispatcher, api):
    jobs = [queued() for _ in range(30)]
    small(connection)
    hand_over_all(dispatcher, connection)
    shared = [jobs[:10], jobs[10:20]]
    for together in shared:
        (run,) = {run_of(connection, job) for job in together}
        found = api.get(f"/flow_runs/{run}").json()
        assert [one["job_id"] for one in found["parameters"]["requests"]] == together
    assert run_of(connection, jobs[20]) is None


def test_few_small_jobs_get_a_run_each(connection, queued, dispatcher):
    jobs = [queued() for _ in range(2)]
    small(connection)
    hand_over_all(dispatcher, connection)
    assert len({run_of(connection, job) for job in jobs}) == 2


@pytest.mark.parametrize(
    ("count", "shares"), [(1, 1), (2, 1), (3, 1), (5, 1), (6, 2), (8, 2), (30, 10), (60, 10)]
)
def test_a_run_takes_what_falls_to_each_of_those_at_once(connection, queued, count, shares):
    jobs = [queued("high") for _ in range(count)]
    queued("low")
    small(connection)
    settled = outbox.together(outbox.claim(connection, 100), 3, 10)
    assert [one.job_id for one in settled] == jobs[:shares]


def test_a_job_that_failed_before_goes_alone(connection, queued, dispatcher):
    jobs = [queued() for _ in range(8)]
    small(connection)
    connection.execute("UPDATE sluice.outbox SET tries = 1 WHERE job_id = %s", [jobs[0]])
    hand_over_all(dispatcher, connection)
    others = {run_of(connection, job) for job in jobs[1:4]}
    assert len(others) == 1
    assert run_of(connection, jobs[0]) not in others


def test_organizations_and_priorities_do_not_share(connection, queued, dispatcher):
    queued("critical")
    jobs = [queued("high"), queued("high"), queued(), queued(organization_id=2)]
    small(connection)
    settled = outbox.together(outbox.claim(connection, 9)[1:], 1, 10)
    assert [one.job_id for one in settled] == jobs[:2]


def test_a_shared_run_begins_only_what_was_handed_over_to_it(connection, queued, dispatcher, prefect):
    jobs = [queued() for _ in range(10)]
    small(connection)
    with connection.transaction(force_rollback=True):
        orphan = prefect.start(outbox.claim(connection, 4))
    hand_over_all(dispatcher, connection)
    run = run_of(connection, jobs[0])
    assert run != orphan
    assert not any(outbox.mine(connection, job, orphan) for job in jobs)
    ledger.cancel(connection, jobs[1])
    assert [outbox.mine(connection, job, run) for job in jobs[:3]] == [True, False, True]


def test_a_shared_run_gives_back_what_it_has_not_begun_in_a_pause(connection, queued, dispatcher, api):
    jobs = [queued() for _ in range(10)]
    small(connection)
    hand_over_all(dispatcher, connection)
    run = run_of(connection, jobs[4])
    pauses.pause(connection, 1, None)
    assert not outbox.mine(connection, jobs[4], run)
    assert run_of(connection, jobs[4]) is None
    pauses.resume(connection, 1)
    set_state(api, run, "COMPLETED")
    for job in jobs[:4]:
        ledger.start(connection, job)
    hand_over_all(dispatcher, connection)
    assert run_of(connection, jobs[4]) not in (None, run)


def test_one_cancelled_job_does_not_end_a_run_that_has_others(connection, queued, dispatcher, prefect, api):
    jobs = [queued() for _ in range(10)]
    small(connection)
    hand_over_all(dispatcher, connection)
    run = run_of(connection, jobs[0])
    mine = [job for job in jobs if run_of(connection, job) == run]
    assert len(mine) > 1
    set_state(api, run, "RUNNING")
    for job in mine[1:]:
        ledger.cancel(connection, job)
    call_off(connection, prefect)
    assert state(api, run) == "RUNNING"
    ledger.cancel(connection, mine[0])
    call_off(connection, prefect)
    assert state(api, run) == "CANCELLING"


def test_a_run_that_crashed_with_a_job_that_nobody_cancelled_has_crashed(
    connection, queued, dispatcher, prefect, api
):
    jobs = [queued() for _ in range(10)]
    small(connection)
    hand_over_all(dispatcher, connection)
    run = run_of(connection, jobs[0])
    first, *others = [job for job in jobs if run_of(connection, job) == run]
    ledger.cancel(connection, first)
    for job in others:
        ledger.fail(connection, job, ReadError("It died."))
    connection.execute("UPDATE sluice.outbox SET flow_run_id = %s WHERE job_id = ANY(%s)", [run, others])
    set_state(api, run, "CRASHED")
    call_off(connection, prefect)
    assert (state(api, run), run_of(connection, first)) == ("CRASHED", None)


def test_without_prefect_a_job_waits_and_is_not_lost(connection, queued, warehouse, settings, dispatcher):
    job = queued()
    away = Prefect.of(settings.model_copy(update={"prefect_api_url": "http://127.0.0.1:9/api"}))
    assert not Dispatcher(warehouse, away, settings).hand_over(connection)
    (trouble,) = connection.execute("SELECT trouble FROM sluice.outbox").fetchone()
    assert "onnect" in trouble
    connection.execute("UPDATE sluice.outbox SET due_at = now()")
    hand_over_all(dispatcher, connection)
    assert run_of(connection, job)


def test_a_running_dispatcher_hears_of_new_jobs_and_of_resumed_ones(connection, queued, dispatcher):
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        time.sleep(0.5)
        pauses.pause(connection, 2, None)
        paused, job = queued(organization_id=2), queued()
        began = time.monotonic()
        while run_of(connection, job) is None and time.monotonic() - began < 3:
            time.sleep(0.02)
        assert time.monotonic() - began < 2
        assert run_of(connection, paused) is None
        began = time.monotonic()
        pauses.resume(connection, 2)
        while run_of(connection, paused) is None and time.monotonic() - began < 3:
            time.sleep(0.02)
        assert time.monotonic() - began < 2
    finally:
        dispatcher.stop()
        thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("state", "status"),
    [("CRASHED", "pending"), ("FAILED", "pending"), ("CANCELLED", "cancelled"), ("RUNNING", "pending")],
)
def test_a_job_follows_its_run_that_says_nothing(connection, queued, dispatcher, prefect, api, state, status):
    job = queued()
    hand_over_all(dispatcher, connection)
    run = run_of(connection, job)
    set_state(api, run, state)
    later(connection)
    assert reconcile(connection, prefect) == ([] if state == "RUNNING" else [job])
    assert ledger.get(connection, job)["status"] == status
    assert (run_of(connection, job) is None) == (state in ("CRASHED", "FAILED"))
    assert reconcile(connection, prefect) == []


def test_a_job_whose_run_was_deleted_is_cancelled(connection, queued, dispatcher, prefect, api):
    job = queued()
    hand_over_all(dispatcher, connection)
    api.delete(f"/flow_runs/{run_of(connection, job)}").raise_for_status()
    later(connection)
    reconcile(connection, prefect)
    assert ledger.get(connection, job)["status"] == "cancelled"


def test_a_job_that_somebody_works_on_is_left_alone(connection, queued, warehouse, dispatcher, prefect, api):
    job = queued()
    hand_over_all(dispatcher, connection)
    set_state(api, run_of(connection, job), "CRASHED")
    later(connection)
    with lease(warehouse, job):
        assert reconcile(connection, prefect) == []
    assert reconcile(connection, prefect) == [job]


def state(api, run):
    return api.get(f"/flow_runs/{run}").json()["state_type"]


def test_a_job_whose_process_is_gone_is_tried_again_though_prefect_takes_its_run_for_running(
    connection, queued, dispatcher, prefect, api, warehouse
):
    job = queued()
    hand_over_all(dispatcher, connection)
    run = run_of(connection, job)
    set_state(api, run, "RUNNING")
    later(connection)
    with lease(warehouse, job):
        ledger.start(connection, job)
        assert reconcile(connection, prefect) == []
    assert reconcile(connection, prefect) == [job]
    assert ledger.get(connection, job)["status"] == "retrying"
    assert state(api, run) == "CRASHED"


def test_a_run_that_its_worker_took_and_never_began_is_lost_after_a_while(
    connection, queued, dispatcher, prefect, api
):
    job = queued()
    hand_over_all(dispatcher, connection)
    run = run_of(connection, job)
    set_state(api, run, "PENDING")
    later(connection)
    assert reconcile(connection, prefect, timedelta(minutes=1)) == []
    assert reconcile(connection, prefect, timedelta(0)) == [job]
    assert (state(api, run), run_of(connection, job)) == ("CRASHED", None)


@pytest.mark.parametrize(
    ("before", "after"),
    [("SCHEDULED", "CANCELLED"), ("RUNNING", "CANCELLING"), ("CRASHED", "CANCELLED")],
)
def test_a_cancelled_jobs_run_is_ended(connection, queued, dispatcher, prefect, api, before, after):
    job = queued()
    hand_over_all(dispatcher, connection)
    run = run_of(connection, job)
    set_state(api, run, before)
    ledger.cancel(connection, job)
    call_off(connection, prefect)
    assert state(api, run) == after
    set_state(api, run, "CANCELLED")
    call_off(connection, prefect)
    assert run_of(connection, job) is None


def test_a_missing_deployment_puts_jobs_off_and_says_so(connection, queued, warehouse, settings):
    queued()
    missing = settings.model_copy(update={"deployment": "standard-ingestion/none"})
    Dispatcher(warehouse, Prefect.of(missing), missing).hand_over(connection)
    (trouble,) = connection.execute("SELECT trouble FROM sluice.outbox").fetchone()
    assert "no deployment standard-ingestion/none" in trouble
