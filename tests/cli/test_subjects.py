"""``sluice subject``: a person's data is given out, shown before it is erased, and erased."""

import base64
import json
import os
import pty
import subprocess
from dataclasses import replace

import pytest

from tests.cli.conftest import SLUICE, Shell
from tests.jobs.appending import write
from tests.jobs.protected import HEADER, PATIENTS, patient

MAIL = "person{}@secret-mail.example"
NAMED = PATIENTS.replace("sluice.lookup", "sluice.subject").replace("patients", "clients")


@pytest.fixture(scope="module")
def clients(shell: Shell) -> Shell:
    """The shell of one who has a key, with three clients, one for each test, and rejects of the first and third."""
    (shell.folder / "contracts" / "clients.odcs.yaml").write_text(NAMED)
    key = base64.b64encode(bytes([1]) * 32).decode()
    owner = replace(shell, env={**shell.env, "SLUICE_ENCRYPTION_KEY": key})
    turned_away = [patient(9, email=MAIL.format(number), born="31.31.1950") for number in (1, 3)]
    rows = [patient(1), patient(2), patient(3), *turned_away]
    write(owner.folder / "clients.csv", rows, HEADER)
    answer = owner.run("load", "clients.csv", "-d", "clients", "--mode", "append", "--json")
    assert answer.code == 0, answer
    return owner


def events(shell: Shell, event: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = shell.run("audit", "log", "--event", event, "--json").json
    return found


def ids(shell: Shell) -> set[int]:
    return {row["id"] for row in shell.run("rows", "clients", "--json").json}


def test_a_document_goes_to_the_screen_or_into_a_file_for_its_owner_only(clients: Shell) -> None:
    (part,) = clients.run("subject", "export", MAIL.format(3)).json["datasets"]
    assert [(row["id"], row["diagnosis"]) for row in part["rows"]] == [(3, "DIAGNOSIS-OF-0003")]
    assert [reject["column_name"] for reject in part["rejects"]] == ["born"]
    told = clients.run("subject", "export", MAIL.format(3), "-d", "clients", "--out", "p.json", "--json").json
    assert told["datasets"] == {"clients": {"rows": 1, "rejects": 1}}
    path = clients.folder / "p.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["datasets"] == [part]
    assert "1 rows and 1 rejects" in clients.run("subject", "export", MAIL.format(3), "--out", "p.json").out
    entries = events(clients, "subject.exported")
    assert len(entries) == 3
    assert MAIL.format(3) not in json.dumps(entries)


def test_what_can_not_be_searched_is_told(clients: Shell) -> None:
    told = clients.run("subject", "export", MAIL.format(1), "-d", "items")
    assert (told.code, "items says of no column" in told.err) == (2, True)
    bad = clients.folder / "contracts" / "bad.odcs.yaml"
    bad.write_text("kind: DataContract\n")
    try:
        assert clients.run("subject", "erase", MAIL.format(1), "--yes").code != 0
    finally:
        bad.unlink()


def asked(shell: Shell, answer: bytes) -> subprocess.CompletedProcess[str]:
    """What the command says on a terminal where somebody answers."""
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    try:
        return subprocess.run(
            [SLUICE, "subject", "erase", MAIL.format(1)],
            cwd=shell.folder, env=shell.env, stdin=theirs, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)


def test_an_erasure_is_shown_first_and_done_when_it_is_wanted(clients: Shell) -> None:
    shown = clients.run("subject", "erase", MAIL.format(1))
    assert (shown.code, "--yes" in shown.err) == (2, True)
    assert shown.out.splitlines()[1].split() == ["clients", "1", "0", "1", "0"]
    assert clients.run("subject", "erase", MAIL.format(1), "--json").code == 2
    assert asked(clients, b"n\n").returncode == 130
    before, told = ids(clients), events(clients, "subject.erased")
    assert 1 in before
    done = asked(clients, b"y\n")
    assert (done.returncode, "erased: previews of " in done.stdout) == (0, True), done.stderr
    assert "in Prefect, to be deleted there" in done.stderr
    assert ids(clients) == before - {1}
    entry, *earlier = events(clients, "subject.erased")
    assert earlier == told
    assert MAIL.format(1) not in json.dumps(entry)
    again = clients.run("subject", "erase", MAIL.format(1))
    assert (again.code, again.out) == (0, "Nothing is kept about this person.\n")
    assert clients.run("audit", "verify").code == 0


def test_machines_get_counts_and_another_organization_keeps_its_own(clients: Shell) -> None:
    other = clients.run("subject", "erase", MAIL.format(2), "--yes", "--organization", "2", "--json")
    assert (other.code, other.json["rows"]) == (0, {})
    told = clients.run("subject", "erase", MAIL.format(2), "--yes", "--json").json
    assert (told["rows"], told["keys"], told["remains"]) == ({"clients": 1}, 1, {})
