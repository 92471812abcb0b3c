"""Files behind http(s) URLs, streamed with httpx."""

import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from sluice import deadline
from sluice.errors import RetryError, SluiceError, SourceError
from sluice.sources.urls import is_masked, masked, without_secrets

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


def find(url: str, secrets: Mapping[str, Any] | None = None) -> list[tuple[str, str, int | None]]:
    """The URL, a file name for it and its size where the server tells. Raises SourceError or RetryError."""
    with _opened(url, secrets) as response:
        length = response.headers.get("content-length")
        encoded = response.headers.get("content-encoding", "identity") != "identity"
        return [(url, _name(response), int(length) if length and not encoded else None)]


def stream(url: str, secrets: Mapping[str, Any] | None = None) -> Iterator[bytes]:
    """The body, piece by piece as it comes in. Raises as ``find`` does, and RetryError when it breaks off."""
    with _opened(url, secrets) as response:
        # A size would make it wait until that much has come, however slowly, and nobody could look at the clock.
        yield from response.iter_bytes()
        # An answer that tells no length ends with its connection, and so seems whole where we hung up.
        deadline.check()


@contextmanager
def _opened(url: str, secrets: Mapping[str, Any] | None) -> Iterator[httpx.Response]:
    given = dict(secrets or {})
    shown = without_secrets(url)
    if is_masked(url):
        hint = "Load again with the full URL, or keep the secret in an HttpSource block."
        raise SourceError(f"{shown}: the secret in its query was not kept.", hint=hint, url=shown)
    logging.getLogger("httpx").addFilter(_mask_url)  # httpx tells it each URL
    try:
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=True, **given) as client,
            client.stream("GET", url, extensions={"trace": _hang_up_in_time}) as response,
        ):
            if not response.is_success:
                raise refusal(response.status_code, shown)
            yield response
    except httpx.TransportError as error:
        raise deadline.ran_out() or _transport(error, shown) from error
    except httpx.InvalidURL:
        # Its text may quote a part of a password.
        hint = "Check it; in a login, characters such as / ? # @ are written %2F %3F %23 %40."
        raise SourceError(f"{shown} is not a URL.", hint=hint, url=shown) from None
    except (httpx.TooManyRedirects, httpx.DecodingError) as error:
        raise SourceError(f"{shown}: {error}", hint="Check the URL in a browser.", url=shown) from error


def _hang_up_in_time(event: str, info: Mapping[str, Any]) -> None:
    """httpx tells each step of its work: have each connection that it makes hung up at the step's deadline."""
    if event.endswith(("connect_tcp.complete", "start_tls.complete")):
        line = info["return_value"].get_extra_info("socket")
        deadline.at_end(lambda: deadline.hang_up(line.fileno()))


def _mask_url(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(masked(str(arg)) if isinstance(arg, httpx.URL) else arg for arg in record.args)
    return True


def refusal(status: int, url: str) -> SluiceError:
    """The error for an HTTP status: retried where the server may change its mind."""
    if status in RETRY_STATUS:
        return RetryError(
            f"{url} answered {status}.", hint="The server has trouble; try later.", url=url, status=status
        )
    advice = {
        401: "It wants a login: fetch the file yourself, or run it in Prefect with an HttpSource block.",
        403: "This login may not read it.",
        404: "Nothing is there: check the URL.",
        410: "It was removed for good.",
    }
    hint = advice.get(status, "Check the URL in a browser.")
    return SourceError(f"{url} answered {status}.", hint=hint, url=url, status=status)


def _transport(error: httpx.TransportError, url: str) -> SluiceError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return SourceError(
                f"{url}: the server's certificate is not trusted ({cause.verify_message}).",
                hint="Install the right CA (SSL_CERT_FILE), or ask the server's owner to renew it.",
                url=url,
            )
        if isinstance(cause, ssl.SSLError):
            return SourceError(
                f"{url}: no secure connection could be made.",
                hint="Does the server speak TLS there?",
                url=url,
            )
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.UnsupportedProtocol):
        return SourceError(f"{url} is no http(s) URL.", hint="Begin it with https://.", url=url)
    kind = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "could not be reached"
    if isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
        kind = "broke off the connection"
    return RetryError(f"{url} {kind}.", hint="Check the address and the network; then try again.", url=url)


def _name(response: httpx.Response) -> str:
    return unquote(PurePosixPath(urlsplit(str(response.url)).path).name) or "download"
