"""Addresses that clients name: the gateway must not be made to ask what only this machine or its network may ask."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from sluice.errors import InputError, RetryError


@dataclass(frozen=True, slots=True)
class Outside:
    """Which addresses may be asked: public ones, and any if ``anywhere``."""

    anywhere: bool = False

    def check(self, url: str) -> None:
        """Raises InputError for an address that is not public, RetryError if the name can't be resolved."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError("The URL is not http:// or https:// with a host.")
        if self.anywhere:
            return
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 443, proto=socket.IPPROTO_TCP)
        except (OSError, UnicodeError):
            raise RetryError(f"The name {parts.hostname} can't be resolved.") from None
        for *_, address in found:
            if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
                raise InputError(
                    f"{parts.hostname} is no public address.",
                    hint="SLUICE_PRIVATE_ADDRESSES=true allows private ones.",
                )
