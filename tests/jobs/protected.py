"""What the tests of encrypted storage share: a contract with a ceiling, its rows, and ways to read them."""

from typing import Any

from sluice.contracts.model import Contract
from sluice.security.keys import Keks
from sluice.warehouse import sealing
from sluice.warehouse.connection import Connection, Warehouse

PATIENTS = """
apiVersion: v3.1.0
kind: DataContract
id: patients
version: 1.0.0
status: active
schema:
  - name: patients
    customProperties:
      - {property: sluice.ceiling, value: internal}
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: ward, logicalType: string, classification: internal}
      - name: email
        logicalType: string
        unique: true
        classification: confidential
        customProperties: [{property: sluice.lookup, value: true}]
      - {name: diagnosis, logicalType: string, classification: restricted, logicalTypeOptions: {maxLength: 60}}
      - {name: born, logicalType: date, classification: restricted}
      - {name: fee, logicalType: number, physicalType: "numeric(8,2)", classification: restricted}
"""
HEADER = ("id", "ward", "email", "diagnosis", "born", "fee")


def patient(number: int, **changes: str) -> tuple[str, ...]:
    """One row as a file has it."""
    row = {
        "id": str(number), "ward": f"WARD-{number:04}", "email": f"person{number}@secret-mail.example",
        "diagnosis": f"DIAGNOSIS-OF-{number:04}", "born": f"1950-01-{number % 28 + 1:02}", "fee": f"{number}.50",
    }  # fmt: skip
    return tuple((row | changes).values())


def opened(
    warehouse: Warehouse, contract: Contract, organization_id: int = 1, keks: Keks | None = None
) -> list[dict[str, Any]]:
    """The rows of the table, decrypted, by id."""
    with warehouse.connect() as connection:
        rows = stored(connection, contract)
        opener = sealing.opener(connection, keks or sealing.keks(warehouse), contract, organization_id)
        return opener.open(rows)


def stored(connection: Connection, contract: Contract, name: str = "") -> list[dict[str, Any]]:
    """The rows as they stand in the table, or in the view of that name."""
    cursor = connection.execute(
        f"SELECT * FROM {contract.schema}.{name or contract.table} ORDER BY id".encode()
    )
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


PEOPLE = PATIENTS.replace(
    "- {name: ward, logicalType: string, classification: internal}",
    "- name: ward\n        logicalType: string\n        classification: internal\n"
    "        customProperties: [{property: sluice.subject, value: true}]",
)
VISITS = """
apiVersion: v3.1.0
kind: DataContract
id: visits
version: 1.0.0
status: active
customProperties:
  - {property: sluice.ceiling, value: internal}
schema:
  - name: visits
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
      - name: email
        logicalType: string
        classification: confidential
        relationships: [{type: foreignKey, to: patients.email}]
"""
