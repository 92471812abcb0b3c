"""A contract and its table, as the tests of dataset tables change them."""

from dataclasses import replace

import pytest

from sluice.contracts.model import Column, Contract
from sluice.errors import SchemaConflict
from sluice.warehouse import live
from sluice.warehouse.datasets import migrate

ID = Column("id", "integer", "BIGINT", "bigint", required=True, primary_key_position=1)
NAME = Column("name", "string", "VARCHAR", "varchar(20)", required=True)
URL = Column("url", "string", "VARCHAR", "text", unique=True)
AMOUNT = Column("amount", "number", "DECIMAL(10,2)", "numeric(10,2)")


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
