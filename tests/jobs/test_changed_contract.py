"""A contract file that changes while a load runs: the load goes by one contract, or not at all."""

from pathlib import Path
from typing import Any

import pytest

from sluice.errors import ContractError
from sluice.jobs import ledger, steps
from sluice.settings import settings
from sluice.sources import acquire
from sluice.sources.model import source_of
from sluice.warehouse.connection import Connection, Warehouse
from tests.jobs.conftest import ITEMS

STEPS = ("connect", "repeated", "convert", "check", "store")


def work(warehouse: Warehouse, path: Path, change: Any) -> str:
    """Load the file as the flow does, asking for the contract at each step; ``change`` is called before each."""
    request = {
        "dataset": "items", "sources": [{"path": str(path)}], "mode": "append", "organization_id": 1, "user_id": 1,
        "priority": "normal", "force": False, "warehouse": "", "job_id": "",
    }  # fmt: skip
    job = steps.open_job(warehouse, request)
    with steps.working(warehouse, job):
        change("connect")
        steps.connect(warehouse, steps.contract_of("items"), job)
        landed = steps.collect(warehouse, job, acquire.validate(source_of(str(path)))[0], 0)
        change("repeated")
        assert steps.repeated(warehouse, steps.contract_of("items"), job, [landed]) == {}
        change("convert")
        stages = [steps.convert(warehouse, steps.contract_of("items"), job, landed, 0)]
        change("check")
        verdict = steps.check(warehouse, steps.contract_of("items"), job, stages)
        change("store")
        steps.store(warehouse, steps.contract_of("items"), job, stages, verdict, [], {})
    return job.job_id


@pytest.fixture
def contract_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "contracts"
    folder.mkdir()
    monkeypatch.setenv("SLUICE_CONTRACTS", str(folder))
    settings.cache_clear()
    path = folder / "items.odcs.yaml"
    path.write_text(ITEMS)
    return path


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "items.csv"
    path.write_text("id,label,amount\n1,a,5\n2,b,-5\n")
    return path


@pytest.mark.parametrize("step", STEPS)
def test_a_contract_that_changes_before_a_step_stops_the_load(
    warehouse: Warehouse, connection: Connection, contract_file: Path, rows: Path, step: str
) -> None:
    def change(now: str) -> None:
        if now == step:
            contract_file.write_text(ITEMS.replace("minimum: 0", "minimum: -9"))

    with pytest.raises(ContractError, match="items changed while the load ran") as caught:
        work(warehouse, rows, change)
    assert "Load again" in caught.value.hint
    (job,) = ledger.listing(warehouse, organization_id=1, limit=5)
    assert (job["status"], connection.execute("SELECT count(*) FROM sluice.loads").fetchone()) == (
        "failed",
        (0,),
    )
    work(warehouse, rows, lambda now: None)
    assert connection.execute("SELECT count(*) FROM data.items").fetchone() == (2,)


def test_a_contract_written_again_without_a_change_stops_nothing(
    warehouse: Warehouse, contract_file: Path, rows: Path
) -> None:
    job_id = work(warehouse, rows, lambda now: contract_file.write_text(ITEMS))
    assert ledger.get(warehouse, job_id)["result_data"]["published"] == 1
