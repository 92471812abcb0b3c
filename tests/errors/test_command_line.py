"""What the command line says on an error: one sentence and a next step, never a traceback, never a password."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.errors.ingest import SECRET

SLUICE = Path(sys.executable).with_name("sluice")


def sluice(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SLUICE_HOME": str(home), "COLUMNS": "200", **variables}
    return subprocess.run(
        [str(SLUICE), *arguments], env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["load", "x.csv", "-d", "bugz"], ["There is no dataset 'bugz'.", "bugs"]),
        (["load", "x.csv", "-d", "bugs", "--mode", "merge"], ["no mode 'merge'", "upsert"]),
        (["load", "x.csv", "-d", "bugs", "-o", "delimiter"], ["'delimiter'", "k=v"]),
        (
            ["load", f"ftp://ann:{SECRET}@example.org/x.csv", "-d", "bugs"],
            ["'ftp://'", "ftp://example.org/x.csv", "s3://"],
        ),
        (["load", "x.csv"], ["dataset", "sluice load --help"]),
    ],
    ids=["dataset", "mode", "option", "scheme", "usage"],
)
def test_a_mistake_in_the_command_is_told_in_a_sentence(
    home: Path, arguments: list[str], words: list[str]
) -> None:
    done = sluice(home, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    check(done.stderr, *words)
    assert not home.exists()


def test_a_warehouse_that_is_down_is_told_to_people_and_to_machines(home: Path, closed_port: int) -> None:
    url = f"postgresql://ann:{SECRET}@127.0.0.1:{closed_port}/sales"
    where = f"postgresql://ann@127.0.0.1:{closed_port}/sales"
    done = sluice(home, "jobs", SLUICE_DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (2, "")
    check(done.stderr, where, "can't be reached", "SLUICE_DATABASE_URL")
    done = sluice(home, "jobs", "--json", SLUICE_DATABASE_URL=url)
    assert done.returncode == 2
    assert SECRET not in done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["status"], said["error"], said["retryable"], said["server"]) == (
        "failed",
        "RetryError",
        True,
        where,
    )


def test_an_output_that_can_not_be_written_is_told_in_a_sentence() -> None:
    command = [str(SLUICE), "datasets", "show", "bugs"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2
    check(done.stderr, "The output can't be written: No space left on device.")


def test_a_home_that_is_a_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    done = sluice(tmp_path / "home", "jobs")
    assert (done.returncode, done.stdout) == (2, "")
    check(done.stderr, f"{tmp_path / 'home'} is a file, not a folder.", "SLUICE_HOME")


def check(text: str, *words: str) -> None:
    said = " ".join(text.split())
    for word in words:
        assert word in said
    assert "Traceback" not in said
    assert SECRET not in said
    assert len(text.strip().splitlines()) <= 8
