"""Serves the gateway: ``python -m gateway.serve``."""

import gc

import uvicorn

from gateway.app import create_app
from gateway.settings import GatewaySettings


def main() -> None:
    """Serve until a signal says stop. Requests are not logged: their URLs may be signed."""
    settings = GatewaySettings()
    app = create_app(settings)
    gc.collect()
    gc.freeze()  # what stands as long as the gateway does: each look through it would hold up all requests
    gc.set_threshold(50_000, 20, 20)  # what a request makes is gone with it
    uvicorn.run(
        app,
        host=settings.gateway_host,
        port=settings.gateway_port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
