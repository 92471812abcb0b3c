"""Each awkward file that can be read goes through the standard ingestion into PostgreSQL, and arrives whole."""

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
from sluice.readers.header import unique_names
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.awkward.expectations import Sample, samples

_TABLES = [sample for sample in samples() if not sample.refused and not sample.expected.get("gap")]
READABLE = [sample for sample in _TABLES if sample.rows or sample.expected["rejects"]]
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
    """Typed columns where the file has the usual ones; else all of its columns are unknown, and kept in _extra."""
    return "stock" if sample.header == USUAL else "anything"


pytestmark = pytest.mark.timeout(600)  # the first test waits for the runs of all files


@pytest.fixture(scope="module")
def project(
    module_warehouse: Warehouse, prefect_server: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """The project's settings point at the module's warehouse and at the contracts beside this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("SLUICE_DATABASE_URL", module_warehouse.url)
        patch.setenv("SLUICE_CONTRACTS", str(Path(__file__).parent))
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
    names, values = (
        (USUAL, row) if dataset(sample) == "stock" else (unique_names(sample.header), row["_extra"] or {})
    )
    return ["" if values.get(name) is None else str(values[name]) for name in names]


@pytest.mark.parametrize("sample", READABLE, ids=lambda sample: sample.name)
def test_rows_rejects_and_skipped_lines_arrive(sample: Sample, arrived: dict[str, Arrived]) -> None:
    found = arrived[sample.name]
    wanted = sample.rows
    if dataset(sample) == "stock":  # white space around a typed cell is no part of its value
        wanted = [[cell.strip() for cell in row] for row in wanted]
    assert [cells(sample, row) for row in found.rows] == wanted
    assert found.rejects == sample.expected["rejects"]
    assert found.lines == {kind: len(lines) for kind, lines in sample.expected.get("skipped", {}).items()}


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
