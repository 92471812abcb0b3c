"""Columns of dataset tables follow the contract; what would lose data is refused."""

import pytest

from sluice.contracts.model import Column
from sluice.errors import BugError
from sluice.warehouse import columns
from sluice.warehouse.datasets import migrate

from .things import AMOUNT, ID, NAME, URL, changed, contract, fill, refusal, types

EVERY_TYPE = [
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "numeric(12,3)",
    "numeric",
    "boolean",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "jsonb",
    "text",
    "varchar(7)",
    "char(3)",
    "char",
    "int8",
    "decimal(5)",
    "text[]",
    "timestamp(3)",
    "timestamp(3) with time zone",
]


@pytest.mark.parametrize("kind", EVERY_TYPE)
def test_types_are_spelled_as_the_server_spells_them(module_warehouse, kind):
    with module_warehouse.connect() as connection:
        connection.execute(f"CREATE TEMP TABLE t (c {kind})".encode())
        query = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        query += " WHERE attrelid = 't'::regclass AND attnum > 0"
        assert connection.execute(query).fetchone() == (columns.canonical(kind),)


@pytest.mark.parametrize("written", ["text; DROP TABLE x", "text)", "", "numeric(1,2,3)", "text -- x"])
def test_only_type_names_get_into_ddl(written):
    with pytest.raises(BugError):
        columns.canonical(written)


def test_a_new_optional_column_is_added_to_a_table_with_rows(connection):
    migrate(connection, contract(ID, NAME, URL))
    fill(connection)
    migrate(connection, contract(ID, NAME, URL, AMOUNT))
    assert types(connection)["amount"] == ("numeric(10,2)", False)


def test_a_new_required_column_needs_an_empty_table(connection):
    due = Column("due", "date", "DATE", "date", required=True)
    migrate(connection, contract(ID, NAME, URL))
    fill(connection)
    error = refusal(connection, contract(ID, NAME, URL, due))
    assert "column due is new and required, but the table has rows." in str(error)
    connection.execute("DELETE FROM data.things")
    migrate(connection, contract(ID, NAME, URL, due))
    assert types(connection)["due"] == ("date", True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("integer", "bigint"),
        ("smallint", "numeric(10,2)"),
        ("bigint", "numeric"),
        ("varchar(5)", "varchar(9)"),
        ("varchar(5)", "text"),
        ("numeric(6,2)", "numeric(9,4)"),
        ("numeric(6,2)", "numeric"),
        ("real", "double precision"),
    ],
)
def test_types_widen_without_loss(connection, old, new):
    field = Column("v", "x", "X", old)
    migrate(connection, contract(ID, NAME, URL, field))
    fill(connection)
    connection.execute("UPDATE data.things SET v = '7'")
    migrate(connection, contract(ID, NAME, URL, changed(field, postgres_type=new)))
    assert types(connection)["v"][0] == columns.canonical(new)
    assert connection.execute("SELECT v::text::float8 FROM data.things").fetchone() == (7.0,)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bigint", "integer"),
        ("text", "varchar(9)"),
        ("varchar(9)", "varchar(5)"),
        ("numeric(9,4)", "numeric(9,2)"),
        ("numeric(9,2)", "numeric(9,4)"),
        ("numeric", "numeric(9,2)"),
        ("bigint", "numeric(18,0)"),
        ("timestamp", "date"),
        ("text", "integer"),
        ("double precision", "numeric"),
        ("char(3)", "text"),
    ],
)
def test_types_that_could_lose_data_are_refused(connection, old, new):
    field = Column("v", "x", "X", old)
    migrate(connection, contract(ID, NAME, URL, field))
    fill(connection)
    error = refusal(connection, contract(ID, NAME, URL, changed(field, postgres_type=new)))
    assert f"column v is {columns.canonical(old)} in the table and {columns.canonical(new)}" in str(error)


def test_any_type_may_change_while_the_table_is_empty(connection):
    field = Column("v", "x", "X", "timestamp")
    migrate(connection, contract(ID, field))
    migrate(connection, contract(ID, changed(field, postgres_type="integer")))
    assert types(connection)["v"][0] == "integer"


def test_a_column_that_the_contract_dropped_stays_and_no_longer_stops_loads(connection):
    migrate(connection, contract())
    fill(connection)
    diff = migrate(connection, contract(ID, URL, AMOUNT))
    assert any("column name is not in the contract any more; it stays." in line for line in diff.lines)
    assert types(connection)["name"] == ("character varying(20)", False)
    assert connection.execute("SELECT name FROM data.things").fetchone() == ("n",)


def test_required_follows_the_contract_where_the_rows_allow(connection):
    migrate(connection, contract())
    fill(connection)
    connection.execute("UPDATE data.things SET amount = 1")
    migrate(connection, contract(ID, changed(NAME, required=False), URL, changed(AMOUNT, required=True)))
    assert types(connection)["name"][1] is False
    assert types(connection)["amount"][1] is True


def test_a_type_that_a_view_uses_is_refused_with_postgres_reason(connection):
    field = Column("v", "integer", "INTEGER", "integer")
    migrate(connection, contract(ID, field))
    connection.execute("CREATE VIEW data.seen AS SELECT v FROM data.things")
    error = refusal(connection, contract(ID, changed(field, postgres_type="bigint")))
    assert "PostgreSQL refused" in str(error)
