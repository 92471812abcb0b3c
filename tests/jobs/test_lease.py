"""The lease: one process a job, free the moment the process dies, ours again after a server restart."""

import os
import signal
import time

import pytest

from sluice.errors import RetryError
from sluice.jobs.lease import lease, try_lock, unlock
from sluice.warehouse.connection import Warehouse

JOB = "job_" + "a" * 32


def is_free(warehouse, job=JOB):
    with warehouse.connect(autocommit=True) as connection:
        free = try_lock(connection, job)
        if free:
            unlock(connection, job)
    return free


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_lease_is_held_in_the_block_only(warehouse):
    with lease(warehouse, JOB) as held:
        assert held.held
        assert not is_free(warehouse)
        assert is_free(warehouse, "job_other")
    until(lambda: is_free(warehouse), 5)


def test_a_second_lease_of_one_job_is_refused(warehouse):
    with (
        lease(warehouse, JOB),
        pytest.raises(RetryError, match="Another process works"),
        lease(warehouse, JOB),
    ):
        pass


def test_the_lease_is_given_back_when_the_work_fails(warehouse):
    with pytest.raises(ZeroDivisionError), lease(warehouse, JOB):
        raise ZeroDivisionError
    until(lambda: is_free(warehouse), 5)


def test_a_lease_whose_session_was_ended_is_taken_again(warehouse, connection):
    with lease(warehouse, JOB) as held:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'sluice-lease' AND datname = current_database()"
        ).fetchall()
        assert ended == [(True,)]
        until(lambda: held.held and not is_free(warehouse))
    until(lambda: is_free(warehouse), 5)


def test_a_lease_survives_a_killed_server(server):
    warehouse = Warehouse(server.url(), server)
    with lease(warehouse, JOB) as held:
        pid = server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: server.status().pid not in (None, pid) and server.status().running)
        until(lambda: held.held and not is_free(warehouse))


def test_letting_go_does_not_wait_for_a_server_that_is_gone(server):
    plain = Warehouse.from_url(server.url())
    with lease(plain, JOB):
        server.stop()
        began = time.monotonic()
    assert time.monotonic() - began < 4
