"""The checks of a policy before the first record: what was declared, the login, the connection."""

import ssl
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from sluice.errors import RetryError, SluiceError, SourceError
from sluice.sources import http_errors
from sluice.sources.api.client import TIMEOUT
from sluice.sources.api.login import CHALLENGE, FIRST, MUTUAL_TLS, SECOND, TOTP
from sluice.sources.api.paging import first
from sluice.sources.api.secured import Connection, Secured
from sluice.sources.urls import without_secrets

REFUSED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
_HANDSHAKE = 0  # in the place of a status: refused before it


def requirements(secured: Secured) -> dict[str, Any]:
    """Whether the declaration and our login are what the policy wants; nothing is asked. Returns the factors.

    Raises PolicyRefused, which tells all that is missing.
    """
    policy, factors = secured.policy, _factors(secured)
    missing = []
    if secured.home.scheme != "https":
        missing.append("its URL does not begin with https://")
    if policy.ca and not Path(policy.ca).is_file():
        missing.append(f"there is no file {policy.ca} with the authorities to trust")
    if policy.client_certificate and MUTUAL_TLS not in factors:
        missing.append("the block has no client certificate")
    if policy.challenge and not _at_home(secured, policy.challenge.url, policy.challenge.answer_url):
        missing.append("the URLs of `challenge` are not on the endpoint's server")
    if not _at_home(secured, policy.login_url):
        missing.append("`login_url` is not on the endpoint's server")
    if policy.mfa and not set(FIRST) & set(factors):
        missing.append(f"its login has no first factor ({', '.join(FIRST)})")
    if policy.mfa and not set(SECOND) & set(factors):
        missing.append(f"its login has no second factor ({TOTP}, or a challenge key and `challenge`)")
    if missing:
        raise secured.refusal(
            f"its policy is not met: {'; '.join(missing)}.",
            "Correct the declaration, or the API Source block that it names.",
        )
    return {"factors": list(factors)}


def connection(secured: Secured) -> Connection:
    """What is negotiated with the endpoint's server; nothing is asked.

    Raises PolicyRefused, SourceError, RetryError.
    """
    shown = without_secrets(secured.source.url)

    class Enough(Exception):
        """The connection stands."""

    def stop(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(("send_connection_init.started", "send_request_headers.started")):
            raise Enough
        secured.guarded(event, info)

    with http_errors.explained(shown), _client(secured) as client, suppress(Enough):
        request = client.build_request("GET", secured.source.url)
        request.extensions["trace"] = stop
        client.send(request, stream=True, auth=None).close()
    return next(reversed(secured.seen.values()))


def authentication(secured: Secured) -> dict[str, Any]:
    """Whether the login opens the source and, where the policy wants two factors or a certificate, the server refuses
    it without. Returns what each try was answered: a status, or "handshake".

    Raises PolicyRefused, SourceError, RetryError.
    """
    policy, factors, found = secured.policy, _factors(secured), {}
    lacking: dict[str, tuple[str, ...]] = {}
    if policy.client_certificate:
        lacking["client certificate"] = (MUTUAL_TLS,)
    if policy.mfa:
        lacking |= {"first factor": FIRST, "second factor": SECOND}
    for name, without in lacking.items():
        found[f"without the {name}"] = _refused(secured, name, without)
    if factors or policy.mfa:
        status = _status(secured, ())
        if status in REFUSED:
            raise secured.refusal(
                f"the server answered {status} to our login ({', '.join(factors)}).",
                "Check the secrets of the API Source block, and the clock of this machine where TOTP is used.",
            )
        if not 200 <= status < 300:
            raise http_errors.refusal(status, without_secrets(_address(secured)))
        found["with all factors"] = status
    return found


def _refused(secured: Secured, name: str, without: Collection[str]) -> int | str:
    status = _status(secured, without)
    if status == _HANDSHAKE:
        status = _status(secured, without)  # once may be the line's fault
    if status in http_errors.RETRY_STATUS:
        raise http_errors.refusal(status, without_secrets(_address(secured)))
    certificate = _certificate_left_out(secured, without)
    if certificate and status == _HANDSHAKE:
        return "handshake"
    if status in REFUSED or (certificate and status == httpx.codes.BAD_REQUEST):
        return status
    raise secured.refusal(
        f"the server answered {status} without the {name}: it does not ask for it.",
        "Have its owner demand it, or change the policy.",
    )


def _status(secured: Secured, without: Collection[str]) -> int:
    """The status of the answer, of which nothing is read; ``_HANDSHAKE`` where a login without its certificate is
    refused there. Raises SourceError, RetryError.
    """
    ask, url = first(secured.source, None), _address(secured)
    params = {} if secured.policy.login_url else ask.params
    try:
        with (
            http_errors.explained(without_secrets(url)),
            _client(secured, without) as client,
            client.stream("GET", url, params=params or None, headers=secured.source.headers) as response,
        ):
            return response.status_code
    except (SourceError, RetryError) as error:
        if error.facts.get("status") in REFUSED:  # by what gives nonces or tokens
            return int(error.facts["status"])
        if _certificate_left_out(secured, without) and _hung_up(error):
            return _HANDSHAKE
        raise


def _certificate_left_out(secured: Secured, without: Collection[str]) -> bool:
    return MUTUAL_TLS in without and MUTUAL_TLS in secured.login.factors


def _client(secured: Secured, without: Collection[str] = ()) -> httpx.Client:
    arguments = secured.arguments(without)
    return httpx.Client(timeout=TIMEOUT, follow_redirects=True, http2=True, **arguments)


def of_tls(error: BaseException | None) -> ssl.SSLError | None:
    """What TLS said against the connection, if that is why."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def _hung_up(error: SluiceError) -> bool:
    """Whether the server ended the connection in its handshake, or as soon as it could see who we are."""
    said = of_tls(error)
    if said is not None:
        return isinstance(said, ssl.SSLEOFError) or "ALERT" in (said.reason or "")
    return isinstance(error.__cause__, httpx.RemoteProtocolError | httpx.ReadError)


def _factors(secured: Secured) -> tuple[str, ...]:
    """Of the login; a key that signs nothing is none."""
    return tuple(
        one for one in secured.login.factors if one != CHALLENGE or secured.policy.challenge is not None
    )


def _address(secured: Secured) -> str:
    return secured.policy.login_url or secured.source.url


def _at_home(secured: Secured, *urls: str) -> bool:
    home = secured.home
    return all(
        (one.scheme, one.host, one.port) == (home.scheme, home.host, home.port)
        for one in map(httpx.URL, filter(None, urls))
    )
