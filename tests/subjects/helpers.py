"""What tests of a person's data ask: give it out, erase it, does anything of it still stand."""

import subprocess
from typing import Any

from sluice.contracts.model import Contract
from sluice.jobs.unsealing import Reader, selected
from sluice.landing.folder import Folder
from sluice.subjects.document import Export, export
from sluice.subjects.erase import Erased, erase
from sluice.warehouse import sealing
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.embedded import programs_folder
from tests.security.test_nothing_plain import forms
from tests.subjects.people import ANN, scope_of, someone


def given(
    warehouse: Warehouse, contracts: dict[str, Contract], text: str = ANN, organization: int = 1, **more: Any
) -> Export:
    person, scope = someone(warehouse, text, organization), scope_of(warehouse, contracts)
    return export(warehouse, person, scope, sealing.keks(warehouse), user_id=9, **more)


def erased(
    warehouse: Warehouse,
    contracts: dict[str, Contract],
    store: Folder,
    text: str = ANN,
    organization: int = 1,
    **more: Any,
) -> Erased:
    person, scope = someone(warehouse, text, organization), scope_of(warehouse, contracts)
    return erase(warehouse, person, scope, sealing.keks(warehouse), store, user_id=9, **more)


def dump(warehouse: Warehouse) -> bytes:
    return subprocess.run(
        [programs_folder() / "pg_dump", "--inserts", "-d", warehouse.url], capture_output=True, check=True
    ).stdout


def stands(warehouse: Warehouse, text: str) -> bool:
    """Whether a dump has the text in any form, but for within another person's address."""
    found = dump(warehouse).replace(f"jo{ANN}".encode(), b"")
    return any(form in found for form in forms(text))


def lines(warehouse: Warehouse) -> list[bytes]:
    """A dump without the words that each dump makes up, and without what a transaction that is undone counts on."""
    ever = (b"\\restrict", b"\\unrestrict", b"SELECT pg_catalog.setval")
    return sorted(line for line in dump(warehouse).splitlines() if not line.startswith(ever))


def newest(connection: Connection, event: str) -> dict[str, Any]:
    row = connection.execute(
        "SELECT to_jsonb(a) FROM sluice.audit_log a WHERE event = %s ORDER BY id DESC LIMIT 1", [event]
    ).fetchone()
    assert row
    found: dict[str, Any] = row[0]
    return found


def read(warehouse: Warehouse, contract: Contract) -> dict[int, dict[str, Any]]:
    """The first organization's rows by id, decrypted."""
    with warehouse.connect() as connection:
        reader = Reader(connection, contract, 1, keks=sealing.keks(warehouse))
        rows = list(selected(reader, {}, 100, None))
    return {row["id"]: {name: row[name] for name in row if name != "_extra"} for row in rows}
