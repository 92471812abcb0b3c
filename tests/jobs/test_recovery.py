"""Recovery after processes that were really killed, beside processes that live."""

import os
import signal
import subprocess
import sys
import time

import pytest
from psycopg import sql

from sluice.jobs import creation, ledger
from sluice.jobs.lease import lease
from sluice.jobs.recovery import FOREIGN_STAGE_SECONDS, incoming_name, recover

FILE = {"dataset": "projects", "filename": "a.csv", "file_type": "csv"}
WORKER = """
import sys, time
from pathlib import Path
from sluice.jobs import ledger
from sluice.jobs.lease import lease
from sluice.warehouse.connection import Warehouse

warehouse, stage = Warehouse.from_url(sys.argv[1]), Path(sys.argv[2])
job = ledger.create(warehouse, dataset="projects", filename="a.csv", file_type="csv")
with lease(warehouse, job):
    ledger.start(warehouse, job)
    (stage / job).mkdir(parents=True)
    print(job, flush=True)
    time.sleep(120)
"""


@pytest.fixture
def worker(warehouse, tmp_path):
    """Starts a process that works on a job for two minutes; kills it at the end."""
    started = []

    def begin():
        command = [sys.executable, "-c", WORKER, warehouse.url, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def incoming(connection, job, number=0):
    name = incoming_name(job, number)
    connection.execute(sql.SQL("CREATE TABLE sluice.{} (n int)").format(sql.Identifier(name)))
    return name


def tables(connection):
    rows = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'sluice' AND tablename LIKE 'incoming%'"
    ).fetchall()
    return {row[0] for row in rows}


def test_a_job_whose_process_was_killed_fails_with_the_reason(warehouse, connection, tmp_path, worker):
    process, job = worker()
    incoming(connection, job)
    incoming(connection, job, 1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = []
    deadline = time.monotonic() + 20
    while not found and time.monotonic() < deadline:  # the server needs a moment to see it
        found = recover(warehouse, tmp_path)
    assert found == [job]
    row = ledger.get(connection, job)
    assert (row["status"], row["stage"]) == ("failed", "error")
    assert "The process that ran it died." in row["error_message"]
    assert tables(connection) == set()
    assert list(tmp_path.iterdir()) == []
    assert recover(warehouse, tmp_path) == []


def test_a_job_that_is_worked_on_is_left_alone(warehouse, connection, tmp_path, worker):
    _, job = worker()
    name = incoming(connection, job)
    assert recover(warehouse, tmp_path) == []
    assert ledger.get(connection, job)["status"] == "processing"
    assert tables(connection) == {name}
    assert (tmp_path / job).is_dir()


def test_jobs_that_wait_are_left_alone(warehouse, connection, tmp_path):
    pending = ledger.create(connection, **FILE)
    queued = ledger.create(connection, **FILE)
    ledger.fail(connection, queued, ValueError("x"))
    ledger.requeue(connection, queued)
    for job in (pending, queued):
        (tmp_path / job).mkdir()
    assert recover(warehouse, tmp_path) == []
    assert ledger.get(connection, pending)["status"] == "pending"
    assert ledger.get(connection, queued)["status"] == "retrying"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_job_between_two_tries_without_a_process_is_failed(warehouse, connection, tmp_path):
    job = ledger.create(connection, **FILE)
    ledger.start(connection, job)
    ledger.retrying(connection, job, "again soon")
    assert recover(warehouse, tmp_path) == [job]


def test_leftovers_of_finished_jobs_go_once_nobody_works_on_them(warehouse, connection, tmp_path):
    job = ledger.create(connection, **FILE)
    ledger.start(connection, job)
    ledger.complete(connection, job, {})
    name = incoming(connection, job)
    (tmp_path / job).mkdir()
    (tmp_path / job / "rows.parquet").write_bytes(b"x")
    with lease(warehouse, job):
        recover(warehouse, tmp_path)
        assert tables(connection) == {name}
    deadline = time.monotonic() + 5
    while tables(connection) and time.monotonic() < deadline:
        recover(warehouse, tmp_path)
    assert tables(connection) == set()
    assert not (tmp_path / job).exists()
    assert ledger.get(connection, job)["status"] == "completed"


def test_folders_of_jobs_that_nobody_knows_go_only_when_old(warehouse, connection, tmp_path):
    young, old, other = (
        tmp_path / creation.new_job_id(),
        tmp_path / creation.new_job_id(),
        tmp_path / "letters",
    )
    for folder in (young, old, other):
        folder.mkdir()
    past = time.time() - FOREIGN_STAGE_SECONDS - 60
    for folder in (old, other):
        os.utime(folder, (past, past))
    recover(warehouse, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {young.name, "letters"}


def test_tables_with_other_names_stay(warehouse, connection, tmp_path):
    connection.execute("CREATE TABLE sluice.incoming_mail (n int)")
    recover(warehouse, tmp_path)
    assert tables(connection) == {"incoming_mail"}


def test_a_table_that_somebody_reads_is_left_for_the_next_time(warehouse, connection, tmp_path):
    name = incoming(connection, creation.new_job_id())
    with warehouse.connect() as reader:
        reader.execute(sql.SQL("SELECT FROM sluice.{}").format(sql.Identifier(name)))
        recover(warehouse, tmp_path)
        assert tables(connection) == {name}
    recover(warehouse, tmp_path)
    assert tables(connection) == set()


def test_nothing_to_recover_is_quick(warehouse, tmp_path):
    began = time.perf_counter()
    assert recover(warehouse, tmp_path / "none") == []
    assert time.perf_counter() - began < 0.5


def test_the_name_of_an_incoming_table_is_never_cut():
    assert len(incoming_name(creation.new_job_id(), 9_999_999)) <= 63
