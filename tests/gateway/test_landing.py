"""Uploads that land in a bucket of a server that speaks S3, sent through a gateway."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.settings import GatewaySettings
from sluice.jobs import ledger, upkeep
from sluice.landing.bucket import Bucket
from sluice.landing.store import store_of
from sluice.security.tokens import Caller, Role, mint
from sluice.sources import objects
from sluice.warehouse.connection import Warehouse
from tests import stores
from tests.gateway.conftest import serving

TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
MINUTES = 600


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, stores.speaking_s3("landing", {}) as endpoint:
        stores.use(patch, endpoint)
        yield endpoint


@pytest.fixture(scope="module")
def settings(
    s3: str, module_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> GatewaySettings:
    home: Path = tmp_path_factory.mktemp("home")
    return GatewaySettings(home=home, database_url=module_warehouse.url, landing="s3://landing/in")


@pytest.fixture(scope="module")
def sender(settings: GatewaySettings) -> Iterator[httpx.Client]:
    token = mint(settings, Caller(7, 1, Role.operator), MINUTES)
    with (
        serving(settings) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client,
    ):
        yield client


def begin(sender: httpx.Client, content: bytes, name: str = "bugs-template.csv") -> tuple[str, str]:
    """An announced upload: its job and its URL."""
    body = {"filename": name, "file_size": len(content), "dataset": "bugs"}
    reply = sender.post("/api/ingest/init", json=body)
    assert reply.is_success, reply.text
    return reply.json()["data"]["job_id"], reply.json()["data"]["upload_url"]


def landed(warehouse: Warehouse, job: str) -> str:
    """URL of the object that the job's run will read."""
    with warehouse.connect() as connection:
        (source,) = ledger.get(connection, job)["details"]["request"]["sources"]
    assert source["kind"] == "object"
    return str(source["url"])


def waits(warehouse: Warehouse, job: str) -> bool:
    """Whether the job was accepted."""
    with warehouse.connect() as connection:
        return connection.execute("SELECT FROM sluice.outbox WHERE job_id = %s", [job]).fetchone() is not None


def spooled(settings: GatewaySettings) -> list[Path]:
    return [path for path in (settings.root / "spool").rglob("*") if path.is_file()]


def test_a_file_is_an_object_before_its_job_waits_and_the_gateway_keeps_no_copy(
    sender: httpx.Client, module_warehouse: Warehouse, settings: GatewaySettings
) -> None:
    content = b"one\n" * 1_500_000  # S3 gets it in parts
    job, url = begin(sender, content, "odd #1;token=%41&+.csv")
    reply = sender.put(url, content=content)
    assert reply.is_success, reply.text
    place = landed(module_warehouse, job)
    assert place.startswith("s3://landing/in/up_1_")
    assert hashlib.sha256(b"".join(objects.stream(place))).hexdigest() == reply.json()["data"]["sha256"]
    assert objects.find(place)[0][1].endswith(".csv")
    assert waits(module_warehouse, job)
    assert spooled(settings) == []


def test_a_broken_upload_goes_on_where_it_ended_and_several_files_come_in_one_request(
    sender: httpx.Client, module_warehouse: Warehouse, settings: GatewaySettings
) -> None:
    job, url = begin(sender, b"a,b\n1,2\n")
    assert sender.patch(url, content=b"a,b\n", headers={**TUS, "Upload-Offset": "0"}).status_code == 204
    assert sender.head(url).headers["Upload-Offset"] == "4"
    assert not waits(module_warehouse, job)
    assert sender.patch(url, content=b"1,2\n", headers={**TUS, "Upload-Offset": "4"}).status_code == 204
    assert b"".join(objects.stream(landed(module_warehouse, job))) == b"a,b\n1,2\n"
    assert sender.head(url).headers["Upload-Offset"] == "8"
    files = [("file", (f"bugs-{number}.csv", f"id\n{number}\n")) for number in (1, 2)]
    taken = sender.post("/api/ingest/csv", files=files, data={"dataset": "bugs"}).json()["data"]["jobs"]
    found = [b"".join(objects.stream(landed(module_warehouse, one["job_id"]))) for one in taken]
    assert found == [b"id\n1\n", b"id\n2\n"]
    assert spooled(settings) == []


def test_a_job_is_not_accepted_while_the_bucket_is_away_and_is_when_it_is_back(
    sender: httpx.Client, module_warehouse: Warehouse, s3: str
) -> None:
    job, url = begin(sender, b"away")
    with stores.asking_for_keys(s3):
        assert sender.get("/readyz").json()["parts"]["landing"] is False
        refused = sender.put(url, content=b"away")
        assert refused.status_code in (500, 503)
        assert stores.SECRET not in refused.text
        assert not waits(module_warehouse, job)
    assert sender.get("/readyz").json()["parts"]["landing"] is True
    # All bytes came in, so the client has none to send: asking how far it is brings the job to its queue.
    assert sender.head(url).headers["Upload-Offset"] == "4"
    assert waits(module_warehouse, job)
    assert b"".join(objects.stream(landed(module_warehouse, job))) == b"away"


def test_repeated_content_leaves_no_object(sender: httpx.Client, s3: str) -> None:
    first = sender.put(begin(sender, b"twice")[1], content=b"twice")
    before = keys(s3)
    again = sender.put(begin(sender, b"twice")[1], content=b"twice")
    assert (first.status_code, again.status_code) == (200, 409)
    assert keys(s3) == before


def test_maintenance_removes_the_objects_of_uploads_that_ended_and_of_no_job(
    sender: httpx.Client,
    module_warehouse: Warehouse,
    settings: GatewaySettings,
    s3: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, url = begin(sender, b"old")
    sender.put(url, content=b"old")
    client = stores.client_of(s3)
    client.put_object(Bucket="landing", Key=f"in/up_1_{'0' * 32}/a.csv", Body=b"stray")
    client.put_object(Bucket="landing", Key="in/mine.csv", Body=b"not an upload")
    with module_warehouse.connect(autocommit=True) as connection:
        ledger.cancel(connection, job)
        connection.execute("UPDATE sluice.ingestion_jobs SET archived_at = now() WHERE job_id = %s", [job])
    monkeypatch.setattr(upkeep, "STRAY_HOURS", -1)
    others = len(keys(s3))
    cleaned = upkeep.clean(module_warehouse, store_of("", settings))
    assert (cleaned.files, cleaned.strays) == (1, 1)
    assert len(keys(s3)) == others - 2
    assert "in/mine.csv" in keys(s3)


def test_only_what_lies_long_is_old(s3: str, tmp_path: Path) -> None:
    store = Bucket.of("s3://landing/other", tmp_path)
    place = store.place(f"up_1_{'1' * 32}", "a.csv")
    with store.continued(place, 0, 10) as part:
        part.write(b"x")
    store.keep(place)
    store.keep(place)  # as often as it takes
    store.release(place)
    assert (store.received(place), store.old(1), store.old(-1)) == (1, [], [f"up_1_{'1' * 32}"])
    store.remove(f"up_1_{'1' * 32}")
    assert (store.received(place), store.old(-1)) == (0, [])


def keys(endpoint: str) -> list[str]:
    listed = stores.client_of(endpoint).list_objects_v2(Bucket="landing", Prefix="in/up_")
    more = stores.client_of(endpoint).list_objects_v2(Bucket="landing", Prefix="in/mine")
    return sorted(one["Key"] for found in (listed, more) for one in found.get("Contents", []))
