"""JSON in other encodings than UTF-8, or with a mark at its beginning."""

import json

import httpx
import pytest

from sluice.errors import SetupError, SourceError
from sluice.sources.api.client import Answer
from sluice.sources.api.page import Pages
from sluice.sources.model import ApiSource

TEXT = '[{"city":"Köln €","size":1.50},{"city":"x","size":2}]'


def lines(body: bytes, told: str = "", **options: str) -> bytes:
    """The records of an answer, a line each."""
    source = ApiSource(url="https://api.example.org/x", options=options)
    headers = httpx.Headers({"content-type": f"application/json{told and f'; charset={told}'}"})
    return Pages(source).of(Answer(source.url, 200, headers, {}, body)).lines.text


@pytest.mark.parametrize(
    ("encoding", "told", "options"),
    [
        ("utf-8", "", {}),
        ("utf-8", "latin-1", {}),  # what servers say of anything
        ("utf-8-sig", "", {}),
        ("utf-16", "", {}),
        ("utf-32", "", {}),
        ("utf-16-le", "utf-16le", {}),
        ("cp1252", "windows-1252", {}),
        ("cp1252", "", {"encoding": "cp1252"}),
        ("utf-16-be", "", {"encoding": "utf-16-be"}),
    ],
)
def test_records_are_read_in_the_encoding_that_they_have(
    encoding: str, told: str, options: dict[str, str]
) -> None:
    found = lines(TEXT.encode(encoding), told, **options)
    assert [json.loads(line) for line in found.splitlines()] == json.loads(TEXT)
    assert b"1.50" in found  # as the server wrote it


@pytest.mark.parametrize("told", ["", "utf-8", "none-such"])
def test_bytes_that_are_no_text_are_refused_and_never_replaced(told: str) -> None:
    with pytest.raises(SourceError, match=r"is no utf-8 \(invalid .* at byte 11\)") as refused:
        lines(TEXT.encode("cp1252"), told)
    assert "`encoding`" in refused.value.hint


def test_an_encoding_that_there_is_not_is_refused() -> None:
    with pytest.raises(SetupError, match="There is no encoding 'klingon'"):
        lines(TEXT.encode(), encoding="klingon")
