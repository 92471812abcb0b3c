"""The job's row tells how large its inputs were and, of an only one, its hash."""

import hashlib
from pathlib import Path

import pytest

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.errors import DataRefused
from sluice.warehouse.connection import Warehouse
from tests.jobs.conftest import ITEMS
from tests.jobs.loading import load


def described(warehouse: Warehouse) -> tuple[int | None, str | None]:
    query = "SELECT file_size, content_sha256 FROM sluice.ingestion_jobs ORDER BY id DESC LIMIT 1"
    with warehouse.connect() as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row


def facts(path: Path) -> tuple[int, str]:
    return path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def one(tmp_path: Path) -> Path:
    path = tmp_path / "one.csv"
    path.write_text("id,label,amount\n1,a,1\n")
    return path


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "two.csv"
    path.write_text("id,label,amount\n2,b,2.50\n3,c,\n")
    return path


def test_a_job_with_one_input_has_its_size_and_hash(warehouse: Warehouse, items: Contract, one: Path) -> None:
    load(warehouse, items, one)
    assert described(warehouse) == facts(one)


def test_so_has_one_whose_input_was_loaded_before(warehouse: Warehouse, items: Contract, one: Path) -> None:
    load(warehouse, items, one)
    assert load(warehouse, items, one, force=False).read == 0
    assert described(warehouse) == facts(one)


@pytest.mark.parametrize("known", [True, False])
def test_several_inputs_have_a_size_together_and_no_hash(
    warehouse: Warehouse, items: Contract, one: Path, two: Path, known: bool
) -> None:
    if known:
        load(warehouse, items, one)
    outcome = load(warehouse, items, one, two, force=False)
    assert len(outcome.skipped) == known
    assert described(warehouse) == (facts(one)[0] + facts(two)[0], None)


def test_a_load_that_a_rule_refused_has_them_too(warehouse: Warehouse, tmp_path: Path, one: Path) -> None:
    rule = "    quality:\n      - {type: library, metric: rowCount, mustBeGreaterThan: 5}\n"
    (tmp_path / "c.odcs.yaml").write_text(ITEMS.replace("    properties:\n", f"{rule}    properties:\n"))
    with pytest.raises(DataRefused):
        load(warehouse, load_contract(tmp_path / "c.odcs.yaml")[0], one)
    assert described(warehouse) == facts(one)


def test_and_one_that_the_table_refused(warehouse: Warehouse, items: Contract, one: Path, two: Path) -> None:
    load(warehouse, items, one)
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("ALTER TABLE data.items ADD CHECK (amount < 2)")
    with pytest.raises(DataRefused):
        load(warehouse, items, two)
    assert described(warehouse) == facts(two)
