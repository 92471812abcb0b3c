"""``sluice audit`` from the command line, over what commands and loads have written."""

import json

import psycopg
import pytest

from tests.cli.conftest import Answer, Shell


@pytest.fixture
def tampered(shell: Shell, first: Answer):
    """An entry of the first load that says something else while the test runs."""
    url = shell.run("db", "url").out.strip()
    change = "UPDATE sluice.audit_log SET event = %s WHERE organization_id = 1 AND seq = 2 RETURNING id"
    with psycopg.connect(url, autocommit=True) as connection:
        (event,) = connection.execute(
            "SELECT event FROM sluice.audit_log WHERE organization_id = 1 AND seq = 2"
        ).fetchone()
        connection.execute("ALTER TABLE sluice.audit_log DISABLE TRIGGER refuse_change")
        yield connection.execute(change, ["job.failed"]).fetchone()[0]
        connection.execute(change, [event])
        connection.execute("ALTER TABLE sluice.audit_log ENABLE ALWAYS TRIGGER refuse_change")


def test_a_load_is_in_the_log_and_anchored(shell: Shell, first: Answer) -> None:
    told = shell.run("audit", "log", "--job", first.json["job_id"], "--json").json
    assert {"job.created", "load.published", "job.completed", "table.changed"} <= {
        one["event"] for one in told
    }
    assert [one["seq"] for one in told] == sorted((one["seq"] for one in told), reverse=True)
    (only,) = shell.run("audit", "log", "--event", "load.published", "-d", "items", "-n", "1", "--json").json
    assert only["event"] == "load.published"
    (verified,) = shell.run("audit", "verify", "--json").json["organizations"]
    assert verified["anchors"] >= 1
    assert verified["anchored"] >= only["seq"]


def test_a_whole_log_verifies(shell: Shell, first: Answer) -> None:
    answer = shell.run("audit", "verify")
    assert answer.code == 0
    assert answer.out.splitlines()[1].endswith("the chain is whole")


def test_a_broken_log_is_told_with_its_entry_and_code_1(shell: Shell, tampered: int) -> None:
    answer = shell.run("audit", "verify")
    assert answer.code == 1
    assert answer.out.splitlines()[1].endswith("the chain is broken")
    assert f"broken: organization 1, entry 2 (id {tampered}, " in answer.err
    assert "it was changed: its hash is not that of its content" in answer.err
    machine = shell.run("audit", "verify", "--json")
    assert (machine.code, machine.json["ok"]) == (1, False)
    assert machine.json["organizations"][0]["findings"][0]["id"] == tampered
    report = shell.run("audit", "export", "--framework", "sox", "--out", "broken.json")
    assert report.code == 1
    assert "the chain is broken" in report.out
    assert json.loads((shell.folder / "broken.json").read_text())["chain"]["findings"]


@pytest.mark.parametrize("framework", ["sox", "gdpr", "pci-dss"])
def test_a_report_is_written_signed_and_checked(shell: Shell, first: Answer, framework: str) -> None:
    answer = shell.run(
        "audit",
        "export",
        "--framework",
        framework,
        "--from",
        "2020-01-01",
        "--to",
        "2099-12-31",
        "--out",
        "r.json",
    )
    assert answer.code == 0, answer.err
    assert json.loads((shell.folder / "r.json").read_text())["framework"] == framework
    assert shell.run("audit", "check", "r.json").code == 0
    (shell.folder / "r.json").write_text((shell.folder / "r.json").read_text().replace("load.", "lode."))
    forged = shell.run("audit", "check", "r.json")
    assert (forged.code, "was changed after it was signed" in forged.err) == (1, True)


def test_a_day_that_is_none_is_told(shell: Shell, first: Answer) -> None:
    answer = shell.run("audit", "export", "--framework", "sox", "--from", "yesterday")
    assert (answer.code, "--from 'yesterday' is no day and no time" in answer.err) == (2, True)


def test_a_token_is_noted_and_not_told(shell: Shell, first: Answer) -> None:
    token = shell.run("token", "--role", "viewer", "--user", "5").out.strip()
    text = shell.run("audit", "log", "--event", "token.minted", "-n", "1", "--json").out
    assert json.loads(text)[0]["details"] == {"role": "viewer", "for_user": 5, "hours": 12}
    assert token.split(".")[2] not in text
