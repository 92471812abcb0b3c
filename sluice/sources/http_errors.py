"""What went wrong with a web server, as our errors: tried again where it may change its mind."""

import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from sluice import deadline
from sluice.errors import RetryError, SluiceError, SourceError
from sluice.sources.urls import masked

RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


@contextmanager
def explained(shown: str) -> Iterator[None]:
    """Raise httpx's errors in the block as ours; ``shown``: the URL without secrets."""
    logging.getLogger("httpx").addFilter(_mask_url)  # httpx tells it each URL
    try:
        yield
    except httpx.TransportError as error:
        raise deadline.ran_out() or _transport(error, shown) from error
    except httpx.InvalidURL:
        # Its text may quote a part of a password.
        hint = "Check it; in a login, characters such as / ? # @ are written %2F %3F %23 %40."
        raise SourceError(f"{shown} is not a URL.", hint=hint, url=shown) from None
    except (httpx.TooManyRedirects, httpx.DecodingError) as error:
        raise SourceError(f"{shown}: {error}", hint="Check the URL in a browser.", url=shown) from error


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
        401: "It wants a login: name an HttpSource block (files) or an ApiSource block (web APIs) that has it.",
        403: "This login may not read it.",
        404: "Nothing is there: check the URL.",
        410: "It was removed for good.",
    }
    hint = advice.get(status, "Check the URL in a browser.")
    return SourceError(f"{url} answered {status}.", hint=hint, url=url, status=status)


def _transport(error: httpx.TransportError, url: str) -> SluiceError:
    root: BaseException = error
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
        root, cause = cause, cause.__cause__ or cause.__context__
    if isinstance(error, httpx.UnsupportedProtocol):
        return SourceError(f"{url} is no http(s) URL.", hint="Begin it with https://.", url=url)
    kind = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "could not be reached"
    if isinstance(root, socket.gaierror):
        kind = "could not be reached: its name can't be resolved"
    if isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
        kind = "broke off the connection"
    return RetryError(f"{url} {kind}.", hint="Check the address and the network; then try again.", url=url)
