"""A server that speaks S3, reached as from a command line."""

from collections.abc import Iterator

import pytest

from tests import stores

OBJECTS = {
    "in/": b"",
    "in/a.csv": b"id\n1\n",
    "in/deep/": b"",
    "in/deep/a.csv": b"id\n2\n",
    "in/empty.csv": b"",
    "in/odd ?#%41+ü.csv": b"id\n3\n",
    "index.csv": b"id\n4\n",
}


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """A server with the bucket ``drop``."""
    with stores.speaking_s3("drop", OBJECTS) as address:
        yield address


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, with endpoint and keys in the environment."""
    stores.use(monkeypatch, endpoint)
    return endpoint
