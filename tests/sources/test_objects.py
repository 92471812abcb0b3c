"""Object stores: which objects a URL means, and their bytes."""

from pathlib import Path

import pytest

from sluice.deadline import deadline
from sluice.errors import RetryError, SetupError, SourceError
from sluice.sources import acquire, objects
from sluice.sources.model import ObjectSource
from tests import stores
from tests.sources.conftest import OBJECTS


def test_a_url_means_one_object(s3: str) -> None:
    assert objects.find("s3://drop/in/a.csv") == [("s3://drop/in/a.csv", "a.csv", 5)]


def test_a_prefix_means_all_objects_under_it_but_no_folders(s3: str) -> None:
    found = objects.find("s3://drop/in/")
    assert [url for url, _, _ in found] == [
        f"s3://drop/{key}" for key in sorted(OBJECTS) if key.startswith("in/") and not key.endswith("/")
    ]
    assert {url: size for url, _, size in found}["s3://drop/in/empty.csv"] == 0


def test_a_listing_ends_with_the_steps_time(s3: str) -> None:
    with pytest.raises(RetryError, match="'validate source' was stopped"), deadline("validate source", 0):
        objects.find("s3://drop/in/")


@pytest.mark.parametrize("url", ["s3://drop", "s3://drop/"])
def test_a_bare_bucket_means_all_its_objects(s3: str, url: str) -> None:
    found = [url for url, _, _ in objects.find(url)]
    assert found == [f"s3://drop/{key}" for key in sorted(OBJECTS) if not key.endswith("/")]


def test_whatever_was_found_is_delivered(s3: str) -> None:
    for url, _, size in objects.find("s3://drop"):
        body = b"".join(objects.stream(url))
        assert body == OBJECTS[url.removeprefix("s3://drop/")]
        assert len(body) == size


def test_objects_of_one_name_do_not_overwrite_each_other(s3: str, tmp_path: Path) -> None:
    items = [item for item in acquire.validate(ObjectSource(url="s3://drop/in/")) if item.name == "a.csv"]
    bodies = {acquire.acquire(item, tmp_path / str(n)).path.read_bytes() for n, item in enumerate(items)}
    assert bodies == {b"id\n1\n", b"id\n2\n"}


def test_a_large_object_arrives_whole(s3: str) -> None:
    body = bytes(range(256)) * 40_000
    client = stores.client_of(s3)
    client.create_bucket(Bucket="large")
    client.put_object(Bucket="large", Key="a.bin", Body=body)
    assert b"".join(objects.stream("s3://large/a.bin")) == body


def test_the_newest_variable_names_the_endpoint(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    assert len(objects.find("s3://drop/in/a.csv")) == 1


def test_a_public_bucket_is_read_without_keys(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = stores.client_of(s3)
    client.create_bucket(Bucket="open")
    client.put_object(Bucket="open", Key="a.csv", Body=b"id\n1\n", ACL="public-read")
    for name in stores.KEYS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    assert b"".join(objects.stream("s3://open/a.csv")) == b"id\n1\n"


@pytest.mark.parametrize("key", ["in/b//c.csv", "in/../index.csv"])
def test_a_key_that_can_not_be_read_is_named(s3: str, key: str) -> None:
    with pytest.raises(SourceError, match="Rename it"):
        objects.find(f"s3://drop/{key}")


@pytest.mark.parametrize("url", ["s3://", "s3:///a.csv"])
def test_a_url_without_a_bucket_is_refused(url: str) -> None:
    with pytest.raises(SourceError, match="names no bucket"):
        objects.find(url)


def test_a_url_with_a_login_is_refused_and_not_repeated() -> None:
    with pytest.raises(SetupError, match="AWS_ACCESS_KEY_ID") as caught:
        objects.find(f"s3://ann:{stores.SECRET}@drop/a.csv")
    assert stores.SECRET not in f"{caught.value} {caught.value.facts}"


@pytest.mark.parametrize(
    "endpoint", ["localhost:9000", "http://", "http://:9000", "http://a b", "http://h:99999", "nonsense"]
)
def test_an_endpoint_that_is_no_address_is_named_by_its_variable(
    s3: str, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(SetupError, match=r"^AWS_ENDPOINT_URL is not .* http://host:port"):
        objects.find("s3://drop/a.csv")


def test_half_a_pair_of_keys_is_a_set_up_error(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SetupError, match="SecretAccessKey"):
        objects.find("s3://drop/a.csv")


@pytest.mark.parametrize("url", ["s3://drop/a.csv", "gs://drop/a.csv", "az://drop/a.csv"])
def test_a_store_without_any_credentials_is_a_set_up_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where a cloud's machines tell who they are: closed, as on any other machine.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:9")
    monkeypatch.setenv("GCE_METADATA_IP", "127.0.0.1:9")
    with pytest.raises(SetupError, match="Object Store Source block"):
        objects.find(url)
