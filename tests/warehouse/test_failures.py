"""What each failure of PostgreSQL becomes."""

import psycopg
import pytest
from sqlalchemy import text

from sluice.errors import BugError, DataRefused, InputError, RetryError, SetupError
from sluice.warehouse.failures import mapped, translated


def raised_by(connection, query):
    with pytest.raises(Exception) as caught, translated():  # noqa: PT011 (the kind is what is tested)
        connection.execute(query)
    return caught.value


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("40001", RetryError),
        ("40P01", RetryError),
        ("55P03", RetryError),
        ("57014", RetryError),
        ("57P01", RetryError),
        ("57P03", RetryError),
        ("08006", RetryError),
        ("53300", RetryError),
        ("53100", SetupError),
        ("42501", SetupError),
        ("28P01", SetupError),
        ("3D000", SetupError),
        ("25006", SetupError),
        ("58030", SetupError),
        ("XX001", SetupError),
        ("22003", DataRefused),
        ("23503", DataRefused),
        ("23505", RetryError),
        ("SL001", InputError),
        ("0A000", BugError),
    ],
)
def test_each_sqlstate_says_what_to_do(connection, state, kind):
    query = f"DO $$ BEGIN RAISE EXCEPTION 'told' USING ERRCODE = '{state}'; END $$"
    found = raised_by(connection, query)
    assert type(found) is kind
    assert "told" in found.message
    assert found.facts["sqlstate"] == state


def test_a_missing_table_points_to_the_migration(connection):
    found = raised_by(connection, "SELECT FROM sluice.nothing")
    assert isinstance(found, SetupError)
    assert "sluice db migrate" in found.hint


def test_a_lost_connection_may_be_tried_again(warehouse, connection):
    with warehouse.connect() as victim:
        connection.execute("SELECT pg_terminate_backend(%s)", [victim.info.backend_pid])
        assert isinstance(raised_by(victim, "SELECT 1"), RetryError)
        assert isinstance(raised_by(victim, "SELECT 1"), RetryError)


def test_a_missing_right_is_named(warehouse, connection):
    connection.execute("CREATE ROLE sluice_test_guest")
    try:
        with warehouse.connect() as guest:
            guest.execute("SET ROLE sluice_test_guest")
            found = raised_by(guest, "SELECT FROM sluice.loads")
    finally:
        connection.execute("DROP ROLE sluice_test_guest")
    assert isinstance(found, SetupError)
    assert "sluice" in found.message
    assert "GRANT" in found.hint


def test_row_values_stay_out_of_the_error(connection):
    connection.execute("CREATE TABLE t (n int PRIMARY KEY, word text)")
    connection.execute("INSERT INTO t VALUES (1, 'x')")
    found = raised_by(connection, "INSERT INTO t VALUES (1, 'secret word')")
    assert "secret" not in str(found.as_dict())
    assert found.facts["constraint"] == "t_pkey"


def test_errors_that_came_through_sqlalchemy_are_mapped_alike(warehouse):
    with pytest.raises(SetupError), translated(), warehouse.engine().connect() as connection:
        connection.execute(text("SELECT FROM sluice.nothing"))


def test_our_own_errors_pass_unchanged():
    error = SetupError("ours")
    assert mapped(error) is error
    assert isinstance(mapped(ValueError("x")), BugError)
    assert isinstance(mapped(psycopg.OperationalError("gone")), RetryError)
