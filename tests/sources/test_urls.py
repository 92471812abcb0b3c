"""What of a URL is kept, and what is not."""

import json

import pytest

from sluice.sources.model import source_of
from sluice.sources.urls import is_masked, masked

SECRETS = {
    "https://h/x.csv?token=abc": "https://h/x.csv?token=***",
    "https://h/x.csv?day=1&apiKey=abc&page=2": "https://h/x.csv?day=1&apiKey=***&page=2",
    "https://h/x.csv?%74oken=a%26b": "https://h/x.csv?%74oken=***",
    "https://h/x.csv?X-Amz-Date=1&X-Amz-Signature=ab==&v=1": "https://h/x.csv?X-Amz-Date=***&X-Amz-Signature=***&v=1",
    "https://h/c/x.csv?sv=1&se=2&sp=r&sr=b&sig=abc": "https://h/c/x.csv?sv=***&se=***&sp=***&sr=***&sig=***",
    "https://h/x.csv;session=abc": "https://h/x.csv;session=***",
    "https://h/x.csv#access_token=abc": "https://h/x.csv#access_token=***",
    "https://ann:pw@h/x.csv?PASSWORD=abc": "https://h/x.csv?PASSWORD=***",
    "az://c/x.csv?sig=abc": "az://c/x.csv?sig=***",
}
PLAIN = (
    "https://h/x.csv",
    "https://h/x.csv?sv=1&sr=2",
    "https://h/x.csv?author=ann&keyword=b&design=c&country_code=DE&passenger=d",
    "https://tokens.example.org/token=1/x.csv",
    "s3://sessions/session=1/a#1.csv",
    "",
)


@pytest.mark.parametrize(("url", "kept"), SECRETS.items())
def test_what_looks_secret_is_masked_and_the_rest_stays(url: str, kept: str) -> None:
    assert masked(url) == masked(kept) == kept
    assert is_masked(kept)
    assert not is_masked(url)


@pytest.mark.parametrize("url", PLAIN)
def test_what_is_not_secret_stays(url: str) -> None:
    assert masked(url) == url
    assert not is_masked(url)


@pytest.mark.parametrize(("url", "kept"), SECRETS.items())
def test_a_source_keeps_its_secret_but_not_as_json(url: str, kept: str) -> None:
    source = source_of(url)
    assert json.loads(source.model_dump_json())["url"] == kept
    assert source.model_dump()["url"] == url
