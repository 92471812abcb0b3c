"""Downloads of encrypted values: masked for all but administrators, whose reads the audit log keeps."""

import base64
import csv
import io
from collections.abc import Iterator

import pytest

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.jobs.outcome import Outcome
from sluice.security.tokens import Role
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.gateway.conftest import Client
from tests.jobs.appending import write
from tests.jobs.loading import load
from tests.jobs.protected import HEADER, PATIENTS, patient

NOTED = "SELECT user_id, job_id, details FROM sluice.audit_log WHERE event = 'data.unsealed' ORDER BY id"


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contract]:
    """A dataset with columns above its ceiling, and the key for them."""
    folder = tmp_path_factory.mktemp("contracts")
    path = folder / "patients.odcs.yaml"
    path.write_text(PATIENTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_CONTRACTS", str(folder))
        patch.setenv("SLUICE_HOME", str(folder / "home"))
        patch.setenv("SLUICE_ENCRYPTION_KEY", base64.b64encode(bytes(32)).decode())
        settings.cache_clear()
        yield load_contract(path)[0]
    settings.cache_clear()


@pytest.fixture(scope="module")
def outcome(
    module_warehouse: Warehouse, patients: Contract, tmp_path_factory: pytest.TempPathFactory
) -> Outcome:
    """Two rows, one without an e-mail address, and a reject."""
    rows = [patient(1), patient(2, email=""), patient(3, born="31.31.1950")]
    return load(module_warehouse, patients, write(tmp_path_factory.mktemp("in") / "p.csv", rows, HEADER))


def noted(warehouse: Warehouse) -> list[tuple[object, ...]]:
    with warehouse.connect() as connection:
        return connection.execute(NOTED).fetchall()


@pytest.mark.parametrize("role", [Role.viewer, Role.operator])
def test_others_get_masks_and_nothing_is_noted(
    client: Client, module_warehouse: Warehouse, outcome: Outcome, role: Role
) -> None:
    before = noted(module_warehouse)
    answer = client(1, role).get(f"/api/ingest/{outcome.job_id}/result", params={"format": "json"})
    assert answer.status_code == 200
    one, two = answer.json()
    assert (one["id"], one["ward"], one["email"], one["diagnosis"], one["fee"]) == (
        1,
        "WARD-0001",
        "***",
        "***",
        "***",
    )
    assert (two["email"], two["born"]) == (None, "***")
    assert "_sealed" not in one
    rejects = client(1, role).get(f"/api/ingest/{outcome.job_id}/rejects").text
    assert "31.31" not in rejects
    assert "secret-mail" not in rejects
    assert "born: *** is not a date" in rejects
    assert noted(module_warehouse) == before


def test_an_administrator_gets_the_values_and_it_is_written_down(
    client: Client, module_warehouse: Warehouse, outcome: Outcome
) -> None:
    before = len(noted(module_warehouse))
    answer = client(1, Role.admin).get(f"/api/ingest/{outcome.job_id}/result")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["email"], row["born"], row["fee"]) for row in rows] == [
        ("person1@secret-mail.example", "1950-01-02", "1.50"),
        ("", "1950-01-03", "2.50"),
    ]
    rejects = client(1, Role.admin).get(f"/api/ingest/{outcome.job_id}/rejects").text
    assert "31.31.1950" in rejects
    columns = ["email", "diagnosis", "born", "fee"]
    assert noted(module_warehouse)[before:] == [
        (7, outcome.job_id, {"what": "result", "columns": columns, "rows": 2}),
        (7, outcome.job_id, {"what": "rejects", "columns": columns, "rows": 1}),
    ]


def test_another_organization_s_administrator_gets_nothing(client: Client, outcome: Outcome) -> None:
    assert client(2, Role.admin).get(f"/api/ingest/{outcome.job_id}/result").status_code == 404


def test_a_row_that_was_tampered_with_is_told_and_no_byte_goes_out(
    client: Client, module_warehouse: Warehouse, outcome: Outcome
) -> None:
    before = noted(module_warehouse)
    swap = "UPDATE data.patients SET ward = ward, _sealed = set_byte(_sealed, 30, get_byte(_sealed, 30) # 1)"
    with module_warehouse.connect() as connection:
        connection.execute(swap)
    answer = client(1, Role.admin).get(f"/api/ingest/{outcome.job_id}/result")
    with module_warehouse.connect() as connection:
        connection.execute(swap)
    assert not answer.is_success
    assert "were changed in the warehouse" in answer.text
    assert "secret-mail" not in answer.text
    assert noted(module_warehouse) == before
