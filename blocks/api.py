"""The block that keeps the login of a web API."""

import logging
import ssl
from collections.abc import Collection
from contextvars import copy_context
from typing import Self, cast

import httpx
import pyotp
from prefect.exceptions import PrefectException
from pydantic import Field, PrivateAttr, SecretStr, model_validator

from blocks.sources import HttpSource
from sluice.errors import SetupError
from sluice.sources.api.challenge import signer
from sluice.sources.api.digest import Digest
from sluice.sources.api.login import BASIC, CHALLENGE, DIGEST, MUTUAL_TLS, TOTP, Login
from sluice.sources.api.oauth import Grant, OAuth2

_log = logging.getLogger(__name__)
# The fields that make each factor; the first tells whether it is there.
_FACTORS: dict[str, tuple[str, ...]] = {
    MUTUAL_TLS: ("cert_file", "key_file"),
    "OAuth 2.0": ("token_url",),
    "bearer token": ("token",),
    BASIC: ("username", "password"),
    DIGEST: ("digest", "username", "password"),
    TOTP: ("totp_secret",),
    CHALLENGE: ("challenge_key",),
}


class ApiSource(HttpSource):
    """A web API, with what it asks for.

    The secrets are sent to this server only, whatever it redirects to.

    Example:
        ```python
        from blocks import ApiSource

        ApiSource(base_url="https://api.example.org", query={"api_key": "..."}).save("crm")
        ```
    """

    _block_type_name = "API Source"
    _block_type_slug = "api-source"

    query: dict[str, SecretStr] = Field(
        default_factory=dict, description="Query parameters that are secret, such as an API key."
    )
    cert_file: str | None = Field(
        default=None,
        title="Client certificate",
        description="File, on the worker, with our certificate (PEM).",
    )
    key_file: str | None = Field(
        default=None, title="Client key", description="File, on the worker, with the key of our certificate."
    )

    digest: bool = Field(
        default=False,
        description="Whether username and password are a digest login (RFC 7616), not a basic one: the server gets no"
        " password, but a hash of it with its nonce.",
    )

    token_url: str = Field(
        default="", title="Token URL", description="OAuth 2.0: where access tokens are had; empty: no OAuth."
    )
    client_id: str = Field(default="", title="Client id", description="OAuth 2.0: who we are.")
    client_secret: SecretStr | None = Field(default=None, description="OAuth 2.0: the client's secret.")
    scope: str = Field(default="", description="OAuth 2.0: scopes to ask for, separated by spaces.")
    audience: str = Field(default="", description="OAuth 2.0: the audience, where the server wants one.")
    refresh_token: SecretStr | None = Field(
        default=None,
        description="OAuth 2.0: a refresh token; none: client credentials. Replaced here where the server does.",
    )
    secret_in_body: bool = Field(
        default=False, description="OAuth 2.0: whether id and secret go in the form, not as a basic login."
    )
    totp_secret: SecretStr | None = Field(
        default=None, title="TOTP secret", description="Second factor: the shared secret, in base 32."
    )
    totp_header: str = Field(
        default="X-OTP", min_length=1, title="TOTP header", description="Second factor: where its code goes."
    )

    challenge_key: SecretStr | None = Field(
        default=None,
        title="Challenge key",
        description="Second factor: the private key (PEM, Ed25519 or ECDSA) that signs the server's challenges; how"
        " they go is declared in the source's policy.",
    )

    _oauth: OAuth2 | None = PrivateAttr(None)  # one for all clients: a refresh token may be good once

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.token_url and (self.token or self.username):
            raise ValueError("Give either OAuth 2.0, or a token or username.")
        if self.token_url and not (self.client_id and self.client_secret):
            raise ValueError("OAuth 2.0 needs a client id and secret.")
        if self.digest and not self.username:
            raise ValueError("A digest login needs a username and a password.")
        return self

    def secrets_for(self, url: str) -> Login:
        """Arguments for ``httpx.Client`` that ask ``url``. Raises SetupError for another server's URL."""
        given = super().secrets_for(url)
        if self.cert_file:
            context = ssl.create_default_context() if given["verify"] is True else given["verify"]
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except OSError as cause:
                raise SetupError.of(
                    cause, hint="Correct the block's client certificate.", file=self.cert_file
                ) from None
            given["verify"] = context
        if self.token_url and self.client_secret:
            if not self._oauth:
                here = copy_context()  # other threads know no Prefect server
                self._oauth = OAuth2(
                    self._grant(self.client_secret), self.base_url, lambda token: here.run(self._keep, token)
                )
            given["auth"] = self._oauth
        if self.digest and self.username:
            password = self.password.get_secret_value() if self.password else ""
            given["auth"] = Digest(self.username, password, self.base_url)
        return Login(
            given,
            factors=self._factors(),
            without=lambda factors: self._without(factors).secrets_for(url),
            files=(self.cert_file, self.key_file) if self.cert_file else None,
            sign=signer(self.challenge_key.get_secret_value()) if self.challenge_key else None,
        )

    def _factors(self) -> list[str]:
        found = [name for name, fields in _FACTORS.items() if getattr(self, fields[0])]
        return [name for name in found if not (name == BASIC and self.digest)]

    def _headers(self) -> dict[str, str]:
        headers = super()._headers()
        if self.digest:
            del headers["Authorization"]
        return headers

    def _without(self, factors: Collection[str]) -> Self:
        fields = [name for factor in factors for name in _FACTORS.get(factor, ())]
        return self.model_copy(update={name: type(self).model_fields[name].default for name in fields})

    def _grant(self, secret: SecretStr) -> Grant:
        return Grant(
            token_url=self.token_url,
            client_id=self.client_id,
            client_secret=secret.get_secret_value(),
            scope=self.scope,
            audience=self.audience,
            refresh_token=self.refresh_token.get_secret_value() if self.refresh_token else "",
            in_body=self.secret_in_body,
        )

    def _keep(self, refresh_token: str) -> None:
        """Save what the server gave in the place of the block's refresh token, for the next run."""
        self.refresh_token = SecretStr(refresh_token)
        if not (name := self._block_document_name):
            return
        try:
            stored = cast(Self, type(self).load(name))
            stored.refresh_token = self.refresh_token
            stored.save(name, overwrite=True)
        except (PrefectException, httpx.HTTPError, ValueError) as trouble:
            # Its text may hold what the block has.
            _log.warning(
                "The server replaced the refresh token of the block %s, which could not be saved (%s); when the next"
                " run is refused, give the block a new one.",
                name,
                type(trouble).__name__,
            )

    def _sign(self, request: httpx.Request) -> None:
        super()._sign(request)
        if self.totp_secret and self._at_home(request):
            request.headers[self.totp_header] = pyotp.TOTP(self.totp_secret.get_secret_value()).now()
        if self.query and self._at_home(request):
            secret = {name: value.get_secret_value() for name, value in self.query.items()}
            request.url = request.url.copy_merge_params(secret)
