"""What a step does in PostgreSQL ends with the step's time."""

import os
import signal
import time
from contextlib import contextmanager

import pytest

from sluice.deadline import deadline
from sluice.errors import RetryError
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated


@contextmanager
def stopped(seconds=0.5, within=5.0):
    """The block is stopped by a deadline, at about its time."""
    began = time.monotonic()
    said = r"'store data' was stopped: .* after 0\.5 seconds"
    with pytest.raises(RetryError, match=said), deadline("store data", seconds):
        yield
    assert seconds <= time.monotonic() - began < within


def test_a_statement_that_does_not_end_is_cancelled(warehouse, connection):
    with stopped(), translated(), warehouse.connect() as victim:
        pid = victim.info.backend_pid
        victim.execute("SELECT pg_sleep(60)")
    left = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
    assert left == (0,)


def test_waiting_for_a_lock_ends(warehouse, connection):
    with warehouse.connect() as holder:
        holder.execute("LOCK TABLE sluice.loads")
        with stopped(), translated(), warehouse.connect() as waiting, waiting.transaction():
            waiting.execute("LOCK TABLE sluice.loads")


def test_many_statements_have_the_time_together_not_each(warehouse):
    with stopped(), translated(), warehouse.connect() as connection:
        connection.execute("SELECT pg_sleep(0.3)")
        connection.execute("SELECT pg_sleep(60)")


def test_statements_that_each_end_quickly_are_stopped_too(warehouse):
    with stopped(), translated(), warehouse.connect() as connection:
        while True:
            connection.execute("SELECT pg_sleep(0.01)")


def test_a_copy_is_stopped_and_leaves_nothing(warehouse, connection):
    connection.execute("CREATE TABLE numbers (n int)")
    with (
        stopped(),
        translated(),
        warehouse.connect() as victim,
        victim.cursor().copy("COPY numbers FROM STDIN") as copy,
    ):
        while True:
            copy.write(b"1\n" * 1000)
    assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (0,)


def test_sqlalchemy_connections_are_stopped_alike(warehouse):
    with stopped(), translated(), warehouse.engine().connect() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(60)")


def test_after_the_deadline_no_connection_is_made(warehouse):
    with pytest.raises(RetryError, match="'x' was stopped"), deadline("x", 0):
        warehouse.connect()


def test_a_limit_of_the_server_or_the_url_stays(warehouse):
    limited = Warehouse.from_url(f"{warehouse.url} options='-c statement_timeout=70000'")
    with deadline("store data", 100), limited.connect() as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("70s",)


def test_a_statement_that_an_administrator_cancels_is_not_blamed_on_the_deadline(warehouse):
    with (
        pytest.raises(RetryError, match="cancelled the statement"),
        deadline("store data", 100),
        translated(),
        warehouse.connect() as connection,
    ):
        connection.execute("SET statement_timeout = 50; SELECT pg_sleep(60)")


def test_a_server_that_stands_still_is_hung_up_on(server, monkeypatch):
    monkeypatch.setattr("sluice.warehouse.connection.CANCEL_SECONDS", 0.3)
    warehouse = Warehouse.from_url(server.url("postgres"))
    frozen = [server.status().pid]
    try:
        with stopped(), translated(), warehouse.connect() as connection:
            frozen.append(connection.info.backend_pid)
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            connection.execute("SELECT 1")
    finally:
        for pid in reversed(frozen):
            os.kill(pid, signal.SIGCONT)
