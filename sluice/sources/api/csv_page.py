"""Pages of CSV: each with its header, whose names the records take."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import suppress

import httpx

from sluice.errors import SetupError
from sluice.readers.header import unique_names
from sluice.readers.text.dialect import NAMES
from sluice.sources.api.text import charset, text_of

_DELIMITERS = ",;\t|"
_LONGEST = 1 << 30  # characters of a cell
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
    rows = list(_rows(text_of(body, headers, options, url), options))
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
        name = codecs.lookup(charset(headers)).name
        if is_csv(headers, {}) and name not in ("utf-8", "ascii"):  # which servers say of anything
            return {"encoding": name}
    return {}


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
