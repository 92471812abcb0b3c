"""Each awkward file that can be read goes through the standard ingestion into PostgreSQL, and arrives whole."""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from psycopg.rows import dict_row

from flows.runner import run_here
from sluice.errors import ReadError
from sluice.readers.header import plain, unique_names
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.awkward.expectations import Sample, samples

DOUBLED = ("names-twice.arrow", "header-name-twice.xlsx")  # which column of the contract they mean is unclear
_TABLES = [sample for sample in samples() if not sample.refused and not sample.expected.get("gap")]
_FULL = [sample for sample in _TABLES if sample.rows or sample.expected["rejects"]]
READABLE = [sample for sample in _FULL if sample.name not in DOUBLED]
USUAL = ["name", "qty", "city"]
ROWS = """
SELECT l.filename, to_jsonb(d) AS row FROM data.{} d JOIN sluice.loads l ON l.id = d._load_id WHERE l.job_id = %s
 ORDER BY l.id, d._record_no
"""
REJECTS = """
SELECT l.filename, r.line, r.reason FROM sluice.rejected_rows r JOIN sluice.loads l ON l.id = r.load_id
 WHERE r.job_id = %s ORDER BY l.id, r.record_no
"""
ACCOUNTS = "SELECT filename, account FROM sluice.loads WHERE job_id = %s"


@dataclass
class Arrived:
    """What one file brought into the warehouse."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[list[Any]] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)


def dataset(sample: Sample) -> str:
    """Typed columns where the file has the usual ones; else one is known, and _extra keeps the rest."""
    return "stock" if sample.header == USUAL else "anything"


def known(sample: Sample) -> str:
    """The one column of the file that the contract knows: the first whose name is not empty and stands there once."""
    return next(name for name in sample.header if name and sample.header.count(name) == 1)


OTHERS = [sample for sample in READABLE if dataset(sample) == "anything"]
KNOWN = {name: f"known_{at}" for at, name in enumerate(dict.fromkeys(known(one) for one in OTHERS))}
ALIKE = {plain(name): column for name, column in reversed(KNOWN.items())}  # the first of those alike


def anything(files: list[Sample]) -> dict[str, Any]:
    """A contract with one column for each file, all of text."""
    names = dict.fromkeys(known(sample) for sample in files)
    columns = [
        {"name": KNOWN[name], "logicalType": "string",
         "customProperties": [{"property": "sluice.aliases", "value": [name]}]}
        for name in names
    ]  # fmt: skip
    head = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "anything",
        "version": "1.0.0",
        "status": "active",
    }
    return {**head, "schema": [{"name": "anything", "properties": columns}]}


pytestmark = pytest.mark.timeout(600)  # the first test waits for the runs of all files


@pytest.fixture(scope="module")
def project(
    module_warehouse: Warehouse, prefect_server: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """The project's settings point at the module's warehouse and at contracts for these files."""
    contracts = tmp_path_factory.mktemp("contracts")
    shutil.copy(Path(__file__).with_name("stock.odcs.yaml"), contracts)
    written = json.dumps(anything(OTHERS))
    (contracts / "anything.odcs.yaml").write_text(written)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("SLUICE_DATABASE_URL", module_warehouse.url)
        patch.setenv("SLUICE_CONTRACTS", str(contracts))
        settings.cache_clear()
        yield module_warehouse
    settings.cache_clear()


def ingest(name: str, *files: Sample) -> dict[str, Any]:
    """The outcome of one run for all of these files."""
    sources = [{"kind": "file", "path": str(sample.path)} for sample in files]
    return run_here({"dataset": name, "sources": sources, "mode": "append", "force": True})


@pytest.fixture(scope="module")
def arrived(project: Warehouse) -> dict[str, Arrived]:
    """What each file brought, by name: one run for each dataset."""
    found: dict[str, Arrived] = defaultdict(Arrived)
    for name in ("stock", "anything"):
        outcome = ingest(name, *(sample for sample in READABLE if dataset(sample) == name))
        query = sql.SQL(ROWS).format(sql.Identifier(name))
        with project.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
            for one in cursor.execute(query, [outcome["job_id"]]):
                found[one["filename"]].rows.append(one["row"])
            for one in cursor.execute(REJECTS, [outcome["job_id"]]):
                found[one["filename"]].rejects.append([one["line"], one["reason"]])
            for one in cursor.execute(ACCOUNTS, [outcome["job_id"]]):
                found[one["filename"]].lines = {k: n for k, n in one["account"]["lines"].items() if n}
    return found


def cells(sample: Sample, row: dict[str, Any]) -> list[str]:
    """The row's cells as text in the order of the header; nothing is an empty text."""
    if dataset(sample) == "stock":
        values = [row[name] for name in USUAL]
    else:
        extra = row["_extra"] or {}
        values = [
            row[column] if (column := KNOWN.get(name) or ALIKE.get(plain(name))) else extra.get(unique)
            for name, unique in zip(sample.header, unique_names(sample.header), strict=True)
        ]
    return ["" if value is None else str(value) for value in values]


@pytest.mark.parametrize("sample", READABLE, ids=lambda sample: sample.name)
def test_rows_rejects_and_skipped_lines_arrive(sample: Sample, arrived: dict[str, Arrived]) -> None:
    found = arrived[sample.name]
    wanted = sample.rows
    if dataset(sample) == "stock":  # white space around a typed cell is no part of its value
        wanted = [[name, quantity.strip(), city] for name, quantity, city in wanted]
    assert [cells(sample, row) for row in found.rows] == wanted
    assert found.rejects == sample.expected["rejects"]
    assert found.lines == {kind: len(lines) for kind, lines in sample.expected.get("skipped", {}).items()}


@pytest.mark.parametrize("name", DOUBLED)
def test_a_file_with_the_same_name_twice_is_refused_where_the_contract_knows_it(
    name: str, project: Warehouse
) -> None:
    (sample,) = [one for one in samples() if one.name == name]
    with pytest.raises(ReadError, match="both mean the column"):
        ingest("anything", sample)


@pytest.mark.parametrize("name", ["page-named-xls.xls", "zip-two-tables.zip", "cut-off.json"])
def test_a_refused_file_stops_its_job_and_says_why(name: str, project: Warehouse) -> None:
    (sample,) = [one for one in samples() if one.name == name]
    with pytest.raises(ReadError) as caught:
        ingest("anything", sample)
    assert all(word.lower() in str(caught.value).lower() for word in sample.refused)


def test_a_header_without_records_is_nothing_to_load(project: Warehouse) -> None:
    (sample,) = [one for one in samples() if one.name == "header-alone.csv"]
    with pytest.raises(ReadError, match="no records"):
        ingest("stock", sample)
