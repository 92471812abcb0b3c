"""The key that signs anchors of the audit log and reports (Ed25519). It is never in the warehouse."""

import base64
import hashlib
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sluice.errors import SetupError
from sluice.security.tokens import made
from sluice.settings import Settings

_BYTES = 32


@dataclass(frozen=True, slots=True)
class AnchorKeys:
    """The key that signs here, and the public ones that count."""

    own: Ed25519PrivateKey
    trusted: dict[str, Ed25519PublicKey]

    @classmethod
    def from_settings(cls, given: Settings) -> "AnchorKeys":
        """The key of the settings, or that of this machine, which is made where it lacks. Raises SetupError."""
        own = Ed25519PrivateKey.from_private_bytes(_private(given))
        texts = [text.strip() for text in given.audit_trusted_keys.split(",") if text.strip()]
        others = [
            Ed25519PublicKey.from_public_bytes(_decoded(text, "SLUICE_AUDIT_TRUSTED_KEYS")) for text in texts
        ]
        return cls(own, {key_id(one): one for one in (own.public_key(), *others)})

    @property
    def key_id(self) -> str:
        """Names the key that signs here."""
        return key_id(self.own.public_key())

    @property
    def public(self) -> str:
        """The public part of the key that signs here, for SLUICE_AUDIT_TRUSTED_KEYS of other machines."""
        return base64.b64encode(self.own.public_key().public_bytes_raw()).decode()

    def proves(self, by: str, signature: bytes, statement: bytes) -> bool:
        """Whether the trusted key named ``by`` signed the statement."""
        if by not in self.trusted:
            return False
        try:
            self.trusted[by].verify(signature, statement)
        except InvalidSignature:
            return False
        return True


def key_id(key: Ed25519PublicKey) -> str:
    """16 hex digits of the key's hash."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _private(given: Settings) -> bytes:
    if given.audit_key:
        return _decoded(given.audit_key.get_secret_value(), "SLUICE_AUDIT_KEY")
    path = given.root / "keys" / "audit"
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        found = made(path, base64.b64encode(secrets.token_bytes(_BYTES)))
    return _decoded(found.decode("ascii", "replace"), str(path))


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise SetupError(
            f"{where} holds no key: it needs {_BYTES} bytes in Base64.",
            hint="`openssl rand -base64 32` makes a private one; `sluice audit verify` prints the public one.",
        )
    return key
