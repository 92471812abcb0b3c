"""Connections that a job's steps leave to one another: whole, one user's at a time, and never a dead one."""

import os
import threading
import time

import psycopg
import pytest

from sluice.deadline import deadline
from sluice.errors import RetryError
from sluice.warehouse import kept as module
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated
from sluice.warehouse.kept import kept


def pid_of(warehouse: Warehouse) -> int:
    with warehouse.connect() as connection:
        connection.execute("SELECT 1")
        return connection.info.backend_pid


def end(connection: psycopg.Connection, pid: int) -> None:
    assert connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)


def test_the_next_user_gets_the_same_one_while_a_job_is_at_work(warehouse, connection):
    with kept().keeping():
        first = pid_of(warehouse)
        assert pid_of(warehouse) == first
        with kept().keeping():
            assert pid_of(warehouse) == first
        assert pid_of(warehouse) == first
    assert pid_of(warehouse) != first
    left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sluice'"
    deadline_ = time.monotonic() + 5
    while connection.execute(f"{left} AND pid <> pg_backend_pid()").fetchone() != (0,):
        assert time.monotonic() < deadline_, "one stayed open"
        time.sleep(0.02)


def test_what_a_user_has_written_is_committed_before_the_next(warehouse, connection):
    with kept().keeping():
        with warehouse.connect() as writer:
            writer.execute("CREATE TABLE noted (n int)")
        assert connection.execute("SELECT count(*) FROM noted").fetchone() == (0,)
        first = pid_of(warehouse)
        with pytest.raises(psycopg.errors.DivisionByZero), warehouse.connect() as writer:
            writer.execute("INSERT INTO noted SELECT 1 / 0")
        assert pid_of(warehouse) != first


def test_one_that_was_ended_between_two_users_is_not_given_out(warehouse, connection):
    with kept().keeping():
        first = pid_of(warehouse)
        end(connection, first)
        assert pid_of(warehouse) != first


def test_one_that_was_ended_while_it_was_used_is_an_error_to_try_again(warehouse, connection):
    with kept().keeping():
        first = pid_of(warehouse)
        with translated(), warehouse.connect() as victim:
            end(connection, first)
            with pytest.raises(psycopg.OperationalError):
                victim.execute("SELECT 1")
        assert pid_of(warehouse) != first


def test_one_with_options_or_in_autocommit_is_always_new_and_closed(warehouse):
    with kept().keeping():
        first = pid_of(warehouse)
        for options in ({"autocommit": True}, {"application_name": "other"}):
            with warehouse.connect(**options) as connection:
                assert connection.info.backend_pid != first
            assert connection.closed
        assert pid_of(warehouse) == first


def test_one_that_rested_too_long_is_not_given_out(warehouse, monkeypatch):
    with kept().keeping():
        first = pid_of(warehouse)
        monkeypatch.setattr(module, "LONGEST_REST", 0.0)
        assert pid_of(warehouse) != first


def test_two_threads_never_share_one(warehouse):
    meet, pids = threading.Barrier(2), []

    def use() -> None:
        for _ in range(10):
            with warehouse.connect() as connection:
                meet.wait(30)
                pids.append(connection.info.backend_pid)
                meet.wait(30)

    with kept().keeping():
        threads = [threading.Thread(target=use) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(pids) == 20
    assert all(one != other for one, other in zip(pids[::2], pids[1::2], strict=True))


def test_a_copy_of_the_process_makes_its_own_and_leaves_the_parents_open(warehouse):
    with kept().keeping():
        first = pid_of(warehouse)
        child = os.fork()
        if not child:
            with kept().keeping():
                own = {pid_of(warehouse), pid_of(warehouse)}
            os._exit(0 if len(own) == 1 and first not in own else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert pid_of(warehouse) == first


def test_one_that_a_deadline_has_stopped_is_closed(warehouse):
    with kept().keeping():
        first = pid_of(warehouse)
        with (
            pytest.raises(RetryError),
            deadline("store data", 0.3),
            translated(),
            warehouse.connect() as slow,
        ):
            slow.execute("SELECT pg_sleep(60)")
        assert pid_of(warehouse) != first


def test_a_deadline_does_not_stop_who_has_the_connection_after_its_step(warehouse):
    with kept().keeping(), deadline("slow step", 0.3):
        first = pid_of(warehouse)
        # In a thread without that deadline, as another step's would be.
        found = []

        def later() -> None:
            with warehouse.connect() as connection:
                connection.execute("SELECT pg_sleep(0.8)")
                found.append(connection.info.backend_pid)

        thread = threading.Thread(target=later)
        thread.start()
        thread.join(30)
        assert found == [first]
