"""Object stores that don't deliver: who is to act is told by the kind of error, and nothing is half-written."""

from collections.abc import Iterator

import pytest

from sluice.errors import ReadError, RetryError, SetupError, SluiceError, SourceError
from sluice.warehouse.connection import Warehouse
from tests import stores
from tests.errors.conftest import GOOD
from tests.errors.ingest import check_nothing_left, check_said, ingest


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    objects = {"good.csv": GOOD, "empty.csv": b"", "folder/": b""}
    with stores.speaking_s3("drop", objects) as address:
        yield address


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A server that speaks S3, with endpoint and keys in the environment."""
    stores.use(monkeypatch, endpoint)
    return endpoint


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that refuses or breaks off."""
    with stores.refusing() as address:
        stores.use(monkeypatch, address)
        yield address


def refused(warehouse: Warehouse, url: str, kind: type[SluiceError], *words: str) -> None:
    with pytest.raises(kind) as caught:
        ingest(warehouse, url)
    assert caught.value.retryable == (kind is RetryError)
    check_said(caught.value, *words)
    check_nothing_left(warehouse, caught.value)


def test_an_object_is_loaded(warehouse: Warehouse, s3: str) -> None:
    outcome = ingest(warehouse, "s3://drop/good.csv")
    assert (outcome.read, outcome.published) == (2, 2)


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("s3://drop/none.csv", SourceError, ("s3://drop/none.csv does not exist.", "ends in '/'")),
        ("s3://drop/*.csv", SourceError, ("s3://drop/*.csv does not exist.", "A pattern does not work")),
        ("s3://none/a.csv", SourceError, ("There is no bucket s3://none.", "endpoint")),
        ("s3://none/a/", SourceError, ("There is no bucket s3://none.", "endpoint")),
        ("s3://drop/none/", SourceError, ("Nothing lies under s3://drop/none/.", "prefix")),
        ("s3://drop/folder/", SourceError, ("Nothing lies under s3://drop/folder/.", "prefix")),
        ("s3://drop/empty.csv", ReadError, ("empty",)),
    ],
)
def test_what_is_not_there_is_not_asked_for_again(
    warehouse: Warehouse, s3: str, url: str, kind: type[SluiceError], words: tuple[str, ...]
) -> None:
    refused(warehouse, url, kind, *words)


@pytest.mark.parametrize("url", ["s3://drop/good.csv", "s3://drop/"])
def test_keys_that_the_server_does_not_know_are_a_matter_of_set_up(
    warehouse: Warehouse, s3: str, url: str
) -> None:
    with stores.asking_for_keys(s3):
        refused(warehouse, url, SetupError, url, "403 InvalidAccessKeyId", "Check the keys")


def test_an_object_that_vanishes_after_it_was_found_fails_the_job(warehouse: Warehouse, s3: str) -> None:
    client = stores.client_of(s3)
    client.put_object(Bucket="drop", Key="brief.csv", Body=GOOD)
    vanish = {"collect": lambda: client.delete_object(Bucket="drop", Key="brief.csv")}
    with pytest.raises(SourceError) as caught:
        ingest(warehouse, "s3://drop/good.csv", "s3://drop/brief.csv", before=vanish)
    check_said(caught.value, "s3://drop/brief.csv does not exist.")
    check_nothing_left(warehouse, caught.value)


@pytest.mark.parametrize("key", ["a.csv", "a/"])
@pytest.mark.parametrize(
    ("bucket", "kind", "words"),
    [
        ("401", SetupError, ("(401)", "Check the keys")),
        ("403-AccessDenied", SetupError, ("(403 AccessDenied)", "Check the keys")),
        ("403-SignatureDoesNotMatch", SetupError, ("(403 SignatureDoesNotMatch)", "Check the keys")),
        ("403-RequestTimeTooSkewed", SetupError, ("clock",)),
        ("400-ExpiredToken", SetupError, ("(400 ExpiredToken)", "Check the keys")),
        ("400-AuthorizationHeaderMalformed", SetupError, ("another region", "AWS_REGION")),
        ("301-PermanentRedirect", SetupError, ("another region", "AWS_REGION")),
        ("405-MethodNotAllowed", SetupError, ("refused the request (405", "endpoint")),
        ("429-SlowDown", RetryError, ("429 SlowDown", "try later")),
        ("500-InternalError", RetryError, ("500 InternalError", "try later")),
        ("503-SlowDown", RetryError, ("503 SlowDown", "try later")),
    ],
)
def test_an_answer_says_who_is_to_act(
    warehouse: Warehouse, trouble: str, bucket: str, key: str, kind: type[SluiceError], words: tuple[str, ...]
) -> None:
    refused(warehouse, f"s3://{bucket}/{key}", kind, f"s3://{bucket}/{key}", *words)


@pytest.mark.parametrize(
    ("status", "kind"), [("403-AuthenticationFailed", SetupError), ("404", SourceError), ("503", RetryError)]
)
@pytest.mark.parametrize("scheme", ["gs", "az"])
def test_the_other_stores_say_the_same(
    warehouse: Warehouse,
    trouble: str,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    status: str,
    kind: type[SluiceError],
) -> None:
    monkeypatch.setenv("GOOGLE_BASE_URL", trouble)
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", trouble)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "ann")
    # A shared access signature is a part of each request's address.
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", f"sv=1&sig={stores.SECRET}")
    refused(warehouse, f"{scheme}://{status}/a.csv", kind, f"{scheme}://{status}/a.csv")


def test_an_endpoint_that_is_a_website_is_told(warehouse: Warehouse, trouble: str) -> None:
    refused(
        warehouse,
        "s3://site/a/",
        SetupError,
        "What answered for s3://site/a/ is no object store.",
        "endpoint",
    )


def test_an_object_that_breaks_off_is_tried_again(warehouse: Warehouse, trouble: str) -> None:
    refused(warehouse, "s3://cut/a.csv", RetryError, "s3://cut/a.csv broke off.", "network")


@pytest.mark.parametrize("key", ["a.csv", "a/"])
def test_a_server_that_nobody_runs_is_tried_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, closed_port: int, key: str
) -> None:
    stores.use(monkeypatch, f"http://127.0.0.1:{closed_port}")
    refused(warehouse, f"s3://drop/{key}", RetryError, f"The store of s3://drop/{key} could not be reached.")


def test_a_host_that_does_not_exist_is_tried_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.use(monkeypatch, "http://no-such-host.invalid")
    refused(warehouse, "s3://drop/a.csv", RetryError, "could not be reached", "endpoint")


def test_a_certificate_that_nobody_vouches_for_is_refused(
    warehouse: Warehouse, https: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.use(monkeypatch, f"https://{https}")
    refused(warehouse, "s3://drop/a.csv", SourceError, "certificate is not trusted", "SSL_CERT_FILE")


def test_an_endpoint_without_tls_is_told_from_one_with(
    warehouse: Warehouse, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", trouble.replace("http://", "https://"))
    refused(warehouse, "s3://drop/a.csv", SourceError, "no secure connection", "http://")


def test_a_missing_key_is_a_matter_of_set_up(
    warehouse: Warehouse, s3: str, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in stores.KEYS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    words = ("No credentials for s3://drop/good.csv were found.", "AWS_ACCESS_KEY_ID")
    refused(warehouse, "s3://drop/good.csv", SetupError, *words)
