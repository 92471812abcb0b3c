"""``sluice rows``, ``keys`` and ``rejects`` of a dataset with encrypted columns."""

import base64
import csv
from dataclasses import replace

import pytest

from tests.cli.conftest import Answer, Shell
from tests.jobs.appending import write
from tests.jobs.protected import HEADER, PATIENTS, patient

OLD, NEW = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


@pytest.fixture(scope="module")
def ward(shell: Shell) -> Shell:
    """The shell of one who has a key."""
    (shell.folder / "contracts" / "patients.odcs.yaml").write_text(PATIENTS)
    return replace(shell, env={**shell.env, "SLUICE_ENCRYPTION_KEY": OLD})


@pytest.fixture(scope="module")
def patients(ward: Shell) -> Answer:
    """Two patients and a reject."""
    write(ward.folder / "patients.csv", [patient(1), patient(2), patient(3, born="31.31.1950")], HEADER)
    answer = ward.run("load", "patients.csv", "-d", "patients", "--json")
    assert answer.code == 0, answer
    return answer


def unsealed(ward: Shell) -> str:
    query = "select count(*) from sluice.audit_log where event = 'data.unsealed'"
    return ward.run_installed("db", "psql", "-Atc", query).out.strip()


def test_rows_are_masked_unless_they_are_unsealed_which_is_noted(ward: Shell, patients: Answer) -> None:
    before = int(unsealed(ward))
    masked = ward.run("rows", "patients", "--json").json
    assert [(row["id"], row["email"], row["fee"]) for row in masked] == [(1, "***", "***"), (2, "***", "***")]
    assert int(unsealed(ward)) == before
    found = ward.run(
        "rows", "patients", "--where", "email=person2@secret-mail.example", "--unseal", "--json"
    ).json
    assert [(row["id"], row["diagnosis"], row["fee"]) for row in found] == [(2, "DIAGNOSIS-OF-0002", "2.50")]
    assert int(unsealed(ward)) == before + 1
    assert "***" in ward.run("rows", "patients", "--limit", "1").out


def test_a_column_that_can_not_be_looked_up_by_is_told(ward: Shell, patients: Answer) -> None:
    told = ward.run("rows", "patients", "--where", "diagnosis=x")
    assert told.code == 1
    assert "sluice.lookup" in told.err
    assert ward.run("rows", "patients", "--where", "nothing=x").code == 1


def test_rejects_are_corrected_and_loaded_by_one_who_may(ward: Shell, patients: Answer) -> None:
    job = patients.json["job_id"]
    assert "31.31" not in ward.run("rejects", job).out
    assert "31.31.1950" in ward.run("rejects", job, "--unseal").out
    assert ward.run("rejects", job, "--unseal", "--out", "bad.csv").code == 0
    with (ward.folder / "bad.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["email"], row["born"]) == ("person3@secret-mail.example", "31.31.1950")


def test_keys_are_rotated_and_a_lost_one_is_told(ward: Shell, patients: Answer) -> None:
    both = replace(ward, env={**ward.env, "SLUICE_ENCRYPTION_KEY": f"{NEW} {OLD}"})
    status = both.run("keys", "status", "--json").json
    assert [key["readable"] for key in status["data_keys"]] == [True, True]
    assert status["data_keys"][0]["wrapped_by"] != status["current"]
    told = both.run("keys", "rotate", "--data", "--json").json
    assert (told["data_keys"], told["wrapped_by"]) == (2, status["current"])
    only_new = replace(ward, env={**ward.env, "SLUICE_ENCRYPTION_KEY": NEW})
    assert len(only_new.run("rows", "patients", "--unseal", "--json").json) == 2
    lost = ward.run("rows", "patients", "--unseal")
    assert lost.code == 2
    assert f"wrapped by the key-encryption key {status['current']}" in lost.err
    assert only_new.run("keys", "status").code == 0
    back = replace(ward, env={**ward.env, "SLUICE_ENCRYPTION_KEY": f"{OLD},{NEW}"})
    assert back.run("keys", "rotate").code == 0
