"""The warehouse's address as the user gave it: judged before anything is tried, and never shown while in doubt.

A password whose special characters are not escaped ends up in the host, the port or the database's name, so a
refusal repeats none of them.
"""

import socket

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from sluice.errors import SetupError

FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


def checked(url: str) -> str:
    """The address as libpq reads it, from a libpq or SQLAlchemy URL or the ``key=value`` form.

    Raises SetupError for what no server can have.
    """
    scheme, separator, rest = url.strip().partition("://")
    if not scheme:
        hint = f"Give it as {FORM}, or unset it to use the embedded server."
        raise SetupError("SLUICE_DATABASE_URL is empty.", hint=hint)
    if separator and scheme.split("+")[0] in ("postgresql", "postgres"):
        url = f"postgresql://{rest}"
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        # libpq's own message would repeat the URL, password included.
        raise SetupError("SLUICE_DATABASE_URL is not a PostgreSQL URL.", hint=f"Give it as {FORM}.") from None
    if separator and rest.partition("?")[0].count("@") > 1:
        hint = "Write an @ of the password as %40, and its other special characters in the same way."
        raise SetupError("SLUICE_DATABASE_URL has more than one @.", hint=hint)
    _check_ports(given.get("port", ""))
    _check_hosts(given.get("host", ""))
    return url


def _check_ports(ports: str) -> None:
    for port in ports.split(","):
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise SetupError(
                "The port in SLUICE_DATABASE_URL is not a number from 1 to 65535.",
                hint=f"Give the URL as {FORM}; special characters of the password as %XX.",
            )


def _check_hosts(hosts: str) -> None:
    for host in hosts.split(","):
        try:
            host.encode("idna")
        except UnicodeError:
            if not host.startswith("/"):
                raise SetupError(
                    "The host in SLUICE_DATABASE_URL is not a host name.", hint=f"Give the URL as {FORM}."
                ) from None


def refused(said: str, conninfo: str, where: str) -> SetupError | None:
    """Why no server at this address can ever answer; None if one may. ``said``: libpq's words on the failure."""
    if pq.PGconn.ping(conninfo.encode()) == pq.Ping.NO_ATTEMPT:
        return SetupError(
            f"SLUICE_DATABASE_URL has an option that can't be used: {said.strip().splitlines()[-1]}.",
            hint="Correct or remove it.",
            server=where,
        )
    given = conninfo_to_dict(conninfo)
    names = [name for name in str(given.get("host") or "").split(",") if name and not name.startswith("/")]
    if given.get("hostaddr") or not names or not all(map(_unknown, names)):
        return None
    return SetupError(
        f"No host is known by the name {', '.join(names)}.",
        hint="Correct the host in SLUICE_DATABASE_URL.",
        server=where,
    )


def _unknown(name: str) -> bool:
    """Whether the name service denies the name; one that can't answer for now does not."""
    try:
        socket.getaddrinfo(name, None)
    except socket.gaierror as error:
        return error.errno == socket.EAI_NONAME
    return False
