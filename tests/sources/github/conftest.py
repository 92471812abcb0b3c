"""A fake GitHub of each test's own."""

from collections.abc import Iterator

import pytest

from tests.sources.github.fake import FakeGitHub, fake_github


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with fake_github() as found:
        yield found
