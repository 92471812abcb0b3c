"""Signed upload URLs: whoever has one may send the bytes of one upload until it expires, and nothing else."""

import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

_UPLOAD_ID = re.compile(r"up_(\d{1,10})_[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with a key made from this machine's secret."""

    secret: bytes

    def url(self, base: str, upload_id: str, expires: int) -> str:
        """The address to send to; ``expires`` in seconds since 1970."""
        query = urlencode({"expires": expires, "signature": self._mark(upload_id, expires)})
        return f"{base}/api/uploads/{upload_id}?{query}"

    def allows(self, upload_id: str, expires: int, signature: str) -> bool:
        """Whether the signature is ours and in time."""
        right = hmac.compare_digest(self._mark(upload_id, expires), signature)
        return right and time.time() < expires

    def _mark(self, upload_id: str, expires: int) -> str:
        key = hmac.digest(self.secret, b"sluice upload url", hashlib.sha256)
        return hmac.new(key, f"{upload_id}:{expires}".encode(), hashlib.sha256).hexdigest()


def organization_of(upload_id: str) -> int | None:
    """The organization that an upload's id names; None if it is no such id."""
    found = _UPLOAD_ID.fullmatch(upload_id)
    return int(found[1]) if found else None
