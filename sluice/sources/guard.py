"""Which addresses may be asked: public ones, and what is allowed besides. Looked at before a name is asked, and at each
connection before anything is sent, for a name may mean another address by then.
"""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sluice.errors import InputError, RetryError, SetupError
from sluice.settings import Settings

HINT = "SLUICE_PRIVATE_ADDRESSES=true allows private ones, SLUICE_ALLOWED_ADDRESSES some of them."
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Unresolved(RetryError):
    """The name has no address, for now or for ever."""


@dataclass(frozen=True, slots=True)
class Guard:
    """``anywhere`` allows any address, ``allowed`` these networks."""

    anywhere: bool = False
    allowed: tuple[Network, ...] = ()

    @classmethod
    def of(cls, anywhere: bool, allowed: str = "") -> "Guard":
        """``allowed``: networks or addresses, separated by commas. Raises ValueError."""
        networks = (
            ipaddress.ip_network(one.strip(), strict=False) for one in allowed.split(",") if one.strip()
        )
        return cls(anywhere, tuple(networks))

    @classmethod
    def from_settings(cls, settings: Settings) -> "Guard":
        """What the settings allow. Raises SetupError."""
        try:
            return cls.of(settings.private_addresses, settings.allowed_addresses)
        except ValueError as cause:
            raise SetupError.of(cause, hint="Correct SLUICE_ALLOWED_ADDRESSES.") from cause

    def check(self, url: str) -> None:
        """Raises InputError for an address that may not be asked, Unresolved for a name without one."""
        host, port = _host(url)
        if self.anywhere:
            return
        try:
            found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
        except (OSError, UnicodeError):
            hint = "Check its spelling and this machine's network; then try again."
            raise Unresolved(f"The name {host[:253]} can't be resolved.", hint=hint) from None
        for *_, address in found:
            self._check(str(address[0]), host)

    def named(self, url: str) -> "Guard":
        """The guard for a URL that its user may ask wherever it is: only from a public one it leads to no other."""
        try:
            self.check(url)
        except (InputError, RetryError):
            return Guard(anywhere=True)
        return self

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """For httpx's extension of that name: hangs up on an address that may not be asked. Raises InputError."""
        if event == "connection.connect_tcp.complete" and not self.anywhere:
            stream = info["return_value"]
            address = stream.get_extra_info("server_addr")
            try:
                self._check(str(address[0]), str(address[0]))
            except InputError:
                stream.close()
                raise

    def _check(self, address: str, host: str) -> None:
        found = _meant(ipaddress.ip_address(address.partition("%")[0]))
        if not found.is_global and not any(found in network for network in self.allowed):
            raise InputError(f"{host} is no public address.", hint=HINT)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def _host(url: str) -> tuple[str, int]:
    wrong = InputError("The URL is not http:// or https:// with a host.")
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:  # a bracket without its other, a port that is no number
        raise wrong from None
    raise wrong
