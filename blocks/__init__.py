"""Prefect blocks: typed settings with secrets, handing out the warehouse and the clients of sources."""

from blocks.api import ApiSource
from blocks.encryption import EncryptionKey
from blocks.github import GitHubSource
from blocks.postgres import PostgresWarehouse
from blocks.sources import FileSource, HttpSource, ObjectStoreSource

__all__ = [
    "ApiSource",
    "EncryptionKey",
    "FileSource",
    "GitHubSource",
    "HttpSource",
    "ObjectStoreSource",
    "PostgresWarehouse",
]
