"""Dataset tables: made, extended and widened from contracts; what would lose data is refused."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from psycopg.conninfo import make_conninfo

from sluice.contracts.model import Column, Contract
from sluice.errors import BugError, DataRefused, RetryError, SchemaConflict, SetupError
from sluice.warehouse import columns, datasets, live
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.datasets import compare, ddl, migrate

ID = Column("id", "integer", "BIGINT", "bigint", required=True, primary_key_position=1)
NAME = Column("name", "string", "VARCHAR", "varchar(20)", required=True)
URL = Column("url", "string", "VARCHAR", "text", unique=True)
AMOUNT = Column("amount", "number", "DECIMAL(10,2)", "numeric(10,2)")
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


def contract(*fields, table="things", key=("id",), match=(), references=None, schema="data"):
    listed = fields or (ID, NAME, URL, AMOUNT)
    sha256 = str(hash((listed, table, key, match, tuple((references or {}).items()))))
    groups = tuple(group for group in (key, *match) if group)
    return Contract(
        "c", "1.0.0", sha256, table, schema, table, listed, key, groups, references=references or {}
    )


def changed(column, **what):
    return replace(column, **what)


def fill(connection, rows=1, table="things"):
    query = (
        "INSERT INTO data.{} (id, name, url, organization_id, _load_id, _record_no) SELECT n, 'n', n, 1, 1, n"
    )
    connection.execute((query.format(table) + " FROM generate_series(1, %s) n"), [rows])


def types(connection, table="things"):
    found = live.read(connection, "data", table)
    assert found is not None
    return {field.name: (field.type, field.required) for field in found.fields.values()}


def key_sets(connection, table="things"):
    found = live.read(connection, "data", table)
    assert found is not None
    return {(key.columns, key.primary) for key in found.keys}


def refusal(connection, wanted):
    before = (types(connection), key_sets(connection))
    with pytest.raises(SchemaConflict) as caught:
        migrate(connection, wanted)
    assert (types(connection), key_sets(connection)) == before
    return caught.value


def test_a_table_is_made_with_lineage_and_keys_per_organization(connection):
    diff = migrate(connection, contract(ID, NAME, URL, AMOUNT, match=(("url",), ("name", "amount"))))
    assert diff.missing
    assert types(connection) == {
        "id": ("bigint", True),
        "name": ("character varying(20)", True),
        "url": ("text", False),
        "amount": ("numeric(10,2)", False),
        "_extra": ("jsonb", False),
        "organization_id": ("integer", True),
        "_load_id": ("bigint", True),
        "_record_no": ("bigint", True),
    }
    assert key_sets(connection) == {
        (("organization_id", "id"), True),
        (("organization_id", "url"), False),
        (("organization_id", "name", "amount"), False),
    }


def test_the_ddl_can_be_shown():
    assert ddl(contract(ID)).startswith('CREATE TABLE "data"."things" (')


def test_names_are_quoted(connection):
    odd = changed(NAME, name='o"dd; name')
    migrate(connection, contract(ID, odd, table='a "b"', match=((odd.name,),)))
    assert odd.name in types(connection, 'a "b"')


def test_long_names_get_keys_of_their_own(connection):
    fields = [changed(URL, name="c" * 60 + end) for end in "ab"]
    migrate(connection, contract(ID, *fields, table="t" * 60))
    assert len(key_sets(connection, "t" * 60)) == 3


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


def test_an_unchanged_contract_costs_one_quick_query(connection):
    wanted = contract()
    migrate(connection, wanted)
    began = time.perf_counter()
    for _ in range(20):
        assert migrate(connection, wanted).same
    assert (time.perf_counter() - began) / 20 < 0.05


def test_compare_changes_nothing(connection):
    diff = compare(connection, contract())
    assert diff.missing
    assert "table data.things is made." in diff.lines
    assert live.read(connection, "data", "things") is None
    migrate(connection, contract())
    assert compare(connection, contract()).same


def test_compare_sees_what_was_changed_by_hand(connection):
    migrate(connection, contract())
    connection.execute("ALTER TABLE data.things ALTER amount TYPE numeric(8,1)")
    assert [line for line in compare(connection, contract()).lines if "amount" in line]


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


def test_all_differences_are_told_at_once(connection):
    migrate(connection, contract())
    fill(connection)
    wanted = contract(
        ID,
        changed(NAME, postgres_type="varchar(2)"),
        changed(URL, postgres_type="date"),
        changed(AMOUNT, required=True),
    )
    error = refusal(connection, wanted)
    assert len(error.facts["differences"]) == 3
    assert "column amount is required, but 1 rows have none." in str(error)


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


def test_a_new_key_is_added_where_the_rows_allow(connection):
    migrate(connection, contract())
    fill(connection, 3)
    connection.execute("UPDATE data.things SET amount = id")
    migrate(connection, contract(match=(("amount",),)))
    assert (("organization_id", "amount"), False) in key_sets(connection)


def test_a_new_key_that_rows_break_is_refused(connection):
    migrate(connection, contract())
    fill(connection, 3)
    error = refusal(connection, contract(match=(("name",),)))
    assert "the key (organization_id, name) is new, but 1 of its values stand twice or more." in str(error)


def test_the_primary_key_can_move_to_another_column(connection):
    migrate(connection, contract(ID, NAME, URL))
    fill(connection, 3)
    number = changed(ID, required=False, primary_key_position=0)
    link = changed(URL, required=True, primary_key_position=1, unique=False)
    migrate(connection, contract(number, NAME, link, key=("url",)))
    assert key_sets(connection) == {(("organization_id", "url"), True)}
    assert types(connection)["id"] == ("bigint", False)


def test_a_key_that_the_contract_dropped_goes_but_one_made_by_hand_stays(connection):
    migrate(connection, contract())
    connection.execute("ALTER TABLE data.things ADD CONSTRAINT mine UNIQUE (amount)")
    diff = migrate(connection, contract(ID, NAME, changed(URL, unique=False), AMOUNT))
    assert key_sets(connection) == {(("organization_id", "id"), True), (("amount",), False)}
    assert any("made by hand and stays" in line for line in diff.lines)


def test_a_table_made_by_hand_is_taken_over_only_while_empty(connection):
    connection.execute("CREATE SCHEMA data")
    connection.execute("CREATE TABLE data.things (id bigint, name varchar(20))")
    connection.execute("INSERT INTO data.things VALUES (1, 'x')")
    error = refusal(connection, contract(ID, NAME))
    assert "Sluice did not make it" in str(error)
    assert "RENAME TO things_old" in str(error)
    connection.execute("DELETE FROM data.things")
    migrate(connection, contract(ID, NAME))
    assert compare(connection, contract(ID, NAME)).same


def test_a_view_in_the_tables_place_is_refused(connection):
    connection.execute("CREATE SCHEMA data")
    connection.execute("CREATE VIEW data.things AS SELECT 1::bigint AS id WHERE false")
    with pytest.raises(SchemaConflict):
        migrate(connection, contract(ID, NAME))


def test_a_type_that_a_view_uses_is_refused_with_postgres_reason(connection):
    field = Column("v", "integer", "INTEGER", "integer")
    migrate(connection, contract(ID, field))
    connection.execute("CREATE VIEW data.seen AS SELECT v FROM data.things")
    error = refusal(connection, contract(ID, changed(field, postgres_type="bigint")))
    assert "PostgreSQL refused" in str(error)


def test_a_reference_waits_for_its_target_and_is_then_kept(connection):
    owner = Column("thing_id", "integer", "BIGINT", "bigint")
    key = changed(ID, name="no")
    bugs = contract(key, owner, table="bugs", key=("no",), references={"thing_id": ("data", "things", "id")})
    diff = migrate(connection, bugs)
    assert diff.waiting == ("thing_id",)
    assert any("has no such key yet" in line for line in diff.lines)
    migrate(connection, contract(ID, NAME, URL))
    assert migrate(connection, bugs).waiting == ()
    assert migrate(connection, bugs).changes == ()
    fill(connection)
    insert = "INSERT INTO data.bugs (no, thing_id, organization_id, _load_id, _record_no) VALUES (%s, %s, %s, 1, 1)"
    connection.execute(insert, [1, 1, 1])
    for organization, thing in ((1, 2), (2, 1)):
        with pytest.raises(DataRefused), datasets.translated():
            connection.execute(insert, [2, thing, organization])
    migrate(connection, replace(bugs, references={}, sha256="other"))
    connection.execute(insert, [2, 99, 1])


def test_a_reference_that_rows_break_is_refused(connection):
    owner = Column("thing_id", "integer", "BIGINT", "bigint")
    key = changed(ID, name="no")
    loose = contract(key, owner, table="bugs", key=("no",))
    migrate(connection, contract(ID, NAME, URL))
    migrate(connection, loose)
    connection.execute("INSERT INTO data.bugs VALUES (1, 99, NULL, 1, 1, 1)")
    with pytest.raises(SchemaConflict, match=r"thing_id is tied to data\.things\.id"):
        migrate(connection, replace(loose, references={"thing_id": ("data", "things", "id")}, sha256="other"))


def test_a_table_may_refer_to_itself(connection):
    parent = Column("parent_id", "integer", "BIGINT", "bigint")
    wanted = contract(ID, parent, references={"parent_id": ("data", "things", "id")})
    assert migrate(connection, wanted).waiting == ()
    assert compare(connection, wanted).same


def test_several_loads_may_make_one_table_at_once(warehouse):
    def make(_):
        with warehouse.connect(autocommit=True) as connection:
            return migrate(connection, contract()).missing

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make, range(4))) == [False, False, False, True]


def test_a_failed_transaction_leaves_no_table(warehouse):
    with warehouse.connect() as connection:
        migrate(connection, contract())
        connection.rollback()
        assert live.read(connection, "data", "things") is None


def test_a_busy_table_may_be_tried_again(warehouse, connection, monkeypatch):
    migrate(connection, contract(ID, NAME, URL))
    with warehouse.connect() as reader, warehouse.connect(options="-c statement_timeout=300") as hasty:
        reader.execute("SELECT FROM data.things")
        with pytest.raises(RetryError):
            migrate(hasty, contract())


def test_a_user_without_rights_is_told_which(warehouse, connection):
    connection.execute("CREATE ROLE sluice_test_maker LOGIN PASSWORD 'x'")
    try:
        url = make_conninfo(warehouse.url, user="sluice_test_maker", password="x")
        with Warehouse.from_url(url).connect() as maker, pytest.raises(SetupError, match="lacks a right"):
            migrate(maker, contract())
    finally:
        connection.execute("DROP ROLE sluice_test_maker")
