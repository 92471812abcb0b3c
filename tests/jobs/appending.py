"""What the tests of appending share: rows to append, and a job whose steps are taken one by one."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluice.contracts.model import Contract
from sluice.jobs import ledger, steps
from sluice.jobs.outcome import Outcome
from sluice.jobs.recovery import incoming_name
from sluice.readers.base import Stage
from sluice.sources import acquire
from sluice.sources.acquire import Landed
from sluice.sources.model import source_of
from sluice.warehouse.connection import Connection, Warehouse

Row = tuple[str, ...]
HEADER = ("id", "label", "amount")
APPENDED = [(1, "one"), (2, "two"), (3, "three"), (4, "four")]


def write(path: Path, rows: list[Row], header: Row = HEADER) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def rows(connection: Connection, columns: str = "id, label", table: str = "items") -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM data.{table} ORDER BY 1, 2".encode()).fetchall()


@dataclass
class Steps:
    """A job whose steps a test takes one by one, to do something between them."""

    warehouse: Warehouse
    contract: Contract
    job: steps.Job

    @classmethod
    def of(
        cls, warehouse: Warehouse, contract: Contract, mode: str = "append", *, force: bool = True
    ) -> "Steps":
        shared = {"dataset": contract.dataset, "mode": mode, "organization_id": 1, "force": force}
        request = {**shared, "sources": [], "user_id": 1, "priority": "normal", "warehouse": "", "job_id": ""}
        job = steps.open_job(warehouse, request)
        ledger.start(warehouse, job.job_id)
        steps.connect(warehouse, contract, job)
        return cls(warehouse, contract, job)

    def landed(self, path: Path, number: int = 0) -> Landed:
        (item,) = acquire.validate(source_of(str(path)))
        return steps.collect(self.warehouse, self.job, item, number)

    def convert(self, path: Path, number: int = 0) -> Stage:
        return steps.convert(self.warehouse, self.contract, self.job, self.landed(path, number), number)

    def has_incoming(self, number: int = 0) -> bool:
        with self.warehouse.connect() as connection:
            name = f"sluice.{incoming_name(self.job.job_id, number)}"
            found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone()
        return bool(found and found[0])

    def publish(self, *stages: Stage) -> Outcome:
        verdict = steps.check(self.warehouse, self.contract, self.job, stages)
        return steps.store(self.warehouse, self.contract, self.job, stages, verdict, [], {})


def check(warehouse: Warehouse, outcome: Outcome, wanted: list[tuple[Any, ...]] = APPENDED) -> None:
    assert (outcome.read, outcome.published, outcome.reasons) == (4, 2, {"minimum": 1, "duplicate": 1})
    with warehouse.connect() as connection:
        assert rows(connection) == wanted
        left = connection.execute("SELECT FROM pg_class WHERE relname LIKE 'incoming%'").fetchall()
        assert left == []
        lost = "SELECT FROM data.items WHERE _load_id NOT IN (SELECT id FROM sluice.loads)"
        assert connection.execute(lost).fetchall() == []
