"""Contracts written in a few lines, and their rules run by a real DuckDB."""

import textwrap
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sluice.contracts.compile import compile_contract
from sluice.contracts.model import Contract, Rule
from sluice.contracts.sql import identifier
from sluice.errors import ContractError

HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\n"


def compiled(body: str, head: str = HEAD) -> list[Contract]:
    """The contracts of a file with a standard head (five lines) and this body."""
    return compile_contract((head + textwrap.dedent(body)).encode(), Path("t.odcs.yaml"))


def error_of(body: str, head: str = HEAD) -> ContractError:
    """The error that this body makes."""
    with pytest.raises(ContractError) as caught:
        compiled(body, head)
    return caught.value


def rule(contract: Contract, name: str) -> Rule:
    """The only rule of that name."""
    found = [r for r in contract.rules if r.name == name]
    assert len(found) == 1, [r.name for r in contract.rules]
    return found[0]


def failing(contract: Contract, name: str, values: list[Any]) -> list[Any]:
    """The values of column ``c`` that the rule marks; text is cast to the column's type."""
    con = duckdb.connect()
    kind = contract.column("c").duckdb_type
    con.execute(f"CREATE TABLE s (n INTEGER, {identifier('c')} {kind})")
    for number, value in enumerate(values):
        con.execute("INSERT INTO s VALUES (?, ?)", [number, value])
    rows = con.execute(f"SELECT n FROM s WHERE {rule(contract, name).failing_rows} ORDER BY n").fetchall()
    return [values[n] for (n,) in rows]


def table_rule_fails(contract: Contract, name: str, values: list[Any]) -> bool:
    """Whether the rule's own query finds something wrong in these values of ``c``, run as GX would."""
    con = duckdb.connect()
    con.execute(f"CREATE TABLE s (c {contract.column('c').duckdb_type})")
    for value in values:
        con.execute("INSERT INTO s VALUES (?)", [value])
    query = rule(contract, name).kwargs["unexpected_rows_query"].format(batch="s").replace("\\:", ":")
    return bool(con.execute(query).fetchall())
