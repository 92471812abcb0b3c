"""Events: each move of a job is told, in the order in which it became true."""

import threading

import psycopg
import pytest

from sluice.errors import InputError
from sluice.jobs import ledger
from sluice.queue import events


def test_each_move_of_a_job_is_told(connection, queued):
    job = queued()
    ledger.start(connection, job)
    ledger.move(connection, job, stage="transforming", progress=40, message="reading")
    with connection.transaction():
        ledger.complete(connection, job, {})
    told = [one for one in events.since(connection, 1, 0) if one.kind.startswith("job.")]
    assert [(one.kind, one.data["stage"], one.data["progress"]) for one in told] == [
        ("job.pending", "idle", 0),
        ("job.processing", "validating", 0),
        ("job.processing", "transforming", 40),
        ("job.completed", "complete", 100),
    ]
    assert {one.job_id for one in told} == {job}
    assert events.since(connection, 1, told[1].id)[:2] == told[2:]
    assert events.newest(connection, 1) == events.since(connection, 1, 0)[-1].id


def test_the_end_of_a_job_is_a_point_in_time_and_a_change_of_figures(connection, queued):
    job, _waiting = queued(), queued()
    ledger.start(connection, job)
    before = events.newest(connection, 1)
    with connection.transaction():
        ledger.complete(connection, job, {})
    end, point, metric = events.since(connection, 1, before)
    assert (end.kind, point.kind, metric.kind) == ("job.completed", "DATA_POINT", "METRIC_UPDATE")
    data = point.data["data"]
    assert (data["job_id"], data["status"], data["published"], data["rejected"]) == (job, "completed", 0, 0)
    assert 0 <= data["seconds"] < 60
    assert metric.data == {"metric": {"pending": 1, "processing": 0, "retrying": 0}}


def test_a_dead_letter_is_an_alert(connection, queued):
    job = queued()
    ledger.start(connection, job)
    before = events.newest(connection, 1)
    ledger.fail(connection, job, InputError("The data is wrong."))
    (alert,) = [one for one in events.since(connection, 1, before) if one.kind == "ALERT"]
    assert alert.job_id == job
    assert (alert.data["alert"]["severity"], alert.data["alert"]["message"]) == (
        "error",
        "The data is wrong.",
    )


def test_events_of_another_organization_are_not_told(connection, queued):
    queued(organization_id=2)
    assert events.since(connection, 1, 0) == []
    assert events.newest(connection, 1) == 0


def test_who_listens_hears_of_each_event(connection, warehouse, queued):
    with warehouse.connect(autocommit=True) as listener:
        listener.execute(f"LISTEN {events.CHANNEL}")
        job = queued()
        with connection.transaction():
            events.tell(connection, 1, "ALERT", {"text": "x"}, job)
        heard = [notice.payload for notice in listener.notifies(timeout=5, stop_after=2)]
    told = events.since(connection, 1, 0)
    assert heard == [f"1:{one.id}" for one in told]
    assert (told[1].kind, told[1].data, told[1].job_id) == ("ALERT", {"text": "x"}, job)


def test_an_event_is_never_committed_behind_a_later_one(connection, warehouse):
    """A reader who has seen number N would never look for N-1 again."""
    numbers = []

    def tell_second():
        with warehouse.connect() as other:
            events.tell(other, 1, "ALERT", {"n": 2})
        numbers.append(2)

    with connection.transaction():
        events.tell(connection, 1, "ALERT", {"n": 1})
        thread = threading.Thread(target=tell_second)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        with warehouse.connect() as third:
            events.tell(third, 2, "ALERT", {"n": 3})  # another organization need not wait
    thread.join(5)
    assert numbers == [2]
    assert [one.data["n"] for one in events.since(connection, 1, 0)] == [1, 2]


def test_the_end_of_a_job_is_to_be_delivered_where_there_is_a_webhook(connection, queued):
    kept = "SELECT job_id, kind FROM sluice.deliveries ORDER BY id"
    ledger.cancel(connection, queued())
    assert connection.execute(kept).fetchall() == []
    connection.execute(
        "INSERT INTO sluice.webhooks (organization_id, url, secrets) VALUES (1, 'http://127.0.0.1/', '[]')"
    )
    done, other = queued(), queued(organization_id=2)
    ledger.start(connection, done)
    ledger.cancel(connection, other)
    ledger.cancel(connection, done)
    assert connection.execute(kept).fetchall() == [(done, "job.cancelled")]


def test_a_job_that_is_refused_its_move_tells_nothing(connection, queued):
    job = queued()
    ledger.cancel(connection, job)
    before = events.newest(connection, 1)
    with pytest.raises(psycopg.errors.DatabaseError):
        connection.execute("UPDATE sluice.ingestion_jobs SET status = 'processing'")
    assert events.newest(connection, 1) == before
