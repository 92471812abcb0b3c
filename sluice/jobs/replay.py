"""Replay: a job's rejects as a new file, to be loaded again after a fix."""

import json
from pathlib import Path
from typing import Any

from sluice.contracts.model import Contract
from sluice.errors import InputError
from sluice.jobs import ledger
from sluice.jobs.steps import contract_of
from sluice.readers.header import by_column
from sluice.sources.model import FileSource
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated


def write_rejects(warehouse: Warehouse, job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The request that loads the job's rejects again; they are written under ``folder``.

    A failed job's request is the one it was made with. Raises InputError where there is nothing to replay.
    """
    stored = dict(job["details"].get("request") or {})
    if job["status"] != "completed":
        if not stored:
            raise InputError(f"{job['job_id']} does not know its sources.", hint="Load the files again.")
        return {**stored, "job_id": ""}
    path = folder / f"rejects-of-{job['job_id']}.ndjson"
    contract = contract_of(job["dataset"])
    if not _write_records(warehouse, job["job_id"], contract, path):
        raise InputError(
            f"{job['job_id']} has no rejects left to replay.", hint="`sluice jobs` shows what each job did."
        )
    return {**stored, "job_id": "", "sources": [FileSource(path=str(path)).model_dump()], "force": True}


def _write_records(warehouse: Warehouse, job_id: str, contract: Contract, path: Path) -> int:
    """One JSON object a rejected record, of its cells as text. Returns how many."""
    written, last = 0, None
    with path.open("w", encoding="utf-8") as file:
        for row in ledger.rejects(warehouse, job_id):
            place = (row["load_id"], row["record_no"])
            if place == last or row["replayed_by_job"] or row["cells"] is None:
                continue
            file.write(json.dumps(by_column(row["cells"], contract), ensure_ascii=False) + "\n")
            written, last = written + 1, place
    return written


def mark_replayed(warehouse: Warehouse, job_id: str, by_job: str) -> None:
    """Note that the job's rejects were loaded again."""
    with translated(), warehouse.connect() as connection:
        connection.execute(
            "UPDATE sluice.rejected_rows SET replayed_by_job = %s"
            " WHERE job_id = %s AND replayed_by_job IS NULL AND cells IS NOT NULL",
            [by_job, job_id],
        )
