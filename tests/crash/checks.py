"""The checks after a crash: all of the load or none of it, and nothing left behind."""

from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from sluice.jobs.recovery import recover
from sluice.settings import settings
from sluice.warehouse.connection import Connection, Warehouse
from tests.crash import model
from tests.crash.conftest import quiet
from tests.crash.model import Expected

NEWEST = "SELECT * FROM sluice.ingestion_jobs WHERE filename = %s ORDER BY id DESC"
TRACES = {
    "loads": "SELECT count(*) FROM sluice.loads WHERE job_id = %s",
    "rejects": "SELECT count(*) FROM sluice.rejected_rows WHERE job_id = %s",
    "rules": "SELECT count(*) FROM sluice.rule_results WHERE job_id = %s",
    "published": "SELECT count(*) FROM sluice.audit_log WHERE job_id = %s AND event = 'load.published'",
    "completed": "SELECT count(*) FROM sluice.audit_log WHERE job_id = %s AND event = 'job.completed'",
}


def jobs(connection: Connection, path: Path) -> list[dict[str, Any]]:
    """The jobs that loaded this file, the newest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(NEWEST, [str(path)]).fetchall()


def check_after_crash(warehouse: Warehouse, path: Path, before: dict[str, Any], done: Expected) -> str:
    """Recover, and check that the one job stands for what is in the table. Returns the job's status, if any."""
    recover(warehouse, settings().stage_dir)
    quiet(warehouse)
    with warehouse.connect(autocommit=True) as connection:
        # A job that was killed before it began is told from one that waits for a worker by its age.
        connection.execute(
            "UPDATE sluice.ingestion_jobs SET created_at = now() - interval '1 hour' WHERE status = 'pending'"
        )
        recover(warehouse, settings().stage_dir)
        found = jobs(connection, path)
        assert len(found) <= 1
        status = str(found[0]["status"]) if found else "unborn"
        if status == "completed":
            check_completed(connection, found[0], done)
        else:
            check_nothing(connection, found, before)
        check_clean(connection)
    return status


def check_completed(connection: Connection, job: dict[str, Any], done: Expected) -> None:
    assert model.stored(connection) == done.rows
    assert model.stored(connection, 2) == model.FOREIGN
    assert {name: job["result_data"][name] for name in done.numbers} == done.numbers
    assert job["error_message"] is None
    loads = connection.execute(
        "SELECT published, unchanged, superseded, rejected FROM sluice.loads WHERE job_id = %s",
        [job["job_id"]],
    ).fetchall()
    assert loads == [tuple(done.numbers.values())]
    rejects = connection.execute(
        "SELECT record_no FROM sluice.rejected_rows WHERE job_id = %s AND ordinal = 0", [job["job_id"]]
    ).fetchall()
    assert sorted(number for (number,) in rejects) == sorted(done.rejected)
    found = traces(connection, job["job_id"])
    assert found["rules"] > 0
    assert (found["published"], found["completed"]) == (1, 1)


def check_nothing(connection: Connection, found: list[dict[str, Any]], before: dict[str, Any]) -> None:
    assert model.stored(connection) == before
    assert model.stored(connection, 2) == model.FOREIGN
    for job in found:
        assert job["status"] == "failed"
        assert job["error_message"]
        assert set(traces(connection, job["job_id"]).values()) == {0}


def traces(connection: Connection, job_id: str) -> dict[str, int]:
    counted = {}
    for name, query in TRACES.items():
        row = connection.execute(query.encode(), [job_id]).fetchone()
        assert row is not None
        counted[name] = int(row[0])
    return counted


def check_clean(connection: Connection) -> None:
    """No incoming table, no staged file, no temporary file."""
    tables = "SELECT relname FROM pg_class WHERE relname LIKE 'incoming%'"
    assert connection.execute(tables).fetchall() == []
    stage = settings().stage_dir
    assert not stage.exists() or list(stage.iterdir()) == []
    temporary = settings().root / "tmp"
    assert not temporary.exists() or list(temporary.iterdir()) == []


def check_again(connection: Connection, path: Path, status: str, done: Expected) -> None:
    """After the same content was loaded once more: published exactly once, by one completed job."""
    found = jobs(connection, path)
    assert [job["status"] for job in found] == ["completed", *([status] if status != "unborn" else [])]
    newest = found[0]
    if status == "completed":
        assert newest["result_data"]["read"] == 0
        assert newest["result_data"]["skipped"][0]["job_id"] == found[1]["job_id"]
        assert traces(connection, newest["job_id"])["loads"] == 0
        check_completed(connection, found[1], done)
    else:
        check_completed(connection, newest, done)
    check_clean(connection)
