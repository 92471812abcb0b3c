"""The outbox: what is handed over, in which order, how often, and never twice."""

import pytest

from sluice.errors import DataRefused, RetryError
from sluice.jobs import ledger
from sluice.jobs.retries import retry
from sluice.queue import dead_letters, outbox, pauses
from sluice.settings import settings


def claimed(connection, limit=10):
    with connection.transaction():
        return [one.job_id for one in outbox.claim(connection, limit)]


def hand_over(connection):
    with connection.transaction():
        for one in outbox.claim(connection, 10):
            outbox.handed_over(connection, one, "run")


def make_due(connection):
    connection.execute("UPDATE sluice.outbox SET due_at = now()")


def test_the_most_urgent_goes_first_and_the_oldest_of_those(connection, queued):
    jobs = [queued(priority) for priority in ("low", "normal", "critical", "normal", "high", "critical")]
    assert claimed(connection) == [jobs[i] for i in (2, 5, 4, 1, 3, 0)]
    assert claimed(connection, 2) == [jobs[2], jobs[5]]


def test_what_one_dispatcher_holds_another_does_not_get(connection, queued, warehouse):
    first, second = queued(), queued()
    with connection.transaction(), warehouse.connect() as other:
        assert [one.job_id for one in outbox.claim(connection, 1)] == [first]
        assert [one.job_id for one in outbox.claim(other, 5)] == [second]


def test_a_job_that_was_handed_over_does_not_wait_any_more(connection, queued):
    queued()
    hand_over(connection)
    assert claimed(connection) == []
    assert outbox.unstarted(connection) == 1


def test_a_job_that_could_not_be_handed_over_waits(connection, queued):
    job = queued()
    with connection.transaction():
        (one,) = outbox.claim(connection, 1)
        outbox.put_off(connection, one, 60, "Prefect does not answer.")
    assert claimed(connection) == []
    assert 55 < outbox.seconds_to_next(connection) <= 60
    make_due(connection)
    assert claimed(connection) == [job]


def test_a_cancelled_job_is_not_handed_over(connection, queued):
    ledger.cancel(connection, queued())
    assert claimed(connection) == []


def test_a_paused_organization_waits_and_no_other(connection, queued):
    mine, other = queued(), queued(organization_id=2)
    assert pauses.pause(connection, 1, 7)
    assert not pauses.pause(connection, 1, 8)
    assert pauses.paused(connection, 1)
    assert claimed(connection) == [other]
    assert pauses.resume(connection, 1)
    assert not pauses.resume(connection, 1)
    assert claimed(connection) == [mine, other]


def test_passing_trouble_is_tried_again_after_2_4_and_8_seconds_and_then_no_more(connection, queued):
    job = queued()
    for tries, seconds in enumerate((2, 4, 8), 1):
        hand_over(connection)
        ledger.start(connection, job)
        assert ledger.fail(connection, job, RetryError("The line is dead."))
        row = ledger.get(connection, job)
        assert (row["status"], row["stage"], row["error_message"]) == (
            "retrying",
            "idle",
            "The line is dead.",
        )
        assert claimed(connection) == []
        assert seconds - 1 < outbox.seconds_to_next(connection) <= seconds
        make_due(connection)
        with connection.transaction():
            assert [one.key for one in outbox.claim(connection, 1)] == [f"{job}:0:{tries}"]
    hand_over(connection)
    ledger.start(connection, job)
    ledger.fail(connection, job, RetryError("The line is dead."))
    assert ledger.get(connection, job)["status"] == "failed"
    assert claimed(connection) == []
    (letter,) = dead_letters.listing(connection, 1)
    assert (letter["job_id"], letter["tries"], letter["reason"]) == (job, 4, "RetryError")


def test_a_crash_costs_no_try_but_not_for_ever(connection, queued):
    job, keys = queued(), set()
    for crashes in range(1, settings().crashes + 1):
        hand_over(connection)
        ledger.start(connection, job)
        ledger.fail(connection, job, RetryError("Its process died."), crashed=True)
        assert ledger.get(connection, job)["status"] == "retrying"
        pause = min(2**crashes, 60)
        assert pause - 1 < outbox.seconds_to_next(connection) <= pause
        make_due(connection)
        with connection.transaction():
            (one,) = outbox.claim(connection, 1)
        assert (one.tries, one.crashes, one.shares) == (0, crashes, None)
        keys.add(one.key)
    assert len(keys) == settings().crashes
    hand_over(connection)
    ledger.start(connection, job)
    ledger.fail(connection, job, RetryError("Its process died."), crashed=True)
    assert ledger.get(connection, job)["status"] == "failed"
    assert [letter["job_id"] for letter in dead_letters.listing(connection, 1)] == [job]
    assert retry(connection, 1) == [job]
    with connection.transaction():
        assert [(one.tries, one.crashes) for one in outbox.claim(connection, 1)] == [(0, 0)]


def test_a_job_that_never_began_stays_pending_between_its_tries(connection, queued):
    job = queued()
    hand_over(connection)
    ledger.fail(connection, job, RetryError("Its process died."))
    assert ledger.get(connection, job)["status"] == "pending"
    make_due(connection)
    assert claimed(connection) == [job]


def test_bad_input_is_not_tried_again(connection, queued):
    job = queued()
    hand_over(connection)
    ledger.start(connection, job)
    ledger.fail(connection, job, DataRefused("Half of the rows are wrong."))
    assert ledger.get(connection, job)["status"] == "failed"
    assert [letter["message"] for letter in dead_letters.listing(connection, 1)] == [
        "Half of the rows are wrong."
    ]


def test_a_job_that_is_over_is_not_tried_again(connection, queued):
    job = queued()
    hand_over(connection)
    ledger.start(connection, job)
    with connection.transaction():
        ledger.complete(connection, job, {})
    ledger.fail(connection, job, RetryError("Too late."))
    assert ledger.get(connection, job)["status"] == "completed"
    make_due(connection)
    assert claimed(connection) == []
    assert dead_letters.listing(connection, 1) == []


def test_a_job_outside_the_outbox_fails_at_once_and_is_no_dead_letter(connection):
    job = ledger.create(connection, dataset="projects", filename="a.csv", file_type="csv")
    ledger.start(connection, job)
    ledger.fail(connection, job, RetryError("The line is dead."))
    assert ledger.get(connection, job)["status"] == "failed"
    assert dead_letters.listing(connection, 1) == []


@pytest.fixture
def letters(connection, queued):
    jobs = [queued() for _ in range(3)]
    hand_over(connection)
    for job, error in zip(jobs, (DataRefused("a"), SyntaxError("b"), DataRefused("c")), strict=True):
        ledger.start(connection, job)
        ledger.fail(connection, job, error)
    return jobs


@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        ({}, [0, 1, 2]),
        ({"reason": "SyntaxError"}, [1]),
        ({"jobs": [0, 2]}, [0, 2]),
        ({"jobs": []}, []),
    ],
)
def test_dead_letters_are_queued_again(connection, letters, chosen, taken):
    if "jobs" in chosen:
        chosen = {"jobs": [letters[i] for i in chosen["jobs"]]}
    wanted = sorted(letters[i] for i in taken)
    with connection.transaction():
        assert sorted(retry(connection, 1, **chosen)) == wanted
    assert sorted(claimed(connection)) == wanted
    assert {ledger.get(connection, job)["status"] for job in wanted} <= {"retrying"}
    assert len(dead_letters.listing(connection, 1)) == 3 - len(taken)


def test_dead_letters_of_another_organization_stay(connection, letters):
    with connection.transaction():
        assert retry(connection, 2) == []
    assert len(dead_letters.listing(connection, 1)) == 3


def test_dead_letters_are_listed_in_pages_newest_first(connection, letters):
    first = dead_letters.listing(connection, 1, limit=2)
    rest = dead_letters.listing(connection, 1, before=first[-1]["job_id"])
    assert [one["job_id"] for one in [*first, *rest]] == letters[::-1]
