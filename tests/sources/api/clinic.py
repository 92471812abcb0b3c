"""An API of patients behind TLS on this machine, as strict as it is told to be; it counts what it is asked."""

import secrets
import ssl
import threading
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
import trustme
import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from stdnum import luhn


def with_digit(payment_card: str) -> str:
    """The number with its check digit."""
    return payment_card + luhn.calc_check_digit(payment_card)


PATIENTS = [
    {
        "no": f"P-{number:05d}",
        "mail": f"patient{number}@example.org",
        "card": with_digit(f"4539{number * 7919 + 10**10:011d}"),
        "ward": f"ward {number % 4}",
    }
    for number in range(30)
]


@dataclass
class Clinic:
    """``wants``: what opens it, of token, otp and session. ``good_for``: requests of a session."""

    wants: set[str] = field(default_factory=set)
    otp: str = field(default_factory=pyotp.random_base32)
    public_key: Any = None
    good_for: int = 1000
    stale: bool = False  # its nonces have ended when they are answered
    moved: str = ""  # where the patients are now
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    nonces: set[str] = field(default_factory=set)
    sessions: dict[str, int] = field(default_factory=dict)
    tls: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def _opens(self, request: Request, wanted: set[str]) -> bool:
        given = request.headers
        if "token" in wanted and given.get("authorization") != "Bearer tok-1":
            return False
        if "otp" in wanted and not pyotp.TOTP(self.otp).verify(given.get("x-otp", ""), valid_window=1):
            return False
        if "session" in wanted:
            session = given.get("x-session-token", "")
            if self.sessions.get(session, 0) < 1:
                return False
            self.sessions[session] -= 1
        return True

    async def patients(self, request: Request) -> Response:
        self.asked["patients"] += 1
        if self.moved:
            return RedirectResponse(self.moved)
        if not self._opens(request, self.wants):
            return JSONResponse({"error": "who are you?"}, 401)
        return JSONResponse(PATIENTS)

    async def me(self, request: Request) -> Response:
        self.asked["me"] += 1
        return JSONResponse({}, 200 if self._opens(request, self.wants) else 401)

    async def challenge(self, request: Request) -> Response:
        """A nonce; and a session for who has signed it."""
        self.asked["challenge"] += 1
        if not self._opens(request, self.wants - {"session", "otp"}):
            return JSONResponse({}, 401)
        told = await request.json()
        if "nonce" not in told:
            self.nonces.add(made := secrets.token_urlsafe(16))
            return JSONResponse({"nonce": made})
        signature = urlsafe_b64decode(told["signature"] + "==")
        try:
            if isinstance(self.public_key, EllipticCurvePublicKey):
                self.public_key.verify(signature, told["nonce"].encode(), ECDSA(SHA256()))
            else:
                self.public_key.verify(signature, told["nonce"].encode())
        except InvalidSignature:
            return JSONResponse({"error": "wrong signature"}, 401)
        if told["nonce"] not in self.nonces or self.stale:
            return JSONResponse({"error": "expired nonce"}, 401)
        self.nonces.remove(told["nonce"])
        self.sessions[made := secrets.token_urlsafe(16)] = self.good_for
        return JSONResponse({"token": made})

    def shows(self, certificate: trustme.LeafCert) -> None:
        """From the next connection on it has this certificate."""
        certificate.configure_cert(self.tls)

    def demands(self, authority: trustme.CA) -> None:
        """From the next connection on it wants a client's certificate of this authority."""
        authority.configure_trust(self.tls)
        self.tls.verify_mode = ssl.CERT_REQUIRED


@contextmanager
def served(clinic: Clinic, certificate: trustme.LeafCert, folder: Path) -> Iterator[Clinic]:
    """The clinic at a port of its own, for the block."""
    (folder / "server.pem").write_bytes(
        certificate.private_key_pem.bytes() + b"".join(one.bytes() for one in certificate.cert_chain_pems)
    )
    routes = [
        Route("/patients", clinic.patients),
        Route("/me", clinic.me),
        Route("/challenge", clinic.challenge, methods=["POST"]),
    ]
    config = uvicorn.Config(
        Starlette(routes=routes),
        host="127.0.0.1",
        port=0,
        log_level="critical",
        lifespan="off",
        ssl_certfile=str(folder / "server.pem"),
    )
    config.load()
    assert config.ssl
    clinic.tls = config.ssl
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    clinic.url = f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield clinic
    finally:
        server.should_exit = True
        thread.join(10)
