"""Signed upload URLs: whoever has one may send the bytes of one upload until it expires, and nothing else."""

import hmac
import re
import time
from dataclasses import dataclass
from functools import lru_cache

_UPLOAD_ID = re.compile(r"up_(\d{1,10})_[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with a key made from this machine's secret."""

    secret: bytes

    def url(self, base: str, upload_id: str, expires: int) -> str:
        """The address to send to; ``expires`` in seconds since 1970."""
        return f"{base}/api/uploads/{upload_id}?expires={expires}&signature={self._mark(upload_id, expires)}"

    def allows(self, upload_id: str, expires: int, signature: str) -> bool:
        """Whether the signature is ours and in time."""
        right = hmac.compare_digest(self._mark(upload_id, expires), signature)
        return right and time.time() < expires

    def _mark(self, upload_id: str, expires: int) -> str:
        return hmac.digest(_key(self.secret), f"{upload_id}:{expires}".encode(), "sha256").hex()


@lru_cache(maxsize=8)
def _key(secret: bytes) -> bytes:
    return hmac.digest(secret, b"sluice upload url", "sha256")


def organization_of(upload_id: str) -> int | None:
    """The organization that an upload's id names; None if it is no such id."""
    found = _UPLOAD_ID.fullmatch(upload_id)
    return int(found[1]) if found else None
