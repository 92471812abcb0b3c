"""Prefect blocks: typed settings with secrets, handing out the warehouse and the clients of sources."""

from blocks.postgres import PostgresWarehouse
from blocks.sources import FileSource, HttpSource, ObjectStoreSource

__all__ = ["FileSource", "HttpSource", "ObjectStoreSource", "PostgresWarehouse"]
