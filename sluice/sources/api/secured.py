"""A source's login under its policy: each request and each connection is looked at before anything is sent."""

import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.request import getproxies

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from sluice.errors import PolicyRefused, SetupError
from sluice.sources.api.challenge import SignedChallenge
from sluice.sources.api.client import TIMEOUT, hang_up_in_time
from sluice.sources.api.login import Login
from sluice.sources.api.policy import SecurityPolicy
from sluice.sources.guard import Guard
from sluice.sources.model import ApiSource
from sluice.sources.urls import without_secrets

SOON = 30  # days before its end at which a certificate is told
_TLS_1_2 = ("TLSv1.2", "TLSv1.3")
Trace = Callable[[str, Mapping[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Connection:
    """What was negotiated with a server, and its certificate. ``not_after``: ISO 8601; hashes in hexadecimal."""

    host: str
    tls: str
    cipher: str
    subject: str
    issuer: str
    certificate_sha256: str
    public_key_sha256: str
    not_after: str

    @classmethod
    def of(cls, line: ssl.SSLObject) -> "Connection":
        """The connection as it stands after its handshake."""
        encoded = line.getpeercert(True) or b""
        certificate = load_der_x509_certificate(encoded)
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(
            host=str(line.server_hostname),
            tls=str(line.version()),
            cipher=(line.cipher() or ("",))[0],
            subject=certificate.subject.rfc4514_string(),
            issuer=certificate.issuer.rfc4514_string(),
            certificate_sha256=sha256(encoded).hexdigest(),
            public_key_sha256=sha256(key).hexdigest(),
            not_after=certificate.not_valid_after_utc.isoformat(),
        )

    @property
    def warnings(self) -> list[str]:
        """That its certificate ends soon."""
        end = datetime.fromisoformat(self.not_after)
        days = (end - datetime.now(UTC)).days
        return (
            [f"The certificate of {self.host} ends on {end:%Y-%m-%d}, in {days} days."] if days < SOON else []
        )

    def as_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return asdict(self)


class Secured:
    """Client arguments for one source under its policy. ``seen``: the connections that were found good."""

    def __init__(
        self, source: ApiSource, policy: SecurityPolicy, login: Mapping[str, Any] | None, guard: Guard
    ) -> None:
        self.source, self.policy, self.guard = source, policy, guard
        self.login = login if isinstance(login, Login) else Login(login or {})
        self.home = httpx.URL(source.url)
        self.hosts = {self.home.host, *policy.allowed_hosts}
        self.seen: dict[str, Connection] = {}

    def arguments(self, without: Collection[str] = ()) -> dict[str, Any]:
        """For ``httpx.Client``, ``without`` some factors of the login. Raises SetupError."""
        login = self.login.without(without) if without else self.login
        hooks: Mapping[str, list[Any]] = login.get("event_hooks", {})
        given = {**login, "event_hooks": {**hooks, "request": [self._before, *hooks.get("request", [])]}}
        if self.policy.ca:
            given["verify"] = _trusting(self.policy.ca, login)
        if self.policy.challenge and login.sign:
            given["auth"] = SignedChallenge(self.policy.challenge, login.sign, self.home, login.get("auth"))
        return given

    def refusal(self, what: str, hint: str) -> PolicyRefused:
        """The error for what the policy does not allow; both are sentences."""
        shown = without_secrets(self.source.url)
        return PolicyRefused(f"{shown}: {what}", hint=hint, url=shown)

    def _before(self, request: httpx.Request) -> None:
        """httpx calls it for each request, those of redirects and logins too."""
        self.guard.check(str(request.url))
        if request.url.scheme != "https":
            raise self.refusal(
                f"{without_secrets(str(request.url))} is not encrypted.",
                "Its policy wants https:// everywhere.",
            )
        if request.url.host not in self.hosts:
            raise self.refusal(
                f"its policy does not allow the host {request.url.host}.",
                "If it is to be asked, add it to `allowed_hosts`.",
            )
        request.extensions.setdefault("timeout", TIMEOUT.as_dict())  # a login's has none
        if not isinstance(request.extensions.get("trace"), _Looking):
            request.extensions["trace"] = _Looking(self, request.extensions.get("trace") or self.guarded)

    def guarded(self, event: str, info: Mapping[str, Any]) -> None:
        """For httpx's extension ``trace``: as each connection of ours is watched."""
        if not getproxies():  # what a proxy asks, it decides
            self.guard.trace(event, info)
        hang_up_in_time(event, info)

    def look(self, stream: Any) -> None:
        """Hang up on a connection that the policy does not allow. Raises PolicyRefused."""
        line: ssl.SSLObject = stream.get_extra_info("ssl_object")
        if getproxies() and line.server_hostname not in self.hosts:
            return  # that to the proxy, through which another one goes
        found = Connection.of(line)
        if wrong := self._wrong(found):
            stream.close()
            raise self.refusal(*wrong)
        self.seen[f"{found.tls} {found.certificate_sha256}"] = found

    def _wrong(self, found: Connection) -> tuple[str, str] | None:
        if found.tls not in _TLS_1_2 or (self.policy.tls_min == "1.3" and found.tls != "TLSv1.3"):
            return (
                f"{found.host} speaks {found.tls}, its policy wants TLS {self.policy.tls_min} at least.",
                "Have its owner switch the newer version on.",
            )
        pins = self.policy.fingerprints
        if pins and not {found.certificate_sha256, found.public_key_sha256} & set(pins):
            return (
                f"{found.host} shows a certificate with the SHA-256 {found.certificate_sha256}, which its policy does"
                " not name.",
                "If its owner has renewed it, and says so by another way, add the new one to `fingerprints`.",
            )
        return None


class _Looking:
    """httpx's extension ``trace``: what was there first, then a look at each connection with TLS."""

    def __init__(self, secured: Secured, inner: Trace) -> None:
        self._secured, self._inner = secured, inner

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        self._inner(event, info)
        if event.endswith("start_tls.complete"):
            self._secured.look(info["return_value"])


def _trusting(ca: str, login: Login) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as cause:  # ssl's errors too
        raise SetupError.of(cause, hint="Correct `ca` of the source's policy.", file=ca) from None
    if login.files:
        context.load_cert_chain(*login.files)
    return context
