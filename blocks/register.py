"""Makes Sluice's block types known to a Prefect server, and the blocks that flows expect. Safe to repeat."""

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectAlreadyExists

from blocks.api import ApiSource
from blocks.encryption import EncryptionKey
from blocks.github import GitHubSource
from blocks.postgres import PostgresWarehouse
from blocks.sources import FileSource, HttpSource, ObjectStoreSource
from sluice.settings import settings

TYPES: tuple[type[Block], ...] = (
    PostgresWarehouse,
    EncryptionKey,
    FileSource,
    HttpSource,
    ApiSource,
    GitHubSource,
    ObjectStoreSource,
)
WAREHOUSE = "warehouse"


async def ensure_blocks(client: PrefectClient) -> None:
    """Register the block types; create the block ``warehouse`` unless there is one, which stays as it is."""
    for kind in TYPES:
        await kind.aregister_type_and_schema(client=client)
    there = await client.read_block_documents_by_type(PostgresWarehouse.get_block_type_slug())
    if WAREHOUSE not in {document.name for document in there}:
        try:
            await default_warehouse().asave(WAREHOUSE, client=client)
        except (ObjectAlreadyExists, ValueError):
            # Somebody else made it a moment ago: what they wrote stays.
            return


def default_warehouse() -> PostgresWarehouse:
    """The server of ``SLUICE_DATABASE_URL``; without one, a block that follows the project."""
    return PostgresWarehouse(url=settings().database_url)
