"""Access tokens: JWTs, signed with a key of this machine (HS256) or by an identity provider (RS256, ES256 by JWKS)."""

import secrets
import time
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt

from sluice.errors import InputError, RetryError, SetupError
from sluice.settings import Settings

ISSUER = AUDIENCE = "sluice"
_LEEWAY = 30  # seconds that clocks may differ
_MEMORY = 5.0  # seconds that a token is taken for as good as it was
_MOST = 1000  # tokens that are remembered
_SHORTEST = 32  # bytes of a secret for HS256
_TIMEOUT = 5  # seconds for the provider's keys
_KEYS = 300  # seconds that they are kept: for so long one counts that the provider has withdrawn


class Role(IntEnum):
    """What a caller may; each includes those before it."""

    viewer = 1
    """Sees jobs and rejects."""
    operator = 2
    """Also starts, cancels, pauses and retries."""
    admin = 3
    """Also sets webhooks and deletes."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for which organization."""

    user_id: int
    organization_id: int
    role: Role


class Refused(InputError):
    """No valid token. The message says why, and nothing of the token."""


class Keys:
    """What tokens are checked with: the set-up decides the algorithm, never the token."""

    def __init__(self, settings: Settings) -> None:
        self._issuer, self._audience = settings.token_issuer, settings.token_audience
        self._provider = _provider(settings.token_jwks_url) if settings.token_jwks_url else None
        self._secret = b"" if self._provider else local_secret(settings)
        self._checked: dict[str, tuple[Caller, float]] = {}

    def caller(self, token: str) -> Caller:
        """Who bears the token. Raises Refused; RetryError if the provider's keys can't be had."""
        found, until = self._checked.get(token, (None, 0.0))
        if found and time.time() < until:
            return found
        found, until = self._check(token)
        if len(self._checked) >= _MOST:
            self._checked.clear()
        self._checked[token] = found, min(until, time.time() + _MEMORY)
        return found

    def _check(self, token: str) -> tuple[Caller, float]:
        """The caller, and until when the token is good."""
        try:
            claims = self._claims(token)
            role = Role[str(claims.get("role", "viewer"))]
            found = Caller(int(claims["sub"]), int(claims["organization_id"]), role)
            return found, float(claims["exp"]) + _LEEWAY
        except jwt.ExpiredSignatureError:
            raise Refused("The token has expired.", hint="Get a new one.") from None
        except jwt.PyJWKClientConnectionError:
            raise RetryError("The keys of the identity provider can't be had for now.") from None
        except (jwt.InvalidTokenError, jwt.PyJWKClientError) as error:
            raise Refused(f"The token is not valid: {error}.", hint="Get a new one.") from None
        except (KeyError, ValueError, TypeError):
            raise Refused(
                "The token names no user, organization and role.",
                hint="It needs the claims sub, organization_id (whole numbers) and role.",
            ) from None

    def _claims(self, token: str) -> dict[str, Any]:
        key: Any = self._secret
        algorithms = ["HS256"]
        if self._provider:
            key, algorithms = self._provider.get_signing_key_from_jwt(token), ["RS256", "ES256"]
        return jwt.decode(
            token,
            key,
            algorithms=algorithms,
            issuer=self._issuer,
            audience=self._audience,
            leeway=_LEEWAY,
            options={"require": ["exp", "sub", "organization_id"]},
        )


@lru_cache(maxsize=4)
def _provider(url: str) -> jwt.PyJWKClient:
    return jwt.PyJWKClient(url, cache_keys=False, lifespan=_KEYS, timeout=_TIMEOUT)


def local_secret(settings: Settings) -> bytes:
    """The key of this machine: the setting, or a file that is made where it lacks. Raises SetupError."""
    if settings.token_secret:
        secret = settings.token_secret.get_secret_value().encode()
        if len(secret) < _SHORTEST:
            raise SetupError(
                f"SLUICE_TOKEN_SECRET has less than {_SHORTEST} bytes.", hint="Take a random one."
            )
        return secret
    path = settings.root / "keys" / "tokens"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return made(path, secrets.token_urlsafe(48).encode())


def made(path: Path, key: bytes) -> bytes:
    """The new key in the file, which only its owner may read, or that which another process put there first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    partial.touch(mode=0o600)
    partial.write_bytes(key)
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        pass
    finally:
        partial.unlink()
    return path.read_bytes()


def mint(settings: Settings, caller: Caller, seconds: float) -> str:
    """A token of this machine. Raises SetupError where an identity provider signs."""
    if settings.token_jwks_url:
        raise SetupError(
            "Tokens come from your identity provider here (SLUICE_TOKEN_JWKS_URL).", hint="Ask it for one."
        )
    now = int(time.time())
    claims = {
        "iss": settings.token_issuer,
        "aud": settings.token_audience,
        "iat": now,
        "exp": now + int(seconds),
        "sub": str(caller.user_id),
        "organization_id": caller.organization_id,
        "role": caller.role.name,
    }
    return jwt.encode(claims, local_secret(settings), algorithm="HS256")
