"""Keys and references of dataset tables follow the contract where the rows allow."""

from dataclasses import replace

import pytest

from sluice.contracts.model import Column
from sluice.errors import DataRefused, SchemaConflict
from sluice.warehouse import datasets
from sluice.warehouse.datasets import compare, migrate

from .things import AMOUNT, ID, NAME, URL, changed, contract, fill, key_sets, refusal, types


def test_long_names_get_keys_of_their_own(connection):
    fields = [changed(URL, name="c" * 60 + end) for end in "ab"]
    migrate(connection, contract(ID, *fields, table="t" * 60))
    assert len(key_sets(connection, "t" * 60)) == 3


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
