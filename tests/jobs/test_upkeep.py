"""Upkeep: what is old goes, what somebody may still ask for stays."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sluice.errors import DataRefused
from sluice.jobs import ledger, upkeep, uploads
from sluice.jobs.uploads import Wanted
from sluice.landing.folder import Folder
from sluice.queue import dead_letters


@pytest.fixture
def store(tmp_path):
    return Folder(tmp_path / "landing")


@pytest.fixture
def sent(connection, store):
    """Announces an upload, and sends it unless ``size`` is None."""

    def make(content=None, hours=1.0):
        upload_id = uploads.new_upload_id(1)
        place = store.place(upload_id, "a.csv")
        expires = datetime.now(UTC) + timedelta(hours=hours)
        named = {"organization_id": 1, "user_id": 1, "upload_id": upload_id, "place": place}
        job = uploads.announce(connection, Wanted("projects", "a.csv"), expires_at=expires, **named)
        with store.continued(place, 0, 1000) as part:
            part.write(content or b"half")
        if content:
            found = uploads.find(connection, upload_id)
            uploads.arrived(connection, found, part.size, part.sha256)
        return job, Path(place)

    return make


def end(connection, job, days):
    ledger.start(connection, job)
    with connection.transaction():
        ledger.complete(connection, job, {})
    connection.execute("ALTER TABLE sluice.ingestion_jobs DISABLE TRIGGER USER")
    connection.execute(
        "UPDATE sluice.ingestion_jobs SET completed_at = now() - %s * interval '1 day' WHERE job_id = %s",
        [days, job],
    )
    connection.execute("ALTER TABLE sluice.ingestion_jobs ENABLE TRIGGER USER")


def archived(connection, job):
    return ledger.get(connection, job)["archived_at"] is not None


def test_an_upload_that_never_came_is_cancelled_and_its_bytes_go(connection, warehouse, store, sent):
    late, late_place = sent(hours=-1)
    coming, coming_place = sent(hours=1)
    assert upkeep.clean(warehouse, store).uploads == 1
    assert (ledger.get(connection, late)["status"], late_place.exists()) == ("cancelled", False)
    assert (ledger.get(connection, coming)["status"], coming_place.exists()) == ("pending", True)


def test_jobs_of_last_week_go_with_their_files_and_newer_ones_stay(connection, warehouse, store, sent):
    old, old_place = sent(b"old")
    new, new_place = sent(b"new")
    end(connection, old, 8)
    end(connection, new, 6)
    done = upkeep.clean(warehouse, store)
    assert (done.jobs, done.files, done.outbox) == (1, 1, 1)
    assert (archived(connection, old), old_place.exists()) == (True, False)
    assert (archived(connection, new), new_place.exists()) == (False, True)


def test_a_dead_letter_stays_with_its_file_until_somebody_decides(connection, warehouse, store, sent):
    job, place = sent(b"bad")
    ledger.start(connection, job)
    ledger.fail(connection, job, DataRefused("bad"))
    connection.execute("ALTER TABLE sluice.ingestion_jobs DISABLE TRIGGER USER")
    connection.execute("UPDATE sluice.ingestion_jobs SET completed_at = now() - interval '30 days'")
    assert upkeep.clean(warehouse, store).jobs == 0
    assert place.exists()
    assert len(dead_letters.listing(connection, 1)) == 1


def test_a_job_of_the_command_line_stays(connection, warehouse, store):
    job = ledger.create(connection, dataset="projects", filename="a.csv", file_type="csv")
    end(connection, job, 400)
    assert upkeep.clean(warehouse, store).jobs == 0
    assert not archived(connection, job)


def test_bytes_of_no_job_go_after_a_day_and_what_is_not_an_upload_stays(connection, warehouse, store, sent):
    _, kept = sent(b"kept")
    fresh, stray = (Path(store.place(uploads.new_upload_id(1), "a.csv")) for _ in range(2))
    foreign = store.folder / "mine" / "a.csv"
    for path in (fresh, stray, foreign):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    for path in (kept, stray, foreign):
        os.utime(path.parent, (0, time.time() - 25 * 3600))
    assert upkeep.clean(warehouse, store).strays == 1
    assert [path.exists() for path in (kept, fresh, stray, foreign)] == [True, True, False, True]


def test_rejects_go_after_the_days_that_the_policy_of_their_source_says(connection, warehouse, store):
    def rejected(days, **security):
        job = ledger.create(connection, dataset="projects", filename="a", file_type="")
        if security:
            policies = {name: {"policy": {"retention_days": kept}} for name, kept in security.items()}
            ledger.note(connection, job, "security", policies)
        connection.execute(
            "INSERT INTO sluice.rejected_rows (load_id, record_no, job_id, organization_id, dataset, reason, message)"
            " VALUES (%s, 1, %s, 1, 'projects', 'required', 'It is empty.')",
            [ledger.next_load_id(connection), job],
        )
        end(connection, job, days)
        return job

    kept = [rejected(2, a=3), rejected(400), rejected(400, a=None)]
    gone = [rejected(4, a=3), rejected(4, a=None, b=3, c=9)]
    assert upkeep.clean(warehouse, store).rejects == len(gone)
    left = connection.execute("SELECT job_id FROM sluice.rejected_rows ORDER BY load_id").fetchall()
    assert [job for (job,) in left] == kept
