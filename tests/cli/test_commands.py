"""The commands beside loading: datasets, db, docs, help, and how mistakes are told."""

from pathlib import Path

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from sluice.cli import commands
from tests.cli.conftest import ITEMS, Answer, Shell, own_environment

PAGES = [
    "demo",
    "load",
    "jobs",
    "rejects",
    "replay",
    "trace",
    "datasets",
    "datasets show",
    "datasets check",
    "docs",
    "db",
]
PAGES += ["db url", "db psql", "db migrate", "db stop"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("load", "sluice load --help"),
        ("nope", "sluice --help"),
        ("load missing.csv -d items", "Check the path"),
        ("load first.csv -d item", "Did you mean items?"),
        ("load first.csv -d items -m sideways", "append, upsert, replace"),
        ("trace items", "sluice trace DATASET KEY"),
    ],
)
def test_a_mistake_gives_code_2_and_says_what_to_do(shell: Shell, words: str, hint: str) -> None:
    answer = shell.run(*words.split())
    assert (answer.code, answer.out) == (2, "")
    said, advice = answer.err.splitlines()
    assert said.startswith("error: ")
    assert advice.startswith("  next: ")
    assert hint in advice


def test_a_mistake_can_be_had_as_json(shell: Shell) -> None:
    answer = shell.run_installed("load", "missing.csv", "-d", "items", "--json")
    assert (answer.code, answer.err) == (2, "")
    assert answer.json["status"] == "failed"
    assert answer.json["error"] == "SourceError"


def test_a_traceback_is_shown_only_with_debug(shell: Shell) -> None:
    assert "Traceback" in shell.run("--debug", "load", "missing.csv", "-d", "items").err


def test_the_bare_command_explains_itself(shell: Shell) -> None:
    answer = shell.run_installed()
    assert answer.err == ""
    assert "sluice load bugs.csv --dataset bugs" in answer.out
    assert "Exit codes: 0 done, 1 the data was refused, 2 usage or set-up" in " ".join(answer.out.split())


@pytest.mark.parametrize("page", PAGES)
def test_each_help_page_teaches(page: str) -> None:
    app = typer.Typer(rich_markup_mode="markdown")
    commands.register(app)
    said = CliRunner().invoke(app, [*page.split(), "--help"], env={"COLUMNS": "100"})
    assert said.exit_code == 0
    explained = [line for line in said.output.splitlines() if line.strip() and line[1] not in "╭│╰"]
    assert len(" ".join(explained).split()) >= 12, "no sentence that explains"


def test_datasets_lists_the_users_contracts_beside_the_built_in(shell: Shell) -> None:
    listed = {row["dataset"]: row for row in shell.run("datasets", "--json").json}
    assert listed.keys() == {"bugs", "items", "projects"}
    assert listed["items"]["key"] == "sku"
    assert listed["items"]["contract"] == str(shell.folder / "contracts" / "items.odcs.yaml")


def test_a_dataset_is_shown_with_its_columns_and_rules(shell: Shell) -> None:
    shown = shell.run("datasets", "show", "items", "--json").json
    columns = {one["column"]: (one["type"], one["required"]) for one in shown["columns"]}
    assert columns == {"sku": ("text", True), "title": ("text", True), "quantity": ("bigint", False)}
    assert "quantity.maximum" in {rule["rule"] for rule in shown["rules"]}
    assert "title must not be empty." in shell.run("datasets", "show", "items").out


def test_check_passes_what_fits(shell: Shell, first: Answer) -> None:
    answer = shell.run("datasets", "check", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert {row["dataset"]: row["state"] for row in answer.json}["items"] == "ok"


def test_check_names_file_and_line_of_a_bad_contract(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "items.odcs.yaml").write_text(ITEMS.replace("logicalType: integer", "logicalType: whole"))
    answer = Shell(shell.folder, {**shell.env, "SLUICE_CONTRACTS": str(tmp_path)}).run("datasets", "check")
    assert answer.code == 1
    assert "items.odcs.yaml line 15: logicalType 'whole' is not known" in answer.out


def test_check_refuses_a_change_that_would_lose_data(shell: Shell, first: Answer, tmp_path: Path) -> None:
    (tmp_path / "items.odcs.yaml").write_text(
        ITEMS.replace("logicalType: integer", "logicalType: integer\n        physicalType: smallint")
    )
    changed = Shell(shell.folder, {**shell.env, "SLUICE_CONTRACTS": str(tmp_path)})
    answer = changed.run("datasets", "check", "--json")
    assert answer.code == 1
    assert {row["dataset"]: row["state"] for row in answer.json}["items"] == "conflict"
    assert changed.run("db", "migrate").code == 2


def test_the_url_opens_the_warehouse(shell: Shell, first: Answer) -> None:
    url = shell.run("db", "url").out.strip()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM data.items").fetchone() == (True,)
    other = {**shell.env, "SLUICE_DATABASE_URL": "postgresql://me:hush@db.example.org/w"}
    assert "hush" not in Shell(shell.folder, other).run("db", "url").out


def test_migrate_makes_the_tables_and_may_be_repeated(shell: Shell) -> None:
    assert shell.run("db", "migrate").code == 0
    assert shell.run("db", "migrate", "--json").json == {"bugs": [], "items": [], "projects": []}


def test_docs_writes_a_site(shell: Shell, first: Answer) -> None:
    answer = shell.run_installed("docs", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert "items" in Path(answer.json["index"]).read_text()


def test_stop_ends_what_commands_left_running(tmp_path: Path, shell: Shell) -> None:
    home = shell.folder / "other-home"
    other = Shell(shell.folder, own_environment(home))
    assert other.run("db", "url").code == 0
    assert other.run("db", "stop").out == "stopped: postgres\n"
    assert other.run("db", "stop").out == "nothing was running\n"
