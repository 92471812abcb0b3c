"""Pages of CSV: each with its header, whose names the records take."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import suppress

import httpx

from sluice.errors import SetupError, SourceError
from sluice.readers.header import unique_names
from sluice.readers.likeliest import likeliest
from sluice.readers.text.dialect import NAMES
from sluice.sources.urls import without_secrets

_DELIMITERS = ",;\t|"
_LONGEST = 1 << 30  # characters of a cell
_SAMPLE = 1 << 16  # bytes that tell an encoding
Record = dict[str, str | None] | str


def is_csv(headers: Mapping[str, str], options: Mapping[str, str]) -> bool:
    """Whether an answer with these headers is CSV, by its declaration or by what the server says of it."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return options.get("format", "csv" if kind.endswith(("csv", "tab-separated-values")) else "") == "csv"


def csv_records(body: bytes, headers: httpx.Headers, options: Mapping[str, str], url: str) -> list[Record]:
    """The records of a page; empty cells have no value. One of another number of cells than the header is text, as it
    stood, which the reader turns away.

    ``options``: delimiter, quote, escape and encoding; else as the server and the header line say. Raises SourceError
    for bytes that are no text in the declared encoding, SetupError for an option that pages can't have.
    """
    rows = list(_rows(_text(body, headers, options, url), options))
    if not rows:
        return []
    names = unique_names(rows[0])
    return [
        {name: cell or None for name, cell in zip(names, row, strict=True)}
        if len(row) == len(names)
        else _joined(row)
        for row in rows[1:]
    ]


def reader_options(headers: Mapping[str, str]) -> dict[str, str]:
    """What the reader of files is to know of an answer with these headers that is left to it as it came."""
    with suppress(LookupError):
        name = codecs.lookup(_charset(headers)).name
        if is_csv(headers, {}) and name not in ("utf-8", "ascii"):  # which servers say of anything
            return {"encoding": name}
    return {}


def _charset(headers: Mapping[str, str]) -> str:
    told = headers.get("content-type", "").lower().partition("charset=")[2]
    return told.partition(";")[0].strip(" \"'")


def _text(body: bytes, headers: httpx.Headers, options: Mapping[str, str], url: str) -> str:
    told = options.get("encoding") or _charset(headers)
    encoding = told or "utf-8"
    try:
        text = body.decode("utf-8-sig" if encoding in ("utf-8", "utf8") else encoding)
    except LookupError:
        raise SetupError(
            f"There is no encoding '{encoding}'.", hint="Use a name such as utf-8, cp1252 or utf-16."
        ) from None
    except UnicodeDecodeError as cause:
        if told:
            shown = without_secrets(url)
            hint = "Name the right one as the option `encoding` of the source."
            raise SourceError(
                f"{shown}: the answer is no {encoding} ({cause.reason}).", hint=hint, url=shown
            ) from None
        text = body.decode(likeliest(body[:_SAMPLE]), "replace")
    return text.removeprefix("\ufeff")


def _rows(text: str, options: Mapping[str, str]) -> Iterator[list[str]]:
    if options.get("header", "true").lower() not in ("true", "yes", "1"):
        raise SetupError("Pages of CSV need a header.", hint="Take the option `header` out of the source.")
    given = options.get("delimiter", "")
    delimiter = NAMES.get(given.lower(), given) or _most_frequent(text)
    if len(delimiter) > 1:
        raise SetupError(
            "Pages of CSV have one character between cells.", hint="Correct the option `delimiter`."
        )
    quote, escape = options.get("quote", '"'), options.get("escape") or None
    csv.field_size_limit(_LONGEST)
    found = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        escapechar=None if escape == quote else escape,
        doublequote=not escape or escape == quote,
    )
    yield from (row for row in found if row)


def _most_frequent(text: str) -> str:
    """The delimiter of the header line; a comma where it has one column."""
    line = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    return max(_DELIMITERS, key=line.count)


def _joined(row: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(row)
    return line.getvalue()
