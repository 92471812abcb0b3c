"""Rows that refer to rows of another table: without a partner they are rejects, never a failed load."""

from pathlib import Path
from typing import Any

import pytest

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.errors import DataRefused
from sluice.jobs import ledger
from sluice.warehouse.connection import Connection, Warehouse
from tests.jobs.loading import load

MODES = ("append", "upsert", "replace")
SHOP = """
apiVersion: v3.1.0
kind: DataContract
id: shop
version: 1.0.0
status: active
schema:
  - name: customers
    properties:
      - {name: no, logicalType: integer, primaryKey: true}
      - {name: land, logicalType: string}
      - {name: mail, logicalType: string, unique: true}
    customProperties: [{property: sluice.matchKeys, value: [[no]]}]
  - name: orders
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - name: customer
        logicalType: integer
        relationships: [{to: customers.no}]
      - name: mail
        logicalType: string
        relationships:
          - to: customers.mail
            customProperties: [{property: sluice.severity, value: warning}]
  - name: parcels
    relationships:
      - {from: [parcels.customer, parcels.land], to: [customers.no, customers.land]}
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: customer, logicalType: integer}
      - {name: land, logicalType: string}
  - name: staff
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: boss, logicalType: integer, relationships: [{to: staff.id}]}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Contract]:
    path = tmp_path_factory.mktemp("shop") / "shop.odcs.yaml"
    path.write_text(SHOP)
    return {contract.dataset: contract for contract in load_contract(path)}


def csv(folder: Path, *lines: str, name: str = "input.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([*lines, ""]))
    return path


@pytest.fixture
def customers(warehouse: Warehouse, shop: dict[str, Contract], tmp_path: Path) -> Path:
    """Customers 1 and 2 stand; for another organization, 3."""
    path = csv(tmp_path, "no,land,mail", "1,DE,a@x", "2,FR,b@x", name="customers.csv")
    load(warehouse, shop["customers"], path)
    with warehouse.connect() as connection:
        connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (2, 'other')")
    load(warehouse, shop["customers"], csv(tmp_path, "no", "3", name="others.csv"), organization_id=2)
    return path


def ids(connection: Connection, table: str) -> list[int]:
    query = f"SELECT id FROM data.{table} WHERE organization_id = 1 ORDER BY id"
    return [row[0] for row in connection.execute(query.encode())]


def told(warehouse: Warehouse, job_id: str) -> list[tuple[Any, ...]]:
    rows = ledger.rejects(warehouse, job_id)
    return [(row["record_no"], row["column_name"], row["reason"], row["message"], row["raw"]) for row in rows]


@pytest.mark.usefixtures("customers")
@pytest.mark.parametrize("standing", [False, True], ids=["first load", "rows stand"])
@pytest.mark.parametrize("mode", MODES)
def test_a_row_without_a_partner_is_a_reject_that_says_what_is_missing(
    warehouse: Warehouse,
    connection: Connection,
    shop: dict[str, Contract],
    tmp_path: Path,
    mode: str,
    standing: bool,
) -> None:
    if standing:
        load(warehouse, shop["orders"], csv(tmp_path, "id,customer", "7,2", name="before.csv"))
    path = csv(tmp_path, "id,customer", "1,1", "2,9", "3,", "4,3", "5,2")
    outcome = load(warehouse, shop["orders"], path, mode=mode)
    assert (outcome.read, outcome.published, outcome.rejected) == (5, 3, 2)
    assert outcome.reasons == {"reference": 2}
    assert ids(connection, "orders") == [1, 3, 5, *([7] if standing and mode != "replace" else [])]
    assert told(warehouse, outcome.job_id) == [
        (2, "customer", "reference", "customer: data.customers has no no '9'.", "2,9"),
        (4, "customer", "reference", "customer: data.customers has no no '3'.", "4,3"),
    ]


@pytest.mark.usefixtures("customers")
def test_a_reference_of_severity_warning_is_counted_and_published(
    warehouse: Warehouse, connection: Connection, shop: dict[str, Contract], tmp_path: Path
) -> None:
    path = csv(tmp_path, "id,mail", "1,a@x", "2,nobody@x", "3,", "4,nobody@x")
    outcome = load(warehouse, shop["orders"], path)
    assert (outcome.published, outcome.rejected) == (4, 0)
    assert outcome.warnings == (
        "mail.reference: fails foreign key to data.customers (mail) (2 of 4 records fail)",
    )
    found = connection.execute(
        "SELECT column_name, severity, success, unexpected_count FROM sluice.rule_results"
        " WHERE rule = 'reference' ORDER BY 1"
    ).fetchall()
    assert found == [("customer", "critical", True, 0), ("mail", "warning", False, 2)]


def test_without_the_other_table_every_row_that_refers_is_a_reject(
    warehouse: Warehouse, shop: dict[str, Contract], tmp_path: Path
) -> None:
    path = csv(tmp_path, "id,customer", "1,1", "2,")
    first = load(warehouse, shop["orders"], path)
    assert (first.published, first.reasons) == (1, {"reference": 1})
    assert "there is no table data.customers yet" in told(warehouse, first.job_id)[0][3]
    load(warehouse, shop["customers"], csv(tmp_path, "no", "1", name="customers.csv"))
    assert load(warehouse, shop["orders"], path, mode="upsert").published == 1


@pytest.mark.usefixtures("customers")
@pytest.mark.parametrize("mode", MODES)
def test_a_reference_over_several_columns_needs_one_partner_with_all_of_them(
    warehouse: Warehouse, shop: dict[str, Contract], tmp_path: Path, mode: str
) -> None:
    path = csv(tmp_path, "id,customer,land", "1,1,DE", "2,1,FR", "3,1,")
    outcome = load(warehouse, shop["parcels"], path, mode=mode)
    assert (outcome.published, outcome.reasons) == (2, {"reference": 1})
    assert told(warehouse, outcome.job_id)[0][1:4] == (
        "customer, land",
        "reference",
        "customer, land: data.customers has no no, land '1', 'FR'.",
    )


@pytest.mark.parametrize("mode", MODES)
def test_rows_may_refer_to_rows_of_their_own_load_and_fall_with_them(
    warehouse: Warehouse, connection: Connection, shop: dict[str, Contract], tmp_path: Path, mode: str
) -> None:
    load(warehouse, shop["staff"], csv(tmp_path, "id,boss", "10,", name="before.csv"))
    one = csv(tmp_path, "id,boss", "1,2", "3,4", "4,5", "5,99", name="one.csv")
    two = csv(tmp_path, "id,boss", "2,2", "6,10", "7,3", name="two.csv")
    outcome = load(warehouse, shop["staff"], one, two, mode=mode)
    # 99 is nobody: so 5, 4, 3 and 7 fall in turn. Replace removes 10, and with it 6.
    assert ids(connection, "staff") == ([1, 2] if mode == "replace" else [1, 2, 6, 10])
    assert outcome.reasons == {"reference": 5 if mode == "replace" else 4}


@pytest.mark.usefixtures("customers")
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_record_without_a_partner_does_not_win_over_another_with_its_key(
    warehouse: Warehouse, connection: Connection, shop: dict[str, Contract], tmp_path: Path, mode: str
) -> None:
    outcome = load(
        warehouse, shop["orders"], csv(tmp_path, "id,customer", "1,1", "1,9", "2,9", "2,2"), mode=mode
    )
    assert (outcome.published, outcome.reasons) == (2, {"reference": 2})
    assert connection.execute("SELECT id, customer FROM data.orders ORDER BY 1").fetchall() == [
        (1, 1),
        (2, 2),
    ]


def test_replacing_rows_that_others_refer_to_keeps_those_references(
    warehouse: Warehouse, connection: Connection, shop: dict[str, Contract], tmp_path: Path, customers: Path
) -> None:
    load(warehouse, shop["orders"], csv(tmp_path, "id,customer", "1,1"))
    assert load(warehouse, shop["customers"], customers, mode="replace").published == 2
    with pytest.raises(DataRefused, match="still referenced") as caught:
        load(warehouse, shop["customers"], csv(tmp_path, "no", "2"), mode="replace")
    assert "that refers" in caught.value.hint
    assert connection.execute("SELECT no FROM data.customers ORDER BY 1").fetchall() == [(1,), (2,), (3,)]


def test_columns_that_can_not_be_compared_are_compared_as_text(
    warehouse: Warehouse, connection: Connection, tmp_path: Path
) -> None:
    connection.execute("CREATE TABLE public.lands (code integer); INSERT INTO public.lands VALUES (49)")
    path = tmp_path / "towns.odcs.yaml"
    path.write_text(
        SHOP.partition("schema:")[0] + "schema: [{name: towns, properties: ["
        "{name: id, logicalType: integer}, {name: land, relationships: [{to: public.lands.code}]}]}]\n"
    )
    outcome = load(warehouse, load_contract(path)[0], csv(tmp_path, "id,land", "1,49", "2,33"))
    assert (outcome.published, outcome.reasons) == (1, {"reference": 1})
