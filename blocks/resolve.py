"""From the names of blocks to what the library needs: a warehouse, and a source's secrets."""

from typing import Any, cast

from blocks.api import ApiSource as ApiSourceBlock
from blocks.github import GitHubSource as GitHubSourceBlock
from blocks.github import environment
from blocks.postgres import PostgresWarehouse
from blocks.sources import HttpSource as HttpSourceBlock
from blocks.sources import ObjectStoreSource
from sluice.sources.model import AnySource, ApiSource, FileSource, GitHubSource, HttpSource, RejectsSource
from sluice.warehouse.connection import Warehouse


def warehouse_of(block: str = "") -> Warehouse:
    """The warehouse that the block names; the project's own for an empty name. Raises SetupError."""
    if not block:
        return Warehouse.from_settings()
    return cast(PostgresWarehouse, PostgresWarehouse.load(block)).get_warehouse()


def secrets_of(source: AnySource) -> dict[str, Any] | None:
    """Client arguments from the source's block; None where it names none, and the environment has none for it."""
    if isinstance(source, GitHubSource):
        block = (
            cast(GitHubSourceBlock, GitHubSourceBlock.load(source.block)) if source.block else environment()
        )
        # The environment's token is that of one server, whatever server a source names.
        there = block and (source.block or block.is_of(source.api_url))
        return block.secrets_for(source.api_url) if block and there else None
    if isinstance(source, FileSource | RejectsSource) or not source.block:
        return None
    if isinstance(source, HttpSource):
        return cast(HttpSourceBlock, HttpSourceBlock.load(source.block)).secrets_for(source.url)
    if isinstance(source, ApiSource):
        return cast(ApiSourceBlock, ApiSourceBlock.load(source.block)).secrets_for(source.url)
    return cast(ObjectStoreSource, ObjectStoreSource.load(source.block)).secrets_for(source.url)
