"""The ports that the platform needs: free, or taken by something that its start stops."""

import socket

from deployments import api, local
from deployments.settings import PlatformSettings
from deployments.state import PlatformState
from sluice.errors import SetupError


def check(settings: PlatformSettings, *, replaceable: bool = False) -> None:
    """Raises SetupError if the server or the gateway could not listen on its port.

    ``replaceable``: one of ours there is no hindrance if the start is going to stop it.
    """
    if (cause := _taken(settings.host, settings.port)) and not (replaceable and _server_gives_way(settings)):
        who, way_out = "another program", "Stop it"
        if local.is_shared(settings.root, settings.api_url):
            who, way_out = "a Prefect server that a command still uses", "Wait until it is done"
        elif api.answers(settings.api_url, seconds=1):
            who = "a Prefect server"
        raise _refusal(settings.host, settings.port, f"{who} ({cause.strerror})", way_out, "SLUICE_PORT")
    host, port = settings.gateway_host, settings.gateway_port
    if (cause := _taken(host, port)) and not (replaceable and _is_left(settings, "gateway")):
        who = f"another program ({cause.strerror})"
        raise _refusal(host, port, who, "Stop it", "SLUICE_GATEWAY_PORT", "the gateway is to listen there")


def _refusal(host: str, port: int, who: str, way_out: str, setting: str, what: str = "") -> SetupError:
    return SetupError(
        f"Port {port} of {host} is taken by {who}{what and f'; {what}'}.",
        hint=f"{way_out}, or take another port: {setting}={port + 1} make up",
        port=port,
    )


def _taken(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as cause:
            return cause
    return None


def _server_gives_way(settings: PlatformSettings) -> bool:
    """Whether the start stops the server at our address: a killed platform's, or a shared one that none uses."""
    left = PlatformState.read(settings.root)
    if left and left.api_url == settings.api_url and _is_left(settings, "server"):
        return True
    with local.unused(settings.root) as free:
        return free and local.is_shared(settings.root, settings.api_url)


def _is_left(settings: PlatformSettings, name: str) -> bool:
    """Whether a child of a killed platform still runs, which the start ends."""
    left = PlatformState.read(settings.root)
    return bool(left and any(item.name == name and item.find() for item in left.processes))
