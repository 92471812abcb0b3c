"""The blocks of sources: what they send, and to whom only."""

import json
from pathlib import Path

import httpx
import obstore
import pytest
from pydantic import ValidationError

from blocks import FileSource, HttpSource, ObjectStoreSource
from sluice.errors import SetupError
from sluice.sources import acquire, objects
from sluice.sources.model import HttpSource as HttpRequest
from sluice.sources.model import ObjectSource


def test_a_folder_gives_the_files_that_match_in_order(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d.csv").mkdir()
    found = FileSource(folder=str(tmp_path), pattern="*.csv").get_paths()
    assert [path.name for path in found] == ["a.csv", "b.csv"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no folder"):
        FileSource(folder=str(tmp_path / "none")).get_paths()


def test_token_and_headers_are_sent(echo: str) -> None:
    block = HttpSource(base_url=echo, token="abc", headers={"X-Key": "k"})
    with block.get_client() as client:
        sent = client.get("/").json()
    assert (sent["authorization"], sent["x-key"]) == ("Bearer abc", "k")


def test_username_and_password_are_sent_as_basic_authentication(echo: str) -> None:
    with HttpSource(base_url=echo, username="me", password="pä:ss").get_client() as client:
        sent = client.get("/").json()["authorization"]
    with httpx.Client(auth=("me", "pä:ss")) as plain:
        assert sent == plain.get(echo).json()["authorization"]


def test_a_redirect_to_another_server_carries_no_secret(echo: str, other_echo: str) -> None:
    block = HttpSource(base_url=echo, token="abc", headers={"X-Key": "k"})
    with block.get_client() as client:
        away = client.get(f"/to?{other_echo}/").json()
        home = client.get(f"/to?{echo}/").json()
    assert not {"authorization", "x-key"} & away.keys()
    assert (home["authorization"], home["x-key"]) == ("Bearer abc", "k")


def test_secrets_are_not_handed_out_for_another_server(echo: str, other_echo: str) -> None:
    with pytest.raises(SetupError, match="holds the secrets of"):
        HttpSource(base_url=echo, token="abc").secrets_for(f"{other_echo}/file.csv")


def test_a_file_behind_a_login_is_acquired_with_the_block(echo: str, tmp_path: Path) -> None:
    secrets = HttpSource(base_url=echo, token="abc").secrets_for(f"{echo}/a.json")
    source = HttpRequest(url=f"{echo}/a.json", block="x")
    (item,) = acquire.validate(source, secrets)
    assert b"Bearer abc" in acquire.acquire(item, tmp_path, secrets).path.read_bytes()


def test_a_missing_ca_file_is_a_set_up_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="CA file"):
        HttpSource(base_url="https://h", ca_file=str(tmp_path / "none.pem")).get_client()


def test_two_ways_to_log_in_are_refused() -> None:
    with pytest.raises(ValidationError, match="either a token or a username"):
        HttpSource(base_url="https://h", token="a", username="b")


def test_a_bucket_is_read_with_the_block(s3: str, tmp_path: Path) -> None:
    block = ObjectStoreSource(
        url="s3://exports/daily", key="me", secret="secret", endpoint=s3, region="us-east-1"
    )
    assert bytes(obstore.get(block.get_store(), "a.csv").bytes()) == b"id\n1\n"
    source = ObjectSource(url="s3://exports/daily/a.csv")
    secrets = block.secrets_for(source.url)
    (item,) = acquire.validate(source, secrets)
    assert acquire.acquire(item, tmp_path, secrets).path.read_bytes() == b"id\n1\n"


def test_a_block_is_not_mixed_with_what_the_environment_says(
    echo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "other")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    block = ObjectStoreSource(url="s3://b", key="me", secret="secret", endpoint=echo)
    sent = json.loads(b"".join(objects.stream("s3://b/a", block.secrets_for("s3://b/a"))))
    assert "Credential=me/" in sent["authorization"]
    assert "x-amz-security-token" not in sent


def test_a_session_token_is_sent(echo: str) -> None:
    block = ObjectStoreSource(url="s3://b", key="me", secret="secret", session_token="brief", endpoint=echo)
    sent = json.loads(b"".join(objects.stream("s3://b/a", block.secrets_for("s3://b/a"))))
    assert sent["x-amz-security-token"] == "brief"


@pytest.mark.parametrize("kind", ["gs", "az"])
def test_the_other_stores_have_endpoints_too(echo: str, kind: str) -> None:
    block = ObjectStoreSource(
        url=f"{kind}://b", key="me" if kind == "az" else None, endpoint=echo, anonymous=True
    )
    assert b"".join(objects.stream(f"{kind}://b/a", block.secrets_for(f"{kind}://b/a")))


@pytest.mark.parametrize(
    "endpoint", ["localhost:9000", "http://", "http://:9000", "http://a b", "http://h:x"]
)
def test_an_endpoint_that_is_no_address_is_refused(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="endpoint"):
        ObjectStoreSource(url="s3://b", endpoint=endpoint)


def test_a_url_that_holds_a_login_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        ObjectStoreSource(url="s3://me:hunter2@b")
    assert "hunter2" not in str(caught.value)


def test_half_a_pair_of_keys_is_a_set_up_error() -> None:
    with pytest.raises(SetupError, match=r"SecretAccessKey.*block's settings"):
        ObjectStoreSource(url="s3://b", key="me").get_store()


@pytest.mark.parametrize(
    "url", ["s3://other/daily/a", "s3://exports/daily-private/a", "gs://exports/daily/a"]
)
def test_secrets_are_not_handed_out_for_another_bucket(url: str) -> None:
    with pytest.raises(SetupError, match="holds the secrets of"):
        ObjectStoreSource(url="s3://exports/daily", key="a", secret="b").secrets_for(url)


@pytest.mark.parametrize(
    "block",
    [
        ObjectStoreSource(url="gs://b", anonymous=True),
        ObjectStoreSource(
            url="az://c", key="account", secret="c2VjcmV0", endpoint="http://127.0.0.1:10000/account"
        ),
        ObjectStoreSource(url="az://c", key="account", session_token="sv=1&sig=2"),
        ObjectStoreSource(url="s3://b", anonymous=True, region="eu-central-1"),
    ],
    ids=["google", "azure-key", "azure-signature", "s3-public"],
)
def test_every_kind_of_store_can_be_opened(block: ObjectStoreSource) -> None:
    assert block.get_store() is not None


def test_a_wrong_key_of_a_store_is_a_set_up_error() -> None:
    with pytest.raises(SetupError, match="settings"):
        ObjectStoreSource(url="gs://b", secret="not json").get_store()
