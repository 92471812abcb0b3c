"""Large files are hashed while they are read; the same content is still loaded only once."""

import hashlib
from pathlib import Path

import pytest

from sluice.contracts.model import Contract
from sluice.jobs import steps
from sluice.warehouse.connection import Warehouse
from tests.jobs.appending import Steps
from tests.jobs.loading import load


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LARGE_FILE", 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.csv"
    path.write_text("id,label,amount\n1,a,1\n2,b,\n")
    return path


def test_the_hash_is_that_of_the_file(warehouse: Warehouse, items: Contract, file: Path) -> None:
    work = Steps.of(warehouse, items)
    assert work.landed(file).sha256 == ""
    assert work.convert(file).sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_repeat_is_found_before_it_is_read(
    warehouse: Warehouse, items: Contract, file: Path, mode: str
) -> None:
    first = load(warehouse, items, file, mode=mode, force=False)
    again = load(warehouse, items, file, mode=mode, force=False)
    assert (again.read, again.skipped[0]["job_id"]) == (0, first.job_id)


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_repeat_that_came_while_it_was_read_is_found_at_the_publish(
    warehouse: Warehouse, items: Contract, file: Path, mode: str
) -> None:
    work = Steps.of(warehouse, items, mode, force=False)
    landed = work.landed(file)
    first = load(warehouse, items, file, mode=mode, force=False)
    again = work.publish(steps.convert(warehouse, items, work.job, landed, 0))
    assert (again.read, again.skipped[0]["job_id"]) == (0, first.job_id)
    with warehouse.connect() as connection:
        assert connection.execute("SELECT count(*) FROM data.items").fetchone() == (2,)
        sizes = connection.execute(
            "SELECT DISTINCT file_size, content_sha256 IS NULL FROM sluice.ingestion_jobs"
        )
        assert sizes.fetchall() == [(file.stat().st_size, False)]
