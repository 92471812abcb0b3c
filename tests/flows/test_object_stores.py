"""An S3-compatible server through the whole flow, with the credentials in a block."""

from collections.abc import Iterator

import pytest

from blocks import ObjectStoreSource
from flows.runner import run_here
from sluice.errors import SetupError
from sluice.jobs import ledger
from sluice.warehouse.connection import Warehouse
from tests import stores
from tests.flows.test_standard_ingestion import SAMPLES

BUGS = (SAMPLES / "bugs-template.csv").read_bytes()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with stores.speaking_s3("exports", {"daily/bugs.csv": BUGS}) as endpoint:
        yield endpoint


def save(name: str, endpoint: str) -> None:
    """A block as a user fills it in."""
    block = ObjectStoreSource(
        url="s3://exports/daily", key=stores.KEY, secret=stores.SECRET, endpoint=endpoint
    )
    block.save(name, overwrite=True)


def load(url: str, block: str) -> dict[str, object]:
    source = {"kind": "object", "url": url, "block": block}
    return run_here({"dataset": "bugs", "sources": [source], "mode": "append"})


@pytest.mark.parametrize("url", ["s3://exports/daily/bugs.csv", "s3://exports/daily/"])
def test_a_block_brings_an_object_into_the_table(project: Warehouse, s3: str, url: str) -> None:
    save("minio", s3)
    outcome = load(url, "minio")
    assert (outcome["status"], outcome["published"], outcome["rejected"]) == ("completed", 10, 0)


def test_a_refused_key_fails_the_job_at_once_and_is_not_shown(
    project: Warehouse, s3: str, caplog: pytest.LogCaptureFixture
) -> None:
    save("stale", s3)
    with stores.asking_for_keys(s3), pytest.raises(SetupError, match="403 InvalidAccessKeyId"):
        load("s3://exports/daily/bugs.csv", "stale")
    with project.connect(autocommit=True) as connection:
        (job,) = ledger.listing(connection, organization_id=1)
    assert (job["status"], job["attempt"]) == ("failed", 1)
    assert stores.SECRET not in f"{job} {caplog.text}"
