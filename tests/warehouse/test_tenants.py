"""Row-level security: an organization sees its own rows, in every table that has tenants."""

import pytest

from sluice.errors import SetupError
from sluice.jobs import ledger
from sluice.warehouse.service_tables import metadata
from sluice.warehouse.tenants import acting_for, confine

TENANT_TABLES = sorted(
    table.name
    for table in metadata.tables.values()
    if "organization_id" in table.columns and table.name != "rejected_rows"
)


@pytest.fixture
def confined(warehouse):
    with warehouse.connect(autocommit=True) as connection:
        confine(connection)
        yield connection


@pytest.fixture
def jobs(connection):
    """A job of each of two organizations."""
    connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (2, 'second')")
    return {
        number: ledger.create(
            connection, dataset="projects", filename="a.csv", file_type="csv", organization_id=number
        )
        for number in (1, 2)
    }


def test_every_table_with_organizations_is_protected(connection):
    query = (
        "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
        " WHERE relnamespace = 'sluice'::regnamespace AND relrowsecurity AND polname = 'sluice_organization'"
    )
    assert sorted(name for (name,) in connection.execute(query)) == TENANT_TABLES


@pytest.mark.parametrize("table", ["ingestion_jobs", "audit_log", "job_events"])
def test_an_organization_sees_its_own_rows_only(confined, jobs, table):
    query = f"SELECT DISTINCT job_id FROM sluice.{table}"
    for number, job in jobs.items():
        with acting_for(confined, number) as connection:
            assert connection.execute(query).fetchall() == [(job,)]


KEYS = ("data_keys", "subject_keys")


@pytest.mark.parametrize("table", [name for name in TENANT_TABLES if name not in KEYS])
def test_without_an_organization_nothing_is_seen(confined, jobs, table):
    assert confined.execute(f"SELECT count(*) FROM sluice.{table}").fetchone() == (0,)


@pytest.mark.parametrize("table", ["rejected_rows", *KEYS])
def test_what_functions_give_out_is_not_for_tenants_to_read(confined, jobs, table):
    with pytest.raises(SetupError, match="lacks a right"), acting_for(confined, 1) as connection:
        connection.execute(f"SELECT count(*) FROM sluice.{table}")


def test_the_organization_ends_with_the_transaction(confined, jobs):
    with acting_for(confined, 1):
        pass
    assert confined.execute("SELECT count(*) FROM sluice.ingestion_jobs").fetchone() == (0,)


def test_a_row_of_another_organization_can_not_be_changed_or_made(confined, jobs):
    with acting_for(confined, 1) as connection:
        cancel = "UPDATE sluice.ingestion_jobs SET status = 'cancelled' WHERE job_id = %s"
        assert connection.execute(cancel, [jobs[2]]).rowcount == 0
    with pytest.raises(SetupError, match="lacks a right"), acting_for(confined, 1) as connection:
        ledger.create(connection, dataset="p", filename="a", file_type="csv", organization_id=2)


def test_a_row_can_not_be_given_away(confined, jobs):
    with pytest.raises(SetupError, match="lacks a right"), acting_for(confined, 1) as connection:
        connection.execute("UPDATE sluice.ingestion_jobs SET organization_id = 2")


@pytest.mark.parametrize("table", ["audit_log", "loads", "job_events"])
def test_history_can_not_be_changed(confined, jobs, table):
    with pytest.raises(SetupError, match="lacks a right"), acting_for(confined, 1) as connection:
        connection.execute(f"DELETE FROM sluice.{table}")


def test_who_is_no_tenant_sees_what_the_grants_allow(connection, jobs):
    connection.execute("CREATE ROLE sluice_test_analyst")
    try:
        connection.execute("GRANT USAGE ON SCHEMA sluice TO sluice_test_analyst")
        connection.execute("GRANT SELECT ON sluice.ingestion_jobs TO sluice_test_analyst")
        connection.execute("SET ROLE sluice_test_analyst")
        assert connection.execute("SELECT count(*) FROM sluice.ingestion_jobs").fetchone() == (2,)
    finally:
        connection.execute("RESET ROLE")
        connection.execute("DROP OWNED BY sluice_test_analyst")
        connection.execute("DROP ROLE sluice_test_analyst")
