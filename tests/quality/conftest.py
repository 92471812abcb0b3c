import itertools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sluice.contracts.model import Column, Contract, Rule
from sluice.quality import Verdict, audit
from sluice.readers.base import Stage

COLUMNS = {"id": "BIGINT", "name": "VARCHAR", "amount": "DECIMAL(12,2)", "code": "VARCHAR"}
Row = Mapping[str, Any]


def contract_of(*rules: Rule, match_keys: tuple[tuple[str, ...], ...] = (("id",),)) -> Contract:
    columns = tuple(Column(name, "string", kind, kind) for name, kind in COLUMNS.items())
    return Contract(
        id="c", version="1.0.0", sha256="", dataset="orders", schema="data", table="orders",
        columns=columns, primary_key=("id",), match_keys=match_keys, rules=rules,
    )  # fmt: skip


def required(column: str, **more: Any) -> Rule:
    return Rule(
        "required", "ExpectColumnValuesToNotBeNull", {"column": column}, column=column,
        failing_rows=f'"{column}" IS NULL', **more,
    )  # fmt: skip


def at_least(column: str, least: float, **more: Any) -> Rule:
    return Rule(
        "minimum", "ExpectColumnValuesToBeBetween", {"column": column, "min_value": least}, column=column,
        failing_rows=f'"{column}" < {least}', message=f"{column} must be at least {least}.", **more,
    )  # fmt: skip


def unique(*columns: str, **more: Any) -> Rule:
    if len(columns) == 1:
        return Rule(
            "duplicate",
            "ExpectColumnValuesToBeUnique",
            {"column": columns[0]},
            "key",
            column=columns[0],
            **more,
        )
    return Rule("duplicate", "ExpectCompoundColumnsToBeUnique", {"column_list": list(columns)}, "key", **more)


def row_count(least: int, **more: Any) -> Rule:
    return Rule(
        "row_count", "ExpectTableRowCountToBeBetween", {"min_value": least}, "table",
        message=f"there must be at least {least} rows.", **more,
    )  # fmt: skip


@pytest.fixture
def stage_of(tmp_path: Path) -> Callable[..., Stage]:
    """Writes rows (or a SQL query for them) as a reader would; record numbers count from 1."""
    numbers = itertools.count(1)

    def write(rows: Iterable[Row] | str, load_id: int = 1) -> Stage:
        directory = tmp_path / f"stage-{next(numbers)}"
        directory.mkdir()
        with duckdb.connect() as connection:
            names = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
            connection.execute(f"CREATE TABLE rows ({names})")
            if isinstance(rows, str):
                connection.execute(f"INSERT INTO rows BY NAME {rows}")
            for row in () if isinstance(rows, str) else rows:
                connection.execute(
                    "INSERT INTO rows VALUES (?, ?, ?, ?)", [row.get(name) for name in COLUMNS]
                )
            connection.execute(
                f"""COPY (SELECT *, NULL::VARCHAR AS _extra, 1::INTEGER AS organization_id,
                    {load_id}::BIGINT AS _load_id, row_number() OVER () AS _record_no FROM rows)
                TO '{directory / "rows.parquet"}'"""
            )
            found = connection.execute("SELECT count(*) FROM rows").fetchone()
        count = found[0] if found else 0
        return Stage(directory, load_id=load_id, records=count, rows=count, rejects=0)

    return write


@pytest.fixture
def judge_rows(tmp_path: Path, stage_of: Callable[..., Stage]) -> Callable[..., Verdict]:
    """Audits rows by rules; several lists of rows are several stages, loads 1, 2, ..."""

    def run(contract: Contract, *stages: Iterable[Row] | str, mode: str = "append") -> Verdict:
        made = [stage_of(rows, number) for number, rows in enumerate(stages, 1)]
        return audit(made, contract, mode=mode, directory=tmp_path / "verdict")  # type: ignore[arg-type]

    return run


def rejects(verdict: Verdict) -> list[tuple[Any, ...]]:
    return duckdb.sql(f"FROM '{verdict.rejected_path}'").fetchall()


def superseded(verdict: Verdict) -> list[tuple[int, int]]:
    return duckdb.sql(f"FROM '{verdict.superseded_path}'").fetchall()
