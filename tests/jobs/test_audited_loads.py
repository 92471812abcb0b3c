"""Loads in the audit log, while much else is written to it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sluice.audit import log
from sluice.audit.verify import verify
from sluice.jobs import creation, ledger
from sluice.settings import settings
from tests.jobs.appending import write
from tests.jobs.loading import load

ROUNDS = 6


def found(warehouse):
    return {one.organization_id: one for one in verify(warehouse, settings())}


def test_a_load_anchors_what_it_has_written(warehouse, items, tmp_path):
    load(warehouse, items, write(tmp_path / "a.csv", [("1", "one", "1")]))
    one = found(warehouse)[1]
    assert (one.findings, one.unanchored) == ([], 0)
    with warehouse.connect() as connection:
        events = [row["event"] for row in log.newest(connection, 1)][::-1]
    assert events[0] == "job.created"
    assert events.count("table.changed") == 1
    assert events[-2:] == ["load.published", "job.completed"]


def test_a_load_whose_log_can_not_be_anchored_is_published_all_the_same(
    warehouse, items, tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("SLUICE_AUDIT_KEY", "hunter2")
    settings.cache_clear()
    outcome = load(warehouse, items, write(tmp_path / "a.csv", [("1", "one", "1")]))
    assert outcome.published == 1
    assert any("was not anchored" in record.message for record in caplog.records)
    assert "hunter2" not in caplog.text


@pytest.mark.timeout(180)
def test_loads_and_writers_of_several_organizations_leave_no_gap(warehouse, items, tmp_path):
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (2, 'b')")
    over = threading.Event()

    def jobs(number):
        """Many jobs of both organizations by one statement, each moved, and single entries."""
        with warehouse.connect(autocommit=True) as mine:
            while not over.is_set():
                rows = [
                    creation.row(
                        job_id=creation.new_job_id(),
                        dataset="d",
                        filename="f",
                        file_type="csv",
                        organization_id=1 + (number + each) % 2,
                    )
                    for each in range(9)
                ]
                made = mine.execute(creation.making(), creation.values(rows)).fetchall()
                ledger.start(mine, made[0][0])
                log.write(mine, "e", organization_id=1 + number % 2)

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(jobs, number) for number in range(4)]
        try:
            for number in range(ROUNDS):
                rows = [(str(each), "x", "1") for each in range(200)]
                path = write(tmp_path / f"{number}.csv", rows)
                load(warehouse, items, path, mode="upsert", organization_id=1 + number % 2)
        finally:
            over.set()
        for one in working:
            one.result(30)
    for number, one in found(warehouse).items():
        assert one.findings == []
        assert one.anchors >= 1
        with warehouse.connect() as connection:
            events = [row["event"] for row in log.newest(connection, number, event="load.published")]
            (heads,) = connection.execute(
                "SELECT seq FROM sluice.audit_heads WHERE organization_id = %s", [number]
            ).fetchone()
        assert len(events) == ROUNDS // 2
        assert heads == one.entries
