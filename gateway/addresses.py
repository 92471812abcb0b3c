"""Addresses that clients name: the gateway must not be made to ask what only this machine or its network may ask."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from sluice.errors import InputError, RetryError


class Unresolved(RetryError):
    """The name has no address, for now or for ever."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Which addresses may be asked: public ones, and any if ``anywhere``."""

    anywhere: bool = False

    def check(self, url: str) -> None:
        """Raises InputError for an address that is not public, Unresolved for a name without one."""
        host, port = _host(url)
        if self.anywhere:
            return
        try:
            found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
        except (OSError, UnicodeError):
            raise Unresolved(f"The name {host[:253]} can't be resolved.") from None
        for *_, address in found:
            if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
                raise InputError(
                    f"{host} is no public address.",
                    hint="SLUICE_PRIVATE_ADDRESSES=true allows private ones.",
                )


def _host(url: str) -> tuple[str, int]:
    wrong = InputError("The URL is not http:// or https:// with a host.")
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.hostname, parts.port or 443
    except ValueError:  # a bracket without its other, a port that is no number
        raise wrong from None
    raise wrong
