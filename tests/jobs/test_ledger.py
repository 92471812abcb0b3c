"""The ledger: what a job may become, what it may not, and that every move is in the audit log."""

import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from sluice.errors import InputError, ReadError, RetryError
from sluice.jobs import ledger
from sluice.jobs.ledger import audit, cancel, complete, create, fail, get, listing, move, rejects, start
from sluice.warehouse.connection import Warehouse

FILE = {"dataset": "projects", "filename": "a.csv", "file_type": "csv"}
MOVES = {
    "pending": {"processing", "cancelled", "failed"},
    "processing": {"completed", "failed", "cancelled", "retrying"},
    "retrying": {"processing", "failed", "cancelled"},
    "failed": {"retrying"},
    "completed": set(),
    "cancelled": set(),
}
WAY = {
    "pending": [],
    "processing": ["processing"],
    "retrying": ["processing", "retrying"],
    "failed": ["failed"],
    "completed": ["processing", "completed"],
    "cancelled": ["cancelled"],
}


def set_status(where, job, status):
    ledger._change(where, job, "status = %(status)s", status=status)


def job_in(where, status):
    job = create(where, **FILE)
    for step in WAY[status]:
        set_status(where, job, step)
    return job


def test_a_job_goes_from_pending_to_completed(connection):
    job = create(connection, **FILE, file_size=10**12, details={"mode": "append"})
    row = get(connection, job)
    assert (row["status"], row["stage"], row["progress"], row["attempt"]) == ("pending", "idle", 0, 0)
    assert row["file_size"] == 10**12
    assert row["started_processing_at"] is None
    assert start(connection, job) == 1
    move(connection, job, stage="transforming", progress=40, message="reading", details={"total_records": 5})
    with connection.transaction():
        complete(connection, job, {"published": 5})
    row = get(connection, job)
    assert (row["status"], row["stage"], row["progress"]) == ("completed", "complete", 100)
    assert row["result_data"] == {"published": 5}
    assert row["details"] == {"mode": "append", "total_records": 5}
    assert row["created_at"] <= row["started_processing_at"] <= row["completed_at"] <= row["updated_at"]


@pytest.mark.parametrize("old", MOVES)
@pytest.mark.parametrize("new", MOVES)
def test_only_the_moves_of_the_design_are_let_through(module_warehouse: Warehouse, old, new):
    with module_warehouse.connect(autocommit=True) as connection:
        job = job_in(connection, old)
        if new == old or new in MOVES[old]:
            set_status(connection, job, new)
            assert get(connection, job)["status"] == new
        else:
            with pytest.raises(InputError, match=f"is {old}; it can not become {new}"):
                set_status(connection, job, new)
            assert get(connection, job)["status"] == old


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
@pytest.mark.parametrize(
    ("column", "value"),
    [("message", "new"), ("result_data", Jsonb({"a": 1})), ("attempt", 9), ("dataset", "b")],
)
def test_a_finished_job_does_not_change(module_warehouse, status, column, value):
    with module_warehouse.connect(autocommit=True) as connection:
        job = job_in(connection, status)
        with pytest.raises(InputError, match="does not change any more"):
            ledger._change(connection, job, f"{column} = %(value)s", value=value)


def test_a_finished_job_may_get_details_and_a_link(connection):
    job = job_in(connection, "completed")
    ledger._change(connection, job, "result_url = 'http://x', details = '{\"insight\": 1}'")
    assert get(connection, job)["result_url"] == "http://x"


def test_a_job_can_only_begin_as_pending(connection):
    query = sql.SQL(
        "INSERT INTO sluice.ingestion_jobs (job_id, user_id, organization_id, dataset, filename, file_type, status)"
        " VALUES ('x', 1, 1, 'd', 'f', 'csv', 'completed')"
    )
    with pytest.raises(InputError, match="must begin as pending"), ledger._on(connection):
        connection.execute(query)


def test_progress_only_rises_within_one_attempt(connection):
    job = create(connection, **FILE)
    start(connection, job)
    move(connection, job, stage="processing", progress=50)
    with pytest.raises(InputError, match="can not fall"):
        move(connection, job, stage="processing", progress=49)
    ledger.retrying(connection, job, "the server went away")
    assert start(connection, job) == 2
    move(connection, job, stage="processing", progress=1)


@pytest.mark.parametrize("progress", [-1, 101])
def test_progress_is_a_percentage(connection, progress):
    job = create(connection, **FILE)
    start(connection, job)
    with pytest.raises(InputError):
        move(connection, job, stage="processing", progress=progress)


def test_a_failure_is_noted_with_its_facts(connection):
    job = job_in(connection, "processing")
    assert fail(connection, job, ReadError("Not a table.", hint="Save it as CSV.", file="a.xyz"))
    row = get(connection, job)
    assert (row["status"], row["stage"], row["error_message"]) == (
        "failed",
        "error",
        "Not a table. Save it as CSV.",
    )
    assert row["details"]["error"]["category"] == "PARSING"
    assert row["details"]["error"]["file"] == "a.xyz"


def test_failing_twice_keeps_the_first_reason(connection):
    job = job_in(connection, "processing")
    fail(connection, job, ValueError("first"))
    assert fail(connection, job, ValueError("second"))
    assert get(connection, job)["error_message"] == "first"


def test_failing_a_completed_job_changes_nothing(connection):
    job = job_in(connection, "completed")
    fail(connection, job, ValueError("late"))
    assert get(connection, job)["status"] == "completed"


def test_failing_never_raises_even_without_a_server():
    gone = Warehouse.from_url("postgresql://me@127.0.0.1:1/sales")
    assert not fail(gone, "job_x", ValueError("the real reason"))


def test_a_reason_with_a_zero_byte_can_be_noted(connection):
    job = job_in(connection, "processing")
    assert fail(connection, job, ReadError("bad \0 byte", raw="\0"))
    assert get(connection, job)["error_message"] == "bad  byte"


def test_a_dead_letter_can_be_queued_again(connection):
    job = job_in(connection, "failed")
    ledger.requeue(connection, job)
    row = get(connection, job)
    assert (row["status"], row["stage"], row["completed_at"]) == ("retrying", "idle", None)
    start(connection, job)


def test_a_completed_job_can_not_be_cancelled(connection):
    with pytest.raises(InputError, match="completed"):
        cancel(connection, job_in(connection, "completed"))


def test_an_idempotency_key_makes_one_job_per_organization(connection):
    connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (7, 'seven')")
    first = create(connection, **FILE, idempotency_key="k")
    assert create(connection, **FILE, idempotency_key="k") == first
    assert create(connection, **FILE, idempotency_key="k", organization_id=7) != first
    assert create(connection, **FILE) != create(connection, **FILE)


def test_an_unknown_organization_is_refused(connection):
    with pytest.raises(InputError):
        create(connection, **FILE, organization_id=99)


def test_an_unknown_job_is_an_input_error(connection):
    for call in (get, start, cancel):
        with pytest.raises(InputError, match="no job job_none"):
            call(connection, "job_none")


def test_completing_is_undone_with_its_transaction(warehouse, connection):
    job = job_in(connection, "processing")
    with warehouse.connect() as publishing:
        complete(publishing, job, {})
        publishing.rollback()
    assert get(connection, job)["status"] == "processing"


def test_a_job_that_was_failed_meanwhile_can_not_complete(warehouse, connection):
    job = job_in(connection, "processing")
    with warehouse.connect() as publishing:
        fail(warehouse, job, RetryError("the process died"))
        with pytest.raises(InputError, match="failed"):
            complete(publishing, job, {})


def test_every_move_is_in_the_audit_log_even_when_made_by_hand(connection):
    job = create(connection, **FILE)
    start(connection, job)
    move(connection, job, stage="processing", progress=10)
    move(connection, job, stage="processing", progress=20)
    connection.execute("UPDATE sluice.ingestion_jobs SET status = 'cancelled' WHERE job_id = %s", [job])
    audit(connection, "file.deleted", organization_id=1, job_id=job, details={"by": "hand"})
    rows = connection.execute(
        "SELECT event, details ->> 'progress' FROM sluice.audit_log WHERE job_id = %s ORDER BY id", [job]
    ).fetchall()
    assert rows == [
        ("job.created", "0"),
        ("job.processing", "0"),
        ("job.stage", "10"),
        ("job.cancelled", "20"),
        ("file.deleted", None),
    ]


def test_listing_shows_only_the_organizations_jobs_newest_first(connection):
    connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (7, 'seven')")
    jobs = [create(connection, **FILE) for _ in range(3)]
    create(connection, **FILE, organization_id=7)
    start(connection, jobs[0])
    assert [row["job_id"] for row in listing(connection, organization_id=1)] == jobs[::-1]
    assert len(listing(connection, organization_id=1, limit=2)) == 2
    assert [r["job_id"] for r in listing(connection, organization_id=1, status="processing")] == jobs[:1]


def test_rejects_come_in_order_of_record_and_reason(warehouse, connection):
    job = create(connection, **FILE)
    connection.execute(
        "INSERT INTO sluice.rejected_rows"
        " (load_id, record_no, ordinal, job_id, organization_id, dataset, reason, message)"
        " SELECT 1, 6001 - n, o, %s, 1, 'projects', 'type', 'no'"
        " FROM generate_series(1, 6000) n, generate_series(0, 1) o",
        [job],
    )
    found = [(row["record_no"], row["ordinal"]) for row in rejects(warehouse, job)]
    assert found == [(n, o) for n in range(1, 6001) for o in (0, 1)]
    assert list(rejects(connection, "job_none")) == []


def test_load_numbers_are_reserved_once(warehouse, connection):
    numbers = [ledger.next_load_id(where) for where in (warehouse, connection, warehouse)]
    assert numbers == sorted(set(numbers))


def test_a_load_whose_counts_do_not_add_up_is_refused(connection):
    job = create(connection, **FILE)
    query = (
        "INSERT INTO sluice.loads (id, job_id, organization_id, dataset, source, filename, file_type, contract_id,"
        " contract_version, contract_sha256, mode, read, published, rejected)"
        " VALUES (%s, %s, 1, 'd', 's', 'f', 'csv', 'c', '1', 'x', 'append', 5, %s, 1)"
    )
    with ledger._on(connection):
        connection.execute(query, [1, job, 4])
    with pytest.raises(InputError), ledger._on(connection):
        connection.execute(query, [2, job, 5])


def test_a_completed_job_still_takes_in_what_it_took_and_nothing_else(connection):
    job = job_in(connection, "processing")
    with connection.transaction():
        complete(connection, job, {"published": 5, "seconds": {}})
    change = "UPDATE sluice.ingestion_jobs SET result_data = result_data || %s::jsonb WHERE job_id = %s"
    with ledger._on(connection):
        connection.execute(
            change, ['{"seconds": {"total": 1}, "rows_per_second": 2, "peak_memory_mb": 3}', job]
        )
    assert get(connection, job)["result_data"]["seconds"] == {"total": 1}
    with pytest.raises(InputError, match="does not change any more"), ledger._on(connection):
        connection.execute(change, ['{"published": 9}', job])
