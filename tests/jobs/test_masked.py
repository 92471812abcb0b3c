"""A job knows the URL that it was loaded from, but not the secret in it."""

import pytest

from sluice.errors import InputError
from sluice.jobs import ledger, steps
from sluice.jobs.replay import request_of
from sluice.sources.model import source_of
from sluice.warehouse.connection import Warehouse


def failed(warehouse: Warehouse, url: str) -> str:
    """A job that failed to load the URL."""
    given = {"dataset": "bugs", "mode": "append", "organization_id": 1, "user_id": 1, "priority": "normal"}
    more = {"sources": [source_of(url).model_dump()], "force": False, "warehouse": "", "job_id": ""}
    job = steps.open_job(warehouse, {**given, **more})
    ledger.start(warehouse, job.job_id)
    ledger.fail(warehouse, job.job_id, ValueError("no"))
    return job.job_id


def test_a_load_whose_secret_was_not_kept_is_not_replayed(warehouse: Warehouse) -> None:
    job = ledger.get(warehouse, failed(warehouse, "https://example.org/a.csv?day=1&token=c0ffee"))
    with pytest.raises(InputError, match=r"secret was not kept\. Load again with the full URL\."):
        request_of(warehouse, job)
    assert "c0ffee" not in str(job)
    assert job["details"]["request"]["sources"][0]["url"] == "https://example.org/a.csv?day=1&token=***"


def test_a_load_of_a_url_without_secrets_is_replayed(warehouse: Warehouse) -> None:
    url = "https://example.org/a.csv?day=1"
    job = ledger.get(warehouse, failed(warehouse, url))
    assert request_of(warehouse, job)["sources"][0]["url"] == url
