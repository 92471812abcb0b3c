"""Contracts, files and short ways to read them, for the reader tests."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from sluice.contracts.model import Column, Contract, DriftPolicy
from sluice.readers import Stage, open_table, stage
from sluice.readers.base import RawTable, cell
from tests.places import located

POSTGRES = {"VARCHAR": "text", "DOUBLE": "double precision", "FLOAT": "real"}


def column(name: str, duckdb_type: str = "VARCHAR", **more: Any) -> Column:
    postgres = more.pop("postgres_type", POSTGRES.get(duckdb_type, duckdb_type.lower()))
    return Column(name, "string", duckdb_type, postgres, **more)


def contract(*columns: Column | str, drift: DriftPolicy = "keep") -> Contract:
    made = tuple(c if isinstance(c, Column) else column(c) for c in columns)
    return Contract("t", "1", "0", "things", "data", "things", made, (), (), drift=drift)


@cache
def _database() -> duckdb.DuckDBPyConnection:
    # Tests write other content under the same name: no file's content may be kept.
    return duckdb.connect(config={"enable_external_file_cache": "false"})


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection to one database for all tests: to open a database takes 30 times as long as a small query."""
    return _database().cursor()


def cells(table: RawTable) -> list[list[str | None]]:
    """All good records as the table gives them, restarting as ``stage`` does."""
    while True:
        connection = cursor()
        try:
            relation = table.relation(connection)
            names = ", ".join(cell(i) for i in range(len(table.header)))
            return [list(row) for row in connection.sql(f"SELECT {names} FROM {relation}").fetchall()]
        except duckdb.Error as error:
            if not table.repair(error):
                raise


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def writer(content: str | bytes, name: str = "input.dat", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return writer


class Staged:
    """A stage with its rows and rejects at hand."""

    def __init__(self, done: Stage) -> None:
        self.stage = done
        self.table = pq.read_table(done.rows_path)
        self.rows = self.table.to_pylist()
        self.rejects = pq.read_table(done.rejects_path).to_pylist()
        assert done.records == done.rows + done.rejects
        assert done.rows == len(self.rows)
        assert done.rejects == len({r["record_no"] for r in self.rejects})
        numbers = [r["_record_no"] for r in self.rows] + list({r["record_no"] for r in self.rejects})
        assert sorted(numbers) == list(range(1, done.records + 1))

    @property
    def reasons(self) -> list[tuple[int, str | None, str]]:
        return [(r["record_no"], r["column"], r["reason"]) for r in self.rejects]

    def values(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Staged]:
    def loader(path: Path, wanted: Contract, sinks: Iterable[Any] = (), **options: str) -> Staged:
        table = open_table(path, options)
        done = stage(table, wanted, tmp_path / "stage", load_id=7, organization_id=3, sinks=list(sinks))
        assert Stage.load(tmp_path / "stage") == done
        rejects = pq.read_table(done.rejects_path).to_pylist()
        places = located(table, sorted({one["record_no"] for one in rejects}))
        assert all(places[one["record_no"]] == (one["line"], one["raw"]) for one in rejects)
        table.close()
        return Staged(done)

    return loader
