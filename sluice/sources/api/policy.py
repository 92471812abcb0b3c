"""What a source must keep to before it is read: its security policy, declared under ``security``."""

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Level = Literal["public", "internal", "confidential", "restricted"]
LEVELS: tuple[Level, ...] = ("public", "internal", "confidential", "restricted")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HTTPS = r"^(https://[^/?#@]+[^?#@]*)?$"


class Challenge(BaseModel):
    """How the server has us prove that we hold a key: it gives a nonce, we sign it, it gives a session's token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        pattern=r"^https://[^/?#@]+[^?#@]*$",
        description="Where a POST gives the nonce; on the server of the endpoint.",
    )
    answer_url: str = Field(
        default="", pattern=_HTTPS, description="Where the signed nonce is posted to; empty: to the same URL."
    )
    key_id: str = Field(
        default="", description="Which key it is that signs, as `key_id`; empty: nothing is said."
    )
    nonce: str = Field(
        default="nonce", min_length=1, description="Field of the nonce, in what comes and goes."
    )
    signature: str = Field(
        default="signature",
        min_length=1,
        description="Field of our signature of the nonce's text: base64url, Ed25519 or ECDSA with SHA-256.",
    )
    session: str = Field(
        default="token", min_length=1, description="Field of the session's token, in what comes."
    )
    header: str = Field(
        default="X-Session-Token", min_length=1, description="Header that takes it, with each request."
    )


class SecurityPolicy(BaseModel):
    """What is asked of a source and of our login, before the first record. Without any field: https, TLS 1.2."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tls_min: Literal["1.2", "1.3"] = Field(default="1.2", description="Lowest version of TLS that is spoken.")
    ca: str = Field(
        default="",
        description="File, on the worker, with the only authorities to trust (PEM); empty: those of the block.",
    )
    fingerprints: tuple[str, ...] = Field(
        default=(),
        description="SHA-256, in hexadecimal, of the server's certificate or of its public key: one of them must fit.",
    )
    client_certificate: bool = Field(
        default=False, description="Mutual TLS: the block has a certificate, and the server asks for it."
    )
    mfa: bool = Field(
        default=False,
        description="Two factors: a login (OAuth 2.0, certificate, token, password) with TOTP or a signed challenge;"
        " the server must refuse either alone.",
    )
    challenge: Challenge | None = Field(
        default=None, description="How the signed challenge goes, where that is the second factor."
    )
    login_url: str = Field(
        default="",
        pattern=_HTTPS,
        description="What is asked to prove the login; empty: the endpoint, of whose answer nothing is read.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts that may be asked beside the endpoint's own, such as one that gives tokens.",
    )
    ceiling: Level | None = Field(
        default=None,
        description="Highest level that may be stored in plain; the contract has what is found above it encrypted.",
    )
    retention_days: int | None = Field(
        default=None, ge=1, description="Days that rejected records are kept; maintenance removes older ones."
    )

    @field_validator("tls_min", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, float) else value

    @field_validator("fingerprints")
    @classmethod
    def _plain(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple(one.lower().removeprefix("sha256:").replace(":", "") for one in value)
        if wrong := [one for one in plain if not _SHA256.fullmatch(one)]:
            raise ValueError(f"{wrong[0]} is no SHA-256 in hexadecimal (64 digits).")
        return plain

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [one for one in value if not one or re.search(r"[/@*\s]", one)]:
            raise ValueError(f"'{wrong[0]}' is no host; write it as login.example.org.")
        return tuple(one.lower() for one in value)
