"""Dataset tables: made from contracts, compared with them, and kept whole."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.conninfo import make_conninfo

from sluice.errors import RetryError, SchemaConflict, SetupError
from sluice.warehouse import live
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.datasets import compare, ddl, migrate

from .things import AMOUNT, ID, NAME, URL, changed, contract, fill, key_sets, refusal, types


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
