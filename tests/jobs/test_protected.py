"""A contract with a ceiling: what is classed above it is encrypted in the table, whatever the mode of the load."""

import signal
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.errors import InputError, SchemaConflict, SetupError
from sluice.jobs import concealed, ledger, replay, steps, trace
from sluice.jobs.unsealing import Reader, selected
from sluice.security import cells, ring, sealed
from sluice.warehouse import sealing
from sluice.warehouse.connection import Warehouse
from tests.jobs.appending import write
from tests.jobs.loading import load, request_for, run
from tests.jobs.protected import HEADER, PATIENTS, PEOPLE, VISITS, opened, patient, stored


@pytest.fixture
def patients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contract:
    """A dataset with columns above its ceiling."""
    path = tmp_path / "contracts" / "patients.odcs.yaml"
    path.parent.mkdir()
    path.write_text(PATIENTS)
    monkeypatch.setenv("SLUICE_CONTRACTS", str(path.parent))
    return load_contract(path)[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three patients."""
    return write(tmp_path / "patients.csv", [patient(n) for n in (1, 2, 3)], HEADER)


def test_the_table_holds_marks_and_the_values_come_back(
    warehouse: Warehouse, patients: Contract, file: Path
) -> None:
    outcome = load(warehouse, patients, file)
    assert (outcome.published, outcome.rejected) == (3, 0)
    with warehouse.connect() as connection:
        first = stored(connection, patients)[0]
    assert (first["id"], first["ward"], first["diagnosis"], first["born"], first["fee"]) == (
        1,
        "WARD-0001",
        b"",
        b"",
        b"",
    )
    assert len(first["email"]) == 16
    assert b"DIAGNOSIS" not in first["_sealed"]
    row = opened(warehouse, patients)[0]
    assert row["email"] == "person1@secret-mail.example"
    assert (row["diagnosis"], row["born"], row["fee"]) == (
        "DIAGNOSIS-OF-0001",
        date(1950, 1, 2),
        Decimal("1.50"),
    )
    assert "_sealed" not in row


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_each_mode_keeps_the_values(
    warehouse: Warehouse, patients: Contract, file: Path, tmp_path: Path, mode: str
) -> None:
    load(warehouse, patients, file)
    more = write(tmp_path / "more.csv", [patient(3, fee="9"), patient(4)], HEADER)
    outcome = load(warehouse, patients, more, mode=mode)
    found = {row["id"]: row["fee"] for row in opened(warehouse, patients)}
    old = {1: Decimal("1.50"), 2: Decimal("2.50"), 3: Decimal("3.50"), 4: Decimal("4.50")}
    if mode == "append":
        assert (outcome.published, outcome.reasons, found) == (1, {"duplicate": 1}, old)
    elif mode == "upsert":
        assert (outcome.published, found) == (2, old | {3: Decimal("9.00")})
    else:
        assert found == {3: Decimal("9.00"), 4: Decimal("4.50")}


def test_a_row_that_comes_again_is_unchanged(warehouse: Warehouse, patients: Contract, file: Path) -> None:
    load(warehouse, patients, file)
    again = load(warehouse, patients, file, mode="upsert")
    assert (again.published, again.unchanged) == (0, 3)


def test_a_sealed_unique_value_stands_once(
    warehouse: Warehouse, patients: Contract, file: Path, tmp_path: Path
) -> None:
    load(warehouse, patients, file)
    rival = write(tmp_path / "rival.csv", [patient(9, email="person2@secret-mail.example")], HEADER)
    outcome = load(warehouse, patients, rival)
    assert outcome.reasons == {"duplicate": 1}


def test_the_view_masks(warehouse: Warehouse, patients: Contract, file: Path, tmp_path: Path) -> None:
    load(warehouse, patients, file)
    more = write(tmp_path / "more.csv", [patient(1, email="", ward="W"), patient(5)], HEADER)
    load(warehouse, patients, more, mode="replace")
    with warehouse.connect() as connection:
        rows = stored(connection, patients, "patients_masked")
        connection.execute("SET ROLE sluice_tenant")
        connection.execute("SELECT set_config('sluice.organization_id', '2', false)")
        assert stored(connection, patients, "patients_masked") == []
        connection.execute("SELECT set_config('sluice.organization_id', '1', false)")
        assert stored(connection, patients, "patients_masked") == rows
    assert [(r["ward"], r["email"], r["diagnosis"], r["fee"]) for r in rows] == [
        ("W", None, "***", "***"),
        ("WARD-0005", "***", "***", "***"),
    ]


def test_a_plain_table_with_rows_is_refused_with_a_way(
    warehouse: Warehouse, patients: Contract, file: Path
) -> None:
    path = patients.path
    assert path
    path.write_text(PATIENTS.replace("value: internal", "value: restricted"))
    load(warehouse, load_contract(path)[0], file)
    path.write_text(PATIENTS)
    with pytest.raises(SchemaConflict, match="RENAME TO patients_old"):
        load(warehouse, load_contract(path)[0], file)


def test_a_cell_that_was_moved_to_another_row_is_found_out(
    warehouse: Warehouse, patients: Contract, file: Path
) -> None:
    load(warehouse, patients, file)
    with warehouse.connect() as connection:
        connection.execute(
            "UPDATE data.patients p SET _sealed = o._sealed FROM data.patients o WHERE p.id = 1 AND o.id = 2"
        )
    with pytest.raises(SetupError, match="changed in the warehouse, or moved"):
        opened(warehouse, patients)


def test_references_between_sealed_columns_are_checked_and_guarded(
    warehouse: Warehouse, patients: Contract, file: Path, tmp_path: Path
) -> None:
    load(warehouse, patients, file)
    path = tmp_path / "contracts" / "visits.odcs.yaml"
    path.write_text(VISITS)
    visits = load_contract(path)[0]
    found = [("1", "person1@secret-mail.example"), ("2", "nobody@secret-mail.example"), ("3", "")]
    outcome = load(warehouse, visits, write(tmp_path / "visits.csv", found, ("id", "email")))
    assert (outcome.published, outcome.reasons) == (2, {"reference": 1})
    emails = [row["email"] for row in opened(warehouse, visits)]
    assert emails == ["person1@secret-mail.example", None]
    with warehouse.connect() as connection, pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute("DELETE FROM data.patients WHERE id = 1")


def test_who_loses_the_key_loses_the_person_in_every_copy(
    warehouse: Warehouse, patients: Contract, file: Path
) -> None:
    assert patients.path
    patients.path.write_text(PEOPLE)
    people = load_contract(patients.path)[0]
    assert people.subject == "ward"
    load(warehouse, people, file)
    again = load(warehouse, people, file, mode="upsert")
    assert again.unchanged == 3
    with warehouse.connect() as connection:
        backup = stored(connection, people)
        opener = sealing.opener(connection, sealing.keks(warehouse), people, 1)
        shape = sealing.shape(people)
        token = cells.token(opener.ring, shape.subject_domain, "WARD-0002")
        assert ring.forget(connection, 1, token)
    with warehouse.connect() as connection:
        opener = sealing.opener(connection, sealing.keks(warehouse), people, 1)
        rows = opener.open(backup)
    assert [row["diagnosis"] for row in rows] == ["DIAGNOSIS-OF-0001", cells.ERASED, "DIAGNOSIS-OF-0003"]


def test_rejects_are_sealed_and_come_back_by_replay(
    warehouse: Warehouse, patients: Contract, tmp_path: Path
) -> None:
    rows = [patient(1), patient(2, born="31.31.1950"), patient(3, diagnosis="Q" * 70)]
    outcome = load(warehouse, patients, write(tmp_path / "bad.csv", rows, HEADER))
    assert outcome.reasons == {"not_a_date": 1, "too_long": 1}
    kept = list(ledger.rejects(warehouse, outcome.job_id))
    job = ledger.get(warehouse, outcome.job_id)
    told = f"{job['details']}{job['result_data']}{[row['message'] for row in kept]}"
    for secret in ("31.31", "QQQQ", "secret-mail", "DIAGNOSIS"):
        assert secret not in told
        assert secret not in str(kept)
    assert kept[0]["message"] == "born: *** is not a date such as 2024-12-31."
    assert concealed.masked(kept[0])["raw"] == "***"
    with warehouse.connect() as connection:
        reader = Reader(connection, patients, 1, 1, sealing.keks(warehouse))
        clear = list(reader.rejects(kept))
        reader.note("rejects", 2, outcome.job_id)
        noted = connection.execute(
            "SELECT details FROM sluice.audit_log WHERE event = 'data.unsealed'"
        ).fetchall()
    assert "31.31.1950" in clear[0]["raw"]
    assert "'31.31.1950' is not a date" in clear[0]["message"]
    assert clear[1]["cells"]["diagnosis"] == "Q" * 70
    assert [one["rows"] for (one,) in noted] == [2]
    assert patients.path
    patients.path.write_text(PATIENTS.replace("maxLength: 60", "maxLength: 90"))
    mended = load_contract(patients.path)[0]
    request = replay.request_of(warehouse, job)
    again = run(warehouse, mended, request)
    assert (again.published, again.reasons) == (1, {"not_a_date": 1})
    assert opened(warehouse, mended)[-1]["diagnosis"] == "Q" * 70


def test_a_new_data_key_seals_what_comes_and_the_old_rows_stay_readable(
    warehouse: Warehouse, patients: Contract, file: Path, tmp_path: Path
) -> None:
    load(warehouse, patients, file)
    with warehouse.connect(autocommit=True) as connection:
        old = ring.read(connection, sealing.keks(warehouse), 1)
        ring.renew(connection, sealing.keks(warehouse), 1)
    load(warehouse, patients, write(tmp_path / "more.csv", [patient(4)], HEADER))
    with warehouse.connect() as connection:
        used = {bytes(row["_sealed"])[4] for row in stored(connection, patients)}
    assert old
    assert len(used) == 2
    assert [row["diagnosis"][-1] for row in opened(warehouse, patients)] == ["1", "2", "3", "4"]


def test_rows_are_found_by_a_sealed_value(warehouse: Warehouse, patients: Contract, file: Path) -> None:
    load(warehouse, patients, file)
    keks = sealing.keks(warehouse)
    with warehouse.connect() as connection:
        reader = Reader(connection, patients, 1)
        wanted = {"email": "person2@secret-mail.example"}
        found = list(selected(reader, wanted, 10, keks))
        with pytest.raises(InputError, match=r"sluice\.lookup"):
            list(selected(reader, {"diagnosis": "x"}, 10, keks))
    assert [(row["id"], row["email"]) for row in found] == [(2, "***")]
    traced = trace.row(warehouse, patients, "2", 1)
    assert traced[0]["row"]["email"] == "***"


def test_a_killed_load_begins_anew_with_another_key(
    warehouse: Warehouse, patients: Contract, file: Path
) -> None:
    """What the dead process has sealed is of no use, and in nobody's way."""
    request = request_for(patients, file)
    job = steps.open_job(warehouse, request)
    script = (
        "import os, signal, json, sys; from tests.jobs.loading import SOURCES; from sluice.jobs import steps;"
        "from sluice.sources import acquire; from sluice.warehouse.connection import Warehouse;"
        "url, dataset, job_id, path = sys.argv[1:]; warehouse = Warehouse.from_url(url);"
        "contract = steps.contract_of(dataset); job = steps.Job(job_id, dataset, 'append');"
        "from sluice.sources.model import source_of;"
        "steps.connect(warehouse, contract, job); item = acquire.validate(source_of(path))[0];"
        "landed = steps.collect(warehouse, job, item, 0); steps.convert(warehouse, contract, job, landed, 0);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, warehouse.url, patients.dataset, job.job_id, str(file)], check=False
    )
    assert done.returncode == -signal.SIGKILL
    left = job.directory / "0" / "rows.parquet"
    assert sealed.is_sealed(left)
    outcome = run(warehouse, patients, {**request, "job_id": job.job_id})
    assert outcome.published == 3
    assert len(opened(warehouse, patients)) == 3
    assert not job.directory.exists()
