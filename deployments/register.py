"""Tells a Prefect server about Sluice: work pool, queues, blocks, automations, deployments. Safe to repeat.

``python -m deployments.register`` speaks to the server of ``PREFECT_API_URL``.
"""

import asyncio
import importlib
import os
import sys
from typing import Any

import yaml
from prefect.cli import app as prefect_cli
from prefect.cli import deploy as _deploy  # noqa: F401  imported now, while the server still starts
from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

from blocks.register import ensure_blocks
from deployments.api import wait_for
from deployments.automations import ensure_automations
from deployments.lost import end_lost_runs
from deployments.pool import ensure_pool
from deployments.settings import PROJECT
from sluice.errors import SetupError, SluiceError
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse


def declared() -> list[dict[str, Any]]:
    """The deployments of ``prefect.yaml``."""
    found: list[dict[str, Any]] = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
    return found


def prepare() -> None:
    """What needs no server: the warehouse's newest schema, imports."""
    Warehouse.from_settings().prepare()
    for deployment in declared():
        importlib.import_module(deployment["entrypoint"].rpartition(".")[0])


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


def main() -> None:
    """Prepare while the server may still be starting, then register everything."""
    if not (url := get_current_settings().api.url):
        raise SetupError("No Prefect server is named.", hint="Set PREFECT_API_URL.")
    prepare()
    wait_for(url)
    end_lost_runs(Warehouse.from_settings(), settings().stage_dir, url)
    asyncio.run(register_services())
    register_deployments()


if __name__ == "__main__":
    try:
        main()
    except SluiceError as error:
        sys.exit(str(error))
