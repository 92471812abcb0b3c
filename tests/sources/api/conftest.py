"""An API of each test's own."""

from collections.abc import Iterator

import pytest

from tests.sources.api.server import Api, served


@pytest.fixture
def api() -> Iterator[Api]:
    with served(Api()) as found:
        yield found
