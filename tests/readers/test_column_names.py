"""Which column of the contract a header cell means, and what becomes of those it does not know."""

import json

import pytest

from sluice.errors import DataRefused, ReadError

from .conftest import column, contract


@pytest.mark.parametrize(
    "spelling", ["github_url", "GitHub URL", "githubUrl", "github-url", " GITHUB_URL ", "repo"]
)
def test_header_spellings_find_their_column(write, load, spelling):
    staged = load(write(f"{spelling},b\nx,y\n"), contract(column("github_url", aliases=("Repo",)), "b"))
    assert staged.values("github_url") == ["x"]
    assert staged.stage.drift == ()


def test_two_header_cells_for_one_column_are_ambiguous(write, load):
    for header in ("github_url,GitHub URL", "github_url,github_url", "repo,github_url"):
        with pytest.raises(ReadError, match="both mean the column github_url"):
            load(write(f"{header}\nx,y\n"), contract(column("github_url", aliases=("repo",))))


def test_a_missing_required_column_is_named_with_what_was_found(write, load):
    with pytest.raises(
        ReadError, match=r"requires github_url, found: githup_url, b.*Did you mean githup_url"
    ):
        load(write("githup_url,b\nx,y\n"), contract(column("github_url", required=True), "b"))


def test_missing_optional_columns_are_null_of_their_type(write, load):
    staged = load(write("a\nx\n"), contract("a", column("n", "INTEGER"), column("j", postgres_type="jsonb")))
    assert staged.stage.missing == ("n", "j")
    assert str(staged.table.schema.field("n").type) == "int32"
    assert staged.values("n") == [None]


def test_unknown_columns_are_kept_as_json(write, load):
    staged = load(write('a,Odd "one",,a2\n1,"x ""y""",2,\n'), contract("a"))
    assert json.loads(staged.rows[0]["_extra"]) == {'Odd "one"': 'x "y"', "column_3": "2", "a2": ""}
    assert staged.stage.drift == ('Odd "one"', "", "a2")


def test_repeated_unknown_header_cells_stay_apart(write, load):
    staged = load(write("a,x,X,x_2,x\n1,p,q,r,s\n"), contract("a"))
    assert json.loads(staged.rows[0]["_extra"]) == {"x": "p", "X_2": "q", "x_2_2": "r", "x_3": "s"}


def test_a_spelled_out_nul_in_an_unknown_cell_is_plain_text(write, load):
    staged = load(write("a,x\n1,\\u0000\n2,\0\n"), contract("a"))
    assert json.loads(staged.rows[0]["_extra"]) == {"x": "\\u0000"}
    assert staged.reasons == [(2, "x", "nul_character")]


def test_unknown_columns_can_reject_the_row(write, load):
    staged = load(write("a,x,z\n1,,\n2,y,\n"), contract("a", drift="reject"))
    assert staged.values("a") == ["1"]
    assert staged.values("_extra") == [None]
    assert staged.reasons == [(2, "x", "unknown_column")]


def test_unknown_columns_can_refuse_the_load(write, load):
    with pytest.raises(DataRefused, match="does not know: x, y"):
        load(write("a,x,y\n1,2,3\n"), contract("a", drift="refuse"))


def test_columns_of_a_rejects_export_are_ignored(write, load):
    staged = load(write("a,_sluice_reason,_sluice_line\n1,2,3\n"), contract("a", drift="refuse"))
    assert staged.stage.drift == ()
    assert staged.values("_extra") == [None]
