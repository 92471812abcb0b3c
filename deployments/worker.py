"""The worker of the local platform: imports while the server starts, then polls the pool ``sluice``."""

import sys

from prefect.cli import app as prefect_cli
from prefect.settings import get_current_settings

from deployments.api import wait_for, wait_for_pool
from deployments.settings import POOL, WORKER, PlatformSettings
from deployments.warm import worker as _waking_worker  # noqa: F401  takes the place of Prefect's process worker
from sluice import garbage


def main() -> None:
    """Run ``prefect worker start`` in this process, as soon as the pool is there."""
    garbage.settle()
    url = get_current_settings().api.url or PlatformSettings().api_url
    wait_for(url)
    wait_for_pool(url, POOL)
    limit = str(PlatformSettings().concurrency)
    sys.argv = ["prefect", "worker", "start", "--pool", POOL, "--name", WORKER, "--type", "process"]
    sys.argv += ["--limit", limit, "--install-policy", "never", "--no-create-pool-if-not-found"]
    prefect_cli()


if __name__ == "__main__":
    main()
