"""Small files are read by a DuckDB that others had before, in one piece: with the same outcome as large ones."""

import csv
import io
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import SluiceError
from sluice.readers import open_table, stage
from sluice.readers.duck import batches
from sluice.readers.engines import lent
from sluice.readers.header import unique_names
from tests.awkward.expectations import samples

from .conftest import column, contract

KINDS = ["INTEGER", "VARCHAR", "DATE", "DECIMAL(12,2)", "BOOLEAN", "TIMESTAMP"]
CELLS = st.sampled_from(
    ["1", "x", "", " 2 ", "2024-01-31", "1.50", "true", "a,b", 'say "hi"', "l1\nl2", "NA", "\0"]
)


def outcome(path: Path, folder: Path) -> object:
    """All that a stage of the file says, but for times; or the error."""
    try:
        table = open_table(path)
        names = [name for name in unique_names(table.header) if not name.startswith("_")][:300]
        wanted = contract(*(column(name, KINDS[i % len(KINDS)]) for i, name in enumerate(names)))
        done = stage(table, wanted, folder, load_id=1, organization_id=1)
    except SluiceError as error:
        return type(error), error.message.replace(str(folder), "")
    rows, rejects = pq.read_table(done.rows_path), pq.read_table(done.rejects_path)
    details = {name: value for name, value in done.details.items() if name != "seconds"}
    facts = done.records, done.rows, done.rejects, done.drift, done.missing, done.rising
    return facts, details, rows.schema, rows.to_pylist(), rejects.to_pylist()


def both_ways(path: Path) -> tuple[object, object]:
    module = sys.modules["sluice.readers.stage"]
    found = []
    for size in (1 << 40, -1):
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            patch.setattr(module, "_SMALL", size)
            found.append(outcome(path, Path(folder) / "stage"))
    return found[0], found[1]


TEXTS = [
    s for s in samples() if s.path.suffix in (".csv", ".tsv", ".txt") and s.path.stat().st_size < 100_000
]


@pytest.mark.parametrize("path", [pytest.param(s.path, id=s.name) for s in TEXTS])
def test_an_awkward_file_is_staged_the_same_in_one_piece(path: Path) -> None:
    small, large = both_ways(path)
    assert small == large


@given(
    st.integers(1, 6).flatmap(
        lambda w: st.lists(st.lists(CELLS, min_size=w, max_size=w + 1), min_size=1, max_size=20)
    )
)
@settings(max_examples=60, deadline=None)
def test_an_almost_tidy_table_is_staged_the_same_in_one_piece(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([[f"name_{i}" for i in range(min(map(len, rows)))], *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_text(text.getvalue(), newline="")
        small, large = both_ways(path)
    assert small == large


def test_columns_that_differ_in_capitals_only_are_read(write, tmp_path) -> None:
    done = stage(
        open_table(write("id,ID\n1,2\n")), contract("id", "ID"), tmp_path / "s", load_id=1, organization_id=1
    )
    assert [(r["id"], r["ID"]) for r in pq.read_table(done.rows_path).to_pylist()] == [("1", "2")]


def test_a_file_that_was_written_anew_is_read_anew(write, tmp_path) -> None:
    for number in range(3):
        path = write(f"a,b\n{number},x\n")
        done = stage(
            open_table(path), contract("a", "b"), tmp_path / str(number), load_id=1, organization_id=1
        )
        assert pq.read_table(done.rows_path)["a"].to_pylist() == [str(number)]


def current(connection: duckdb.DuckDBPyConnection, *names: str) -> list[object]:
    return [connection.execute("SELECT current_setting(?)", [name]).fetchall()[0][0] for name in names]


def test_each_reader_finds_its_own_settings_and_no_table_of_another(tmp_path) -> None:
    for number, megabytes in enumerate((200, 400), 1):
        with lent(tmp_path / str(number), megabytes, number) as connection:
            found = current(connection, "threads", "temp_directory", "TimeZone")
            assert found == [number, str(tmp_path / str(number) / "spill"), "UTC"]
            batch = list(batches(connection, "SELECT 1 AS a", 10, few=True))
            assert [b.num_rows for b in batch] == [0, 1]
    with lent(tmp_path, 200, 1) as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("FROM made")


def marked(tmp_path: Path) -> bool:
    """Whether the next one to be lent is the one that was marked."""
    with lent(tmp_path, 200, 1) as connection:
        return bool(
            connection.execute("SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'mark'").fetchall()[
                0
            ][0]
        )


def test_after_an_error_nobody_gets_it_again(tmp_path) -> None:
    with suppress(duckdb.Error), lent(tmp_path, 200, 1) as connection:
        connection.execute("CREATE SCHEMA mark")
        connection.execute("nonsense")
    assert not marked(tmp_path)


def test_it_is_lent_to_one_at_a_time(tmp_path) -> None:
    with lent(tmp_path, 200, 1) as first:
        first.execute("CREATE SCHEMA mark")
        assert not marked(tmp_path)
        first.execute("DROP SCHEMA mark")
