"""Tells a Prefect server about Sluice: work pool, queues, blocks, automations, deployments. Safe to repeat.

``python -m deployments.register`` speaks to the server of ``PREFECT_API_URL``.
"""

import asyncio
import os
import sys

from prefect.cli import app as prefect_cli
from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

from blocks.register import ensure_blocks
from deployments.api import wait_for
from deployments.automations import ensure_automations
from deployments.pool import ensure_pool
from deployments.settings import PROJECT
from sluice.errors import SetupError
from sluice.jobs.recovery import recover
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse


async def register_services() -> None:
    """Make the pool, its queues, the blocks and the automations where missing."""
    async with get_client() as client:
        await ensure_pool(client)
        await asyncio.gather(ensure_blocks(client), ensure_automations(client))


def register_deployments() -> None:
    """Do what ``prefect deploy --all`` does, in this process: another one would spend seconds on imports.

    Raises SetupError if a deployment is refused; Prefect has printed why.
    """
    os.chdir(PROJECT)
    sys.argv = ["prefect", "--no-prompt", "deploy", "--all", "--prefect-file", "prefect.yaml"]
    try:
        prefect_cli()
    except SystemExit as end:
        if end.code:
            raise SetupError("Prefect refused a deployment of prefect.yaml.") from None


def prepare_warehouse() -> None:
    """Bring the warehouse to the newest schema; end the jobs that a killed worker left behind."""
    recover(Warehouse.from_settings().prepare(), settings().stage_dir)


def main() -> None:
    """Prepare the warehouse while the server starts, then register everything."""
    prepare_warehouse()
    if not (url := get_current_settings().api.url):
        raise SystemExit("Say which Prefect server: set PREFECT_API_URL, such as http://127.0.0.1:4200/api")
    wait_for(url)
    asyncio.run(register_services())
    register_deployments()


if __name__ == "__main__":
    main()
