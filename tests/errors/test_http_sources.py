"""URLs that don't deliver: retried where the server may change its mind, refused for good where it won't."""

from urllib.parse import quote

import pytest

from sluice.errors import RetryError, SluiceError, SourceError
from sluice.warehouse.connection import Warehouse
from tests.errors.ingest import SECRET, TOKEN, check_nothing_left, check_said, ingest


def url(address: str, path: str, scheme: str = "http") -> str:
    """With a secret in the login and another in the query."""
    return f"{scheme}://ann:{SECRET}@{address}/{path}?token={TOKEN}"


def refused(warehouse: Warehouse, text: str, kind: type[SluiceError], *words: str) -> None:
    with pytest.raises(kind) as caught:
        ingest(warehouse, text)
    assert caught.value.retryable == (kind is RetryError)
    check_said(caught.value, *words)
    check_nothing_left(warehouse, caught.value)


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (404, SourceError, "check the URL"),
        (410, SourceError, "removed for good"),
        (401, SourceError, "HttpSource block"),
        (403, SourceError, "may not read it"),
        (418, SourceError, "browser"),
        (429, RetryError, "try later"),
        (500, RetryError, "try later"),
        (502, RetryError, "try later"),
        (503, RetryError, "try later"),
        (504, RetryError, "try later"),
    ],
)
def test_a_status_says_whether_to_try_again(
    warehouse: Warehouse, http: str, status: int, kind: type[SluiceError], advice: str
) -> None:
    refused(
        warehouse, url(http, f"{status}.csv"), kind, f"http://{http}/{status}.csv answered {status}.", advice
    )


@pytest.mark.parametrize("how", ["length", "chunked", "reset"])
def test_a_connection_that_breaks_off_in_the_body_is_tried_again(
    warehouse: Warehouse, http: str, how: str
) -> None:
    refused(
        warehouse, url(http, f"{how}.csv"), RetryError, f"http://{http}/{how}.csv broke off the connection."
    )


def test_a_server_that_nobody_runs_is_tried_again(warehouse: Warehouse, closed_port: int) -> None:
    where = f"127.0.0.1:{closed_port}"
    refused(
        warehouse, url(where, "a.csv"), RetryError, f"http://{where}/a.csv could not be reached.", "network"
    )


def test_a_host_that_does_not_exist_is_tried_again(warehouse: Warehouse) -> None:
    refused(
        warehouse, url("no-such-host.invalid", "a.csv"), RetryError, "no-such-host.invalid/a.csv could not"
    )


def test_a_certificate_that_nobody_vouches_for_is_refused(warehouse: Warehouse, https: str) -> None:
    text = url(https, "good.csv", "https")
    refused(
        warehouse,
        text,
        SourceError,
        f"https://{https}/good.csv",
        "certificate is not trusted",
        "SSL_CERT_FILE",
    )


def test_a_server_without_tls_is_not_asked_again(warehouse: Warehouse, http: str) -> None:
    text = url(http, "good.csv", "https")
    refused(warehouse, text, SourceError, f"https://{http}/good.csv", "no secure connection", "TLS")


def test_redirects_in_a_circle_are_refused(warehouse: Warehouse, http: str) -> None:
    refused(warehouse, url(http, "loop.csv"), SourceError, f"http://{http}/loop.csv", "redirects")


@pytest.mark.parametrize("password", [f"{SECRET}#1", f"{SECRET}/1", f"{SECRET}?1"])
def test_a_login_with_a_stray_character_does_not_show_its_password(
    warehouse: Warehouse, http: str, password: str
) -> None:
    refused(warehouse, f"http://ann:{password}@{http}/a.csv", SourceError, f"http://{http}/a.csv", "%23")


def test_a_login_in_the_url_works_and_is_not_kept(warehouse: Warehouse, http: str) -> None:
    text = url(http, "404.csv").replace(SECRET, quote(f"{SECRET}@#/", safe=""), 1)
    refused(warehouse, text, SourceError, f"http://{http}/404.csv answered 404.")
