"""A login as arguments for httpx, which knows what it proves."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

MUTUAL_TLS, TOTP, CHALLENGE = "mutual TLS", "TOTP", "signed challenge"
BASIC, DIGEST = "basic login", "digest login"
FIRST = (MUTUAL_TLS, "OAuth 2.0", "bearer token", BASIC, DIGEST)
SECOND = (TOTP, CHALLENGE)


class Login(dict[str, Any]):
    """Arguments for ``httpx.Client`` that log in.

    ``factors``: what they prove, of ``FIRST`` and ``SECOND``. ``without``: the same login, but for some factors.
    ``files``: our certificate and its key. ``sign``: signs a challenge; it takes no part in the arguments.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        *,
        factors: Collection[str] = (),
        without: Callable[[Collection[str]], "Login"] | None = None,
        files: tuple[str, str | None] | None = None,
        sign: Callable[[bytes], bytes] | None = None,
    ) -> None:
        super().__init__(given)
        self.factors, self.files, self.sign = tuple(factors), files, sign
        self._without = without

    def without(self, factors: Collection[str]) -> "Login":
        """The login that is left."""
        return self._without(factors) if self._without else self
