"""What the tests of exporting and erasing people share: five datasets of two organizations, and where texts stand."""

from pathlib import Path

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.security import ring
from sluice.subjects import search
from sluice.subjects.person import Person
from sluice.subjects.search import Scope
from sluice.warehouse import sealing
from sluice.warehouse.connection import Warehouse
from tests.jobs.appending import write
from tests.jobs.loading import load

HEAD = """
apiVersion: v3.1.0
kind: DataContract
id: {0}
version: 1.0.0
status: active
schema:
  - name: {0}
"""
SUBJECT = "customProperties: [{property: sluice.subject, value: true}]"
# Sealed, and found by the key of the person.
PATIENTS = f"""
    customProperties: [{{property: sluice.ceiling, value: internal}}]
    properties:
      - {{name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: ward, logicalType: string, classification: internal}}
      - {{name: email, logicalType: string, unique: true, classification: confidential, {SUBJECT}}}
      - {{name: diagnosis, logicalType: string, classification: restricted, logicalTypeOptions: {{maxLength: 30}}}}
"""
# Sealed, and theirs because they refer to a patient.
VISITS = f"""
    customProperties: [{{property: sluice.ceiling, value: internal}}]
    properties:
      - {{name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}}
      - name: patient
        logicalType: string
        classification: confidential
        relationships: [{{type: foreignKey, to: patients.email, {SUBJECT}}}]
      - {{name: finding, logicalType: string, classification: restricted}}
"""
# Nothing of it is sealed, and it has no key.
ORDERS = f"""
    properties:
      - {{name: order_no, logicalType: string, unique: true}}
      - {{name: customer, logicalType: string, {SUBJECT}}}
      - {{name: amount, logicalType: number, physicalType: "numeric(8,2)", logicalTypeOptions: {{minimum: 0}}}}
"""
# Rows of others that refer to an order.
TICKETS = """
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}
      - name: order_no
        logicalType: string
        relationships: [{type: foreignKey, to: orders.order_no}]
"""
# Persons known by a number.
MEMBERS = f"""
    properties:
      - {{name: member, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, {SUBJECT}}}
      - {{name: points, logicalType: integer, logicalTypeOptions: {{minimum: 0}}}}
"""
ALL = {"patients": PATIENTS, "visits": VISITS, "orders": ORDERS, "tickets": TICKETS, "members": MEMBERS}
ANN, BOB = "ann.archer@example.org", "bob.baker@example.org"
HER = (ANN, "ASTHMA-OF-ANN", "FINDING-OF-ANN", "BROKEN-OF-ANN")  # texts that are hers


def compiled(folder: Path, **changed: str) -> dict[str, Contract]:
    """The contracts by dataset; ``changed``: other schemas for some."""
    folder.mkdir(exist_ok=True)
    for name, body in (ALL | changed).items():
        (folder / f"{name}.odcs.yaml").write_text(HEAD.format(name) + body)
    return {name: load_contract(folder / f"{name}.odcs.yaml")[0] for name in ALL}


def fill(warehouse: Warehouse, contracts: dict[str, Contract], folder: Path, organization: int = 1) -> None:
    """Two persons in each dataset, with rejects of both, and a patient who is in nothing else."""
    tables = {
        "patients": [
            ("id", "ward", "email", "diagnosis"),
            ("1", "north", ANN, "ASTHMA-OF-ANN"),
            ("2", "south", BOB, "GOUT-OF-BOB"),
            ("3", "south", "cleo.cook@example.org", "COUGH-OF-CLEO"),
            ("x", "north", ANN, "BROKEN-OF-ANN"),
            ("4", "north", "dora@example.org", "TOO-LONG-OF-DORA" * 5),
        ],
        "visits": [
            ("id", "patient", "finding"),
            ("1", ANN, "FINDING-OF-ANN"),
            ("2", BOB, "FINDING-OF-BOB"),
            ("y", ANN, "BROKEN-OF-ANN"),
        ],
        "orders": [
            ("order_no", "customer", "amount"),
            ("A-1", ANN, "12.50"),
            ("B-1", BOB, "7"),
            ("A-2", ANN, "-1"),
            ("A-3", ANN, "many"),
            ("B-2", f"jo{ANN}", "-3"),
        ],
        "tickets": [("id", "order_no"), ("1", "A-1"), ("2", "B-1")],
        "members": [("member", "points"), ("7", "1"), ("70", "7"), ("007", "-7"), ("71", "-7")],
    }
    for name, (header, *rows) in tables.items():
        path = write(folder / f"{name}-{organization}.csv", rows, header)
        load(warehouse, contracts[name], path, mode="append", organization_id=organization)


def someone(warehouse: Warehouse, text: str, organization: int = 1) -> Person:
    with warehouse.connect(autocommit=True) as connection:
        return Person(text, ring.ensure(connection, sealing.keks(warehouse), organization))


def scope_of(warehouse: Warehouse, contracts: dict[str, Contract]) -> Scope:
    with warehouse.connect() as connection:
        return search.scope(connection, list(contracts.values()))
