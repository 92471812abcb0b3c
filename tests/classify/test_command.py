"""``sluice classify`` as a user runs it."""

import random
import re
import shlex

import pytest

from deployments.settings import PROJECT
from sluice.classify import LEVELS
from sluice.identifiers import NATIONAL_IDS
from tests.classify import numbers, people
from tests.cli.conftest import Shell, own_environment


@pytest.fixture
def shell(tmp_path):
    rng = random.Random(1)
    lines = ["Customer,E-Mail,IBAN,Qty"]
    lines += [
        f"{people.full(rng, 'de')},{people.mail(rng, 'de')},{numbers.iban(rng, 'DE')},{n}" for n in range(50)
    ]
    (tmp_path / "customers.csv").write_text("\n".join(lines), encoding="utf-8")
    return Shell(tmp_path, own_environment(tmp_path / "home"))


def test_it_prints_a_table_with_class_level_and_evidence(shell):
    answer = shell.run("classify", "customers.csv")
    assert (answer.code, answer.err) == (0, "")
    lines = [line.split() for line in answer.out.splitlines()]
    assert lines[0] == ["column", "class", "confidence", "level", "evidence"]
    assert [(line[0], line[1], line[3]) for line in lines[1:]] == [
        ("Customer", "person_name", "confidential"),
        ("E-Mail", "email", "confidential"),
        ("IBAN", "iban", "restricted"),
        ("Qty", "none", "internal"),
    ]


def test_json_holds_each_column_with_its_figures(shell):
    told = shell.run("classify", "customers.csv", "--json").json
    assert (told["records"], told["whole"], told["dataset"]) == (50, True, None)
    mail = told["columns"][1]
    assert (mail["class"], mail["level"], mail["level_by"], mail["cells"]) == (
        "email",
        "confidential",
        "class",
        50,
    )
    assert 0.9 < mail["confidence"] <= 1


def test_a_dataset_decides_the_levels(shell):
    told = shell.run("classify", "customers.csv", "--dataset", "projects", "--json").json
    assert {one["level_by"] for one in told["columns"]} <= {"class", "contract"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none.csv",), 2, "does not exist"),
        (("customers.csv", "--dataset", "nothing"), 2, "There is no dataset 'nothing'."),
        ((".",), 2, "is a folder"),
        ((), 2, "Missing parameter: file"),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(shell, words, code, said):
    answer = shell.run("classify", *words)
    assert (answer.code, said in answer.err) == (code, True), answer


def test_the_guide_shows_what_is_printed():
    guide = (PROJECT / "docs" / "classification.md").read_text(encoding="utf-8")
    block = next(part for part in guide.split("\n\n") if part.startswith("    $ "))
    command, *printed = (line[4:] for line in block.splitlines())
    answer = Shell(PROJECT, own_environment(PROJECT / ".sluice")).run(
        *shlex.split(command.removeprefix("$ sluice "))
    )
    assert (answer.code, answer.out.splitlines()) == (0, printed)


def test_the_guide_names_every_class_with_its_levels():
    guide = (PROJECT / "docs" / "classification.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in guide.splitlines()
        if line.startswith("| `")
    ]
    told = {name: (row[2], row[3]) for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    assert told == LEVELS


def test_the_guide_counts_the_kinds_of_national_ids():
    guide = (PROJECT / "docs" / "classification.md").read_text(encoding="utf-8")
    countries = {kind.country for kind in NATIONAL_IDS}
    assert f"{len(NATIONAL_IDS)} kinds of {len(countries)} countries" in guide
