"""What the commands say of datasets that are late."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.cli.conftest import ITEMS, Answer, Shell

SLA = "slaProperties: [{property: latency, value: 2, unit: h}]\n"


@pytest.fixture
def late(shell: Shell, first: Answer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The same warehouse, with an SLA of two hours and a newest load that is five hours old."""
    folder = tmp_path_factory.mktemp("sla")
    (folder / "items.odcs.yaml").write_text(ITEMS + SLA)
    with psycopg.connect(shell.run("db", "url").out.strip(), autocommit=True) as connection:
        shift = (
            "UPDATE sluice.loads SET published_at = published_at {} interval '5 h' WHERE dataset = 'items'"
        )
        connection.execute(shift.format("-").encode())
        yield Shell(shell.folder, {**shell.env, "SLUICE_CONTRACTS": str(folder)})
        connection.execute(shift.format("+").encode())


def test_datasets_says_which_is_late_and_which_was_never_loaded(late: Shell) -> None:
    said = {line.split()[0]: line for line in late.run("datasets").out.splitlines()}
    assert "late by 3 h" in said["items"]
    listed = {row["dataset"]: row for row in late.run("datasets", "--json").json}
    assert (listed["items"]["freshness"], listed["items"]["due_hours"]) == ("late", 2)
    assert 2.9 < listed["items"]["late_hours"] < 3.5
    assert listed["items"]["loaded_at"]
    other = Shell(late.folder, {**late.env, "SLUICE_ORGANIZATION_ID": "77"}).run("datasets", "--json")
    assert {row["freshness"] for row in other.json} == {"never loaded"}


def test_check_warns_of_a_late_dataset_and_fails_only_if_told(late: Shell) -> None:
    answer = late.run("datasets", "check")
    assert answer.code == 0
    assert "warning: items: late by 3 h: loads are due every 2 h" in answer.out
    strict = late.run("datasets", "check", "--strict", "--json")
    assert strict.code == 1
    assert {row["dataset"]: bool(row["warnings"]) for row in strict.json}["items"]


def test_datasets_are_listed_even_where_the_warehouse_is_down(shell: Shell) -> None:
    down = Shell(shell.folder, {**shell.env, "SLUICE_DATABASE_URL": "postgresql://me@127.0.0.1:1/none"})
    answer = down.run("datasets")
    assert answer.code == 0
    assert "items" in answer.out
    assert "can't be reached" in answer.err
