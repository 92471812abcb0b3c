"""The text of an answer: its bytes in the encoding that they have."""

import codecs
from collections.abc import Mapping
from contextlib import suppress

from sluice.errors import SetupError, SourceError
from sluice.readers.likeliest import likeliest
from sluice.sources.api.client import Answer
from sluice.sources.model import ApiSource
from sluice.sources.urls import without_secrets

_SAMPLE = 1 << 16  # bytes that tell an encoding
_WIDE = {
    codecs.BOM_UTF32_LE: "utf-32",  # begins as the next but one does
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def charset(headers: Mapping[str, str]) -> str:
    """The encoding that the server names, in lower case; empty for none."""
    told = headers.get("content-type", "").lower().partition("charset=")[2]
    return told.partition(";")[0].strip(" \"'")


def text_of(body: bytes, headers: Mapping[str, str], options: Mapping[str, str], url: str) -> str:
    """The body as text, in the encoding of the source's options, else of the server, else the likeliest; no mark at its
    beginning.

    Raises SourceError for bytes that are none in an encoding that was named, SetupError where there is no such.
    """
    told = options.get("encoding") or charset(headers)
    text = _decoded(body, told, url) if told else _utf8(body)
    if text is None:
        text = body.decode(likeliest(body[:_SAMPLE]), "replace")
    return text.removeprefix("\ufeff")


def in_utf8(answer: Answer, source: ApiSource) -> bytes:
    """The body of JSON in UTF-8, which it must be in unless its first bytes, the options or the server say otherwise.

    Raises as ``text_of`` does.
    """
    body, given = answer.body, source.options.get("encoding", "")
    if body.isascii() and not given:
        return body
    told = given or next((name for mark, name in _WIDE.items() if body.startswith(mark)), "")
    text = None if told else _utf8(body)
    if text is None:
        with suppress(LookupError):  # what the server calls it is only asked where nothing else helps
            told = told or codecs.lookup(charset(answer.headers)).name
        text = _decoded(body, told or "utf-8", source.url)
    return text.removeprefix("\ufeff").encode()


def _utf8(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _decoded(body: bytes, encoding: str, url: str) -> str:
    try:
        return body.decode(encoding)
    except LookupError:
        raise SetupError(
            f"There is no encoding '{encoding}'.", hint="Use a name such as utf-8, cp1252 or utf-16."
        ) from None
    except UnicodeDecodeError as cause:
        shown = without_secrets(url)
        raise SourceError(
            f"{shown}: the answer is no {encoding} ({cause.reason} at byte {cause.start}).",
            hint="Name the right one as the option `encoding` of the source.",
            url=shown,
        ) from None
