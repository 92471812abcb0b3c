"""How a delimited file is written: delimiter, quote, escape and header, found in its first part."""

import io
import itertools
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluice.errors import ReadError, SetupError
from sluice.readers.records import RECORD_LIMIT, Dialect, Record, records

_SAMPLE = 1 << 18
_SAMPLE_RECORDS = 200
# Likelier ones first: they win a draw.
_DELIMITERS = {",": 1.0, ";": 1.0, "\t": 1.0, "|": 1.0, "\x1f": 1.0, "^": 0.9, "~": 0.8, ":": 0.6, " ": 0.4}
_NAMES = {
    "tab": "\t",
    "\\t": "\t",
    "space": " ",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
    "\\x1f": "\x1f",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """``skip``: records before the first data record, blank lines included. ``padding``: empty cells that follow
    the header's last cell in the records. ``record_size``: characters of a usual record.
    """

    dialect: Dialect
    header: tuple[str, ...]
    has_header: bool
    skip: int
    padding: int
    line_end: str
    record_size: int

    def as_dict(self) -> dict[str, Any]:
        """What was found, for people."""
        return {
            "delimiter": self.dialect.delimiter,
            "quote": self.dialect.quote,
            "escape": self.dialect.escape,
            "header": self.has_header,
        }


def find_layout(path: Path, options: dict[str, str]) -> Layout:
    """The layout of a UTF-8 file; ``options`` that are given are believed. Raises ReadError if it has no record."""
    text, whole = _head(path)
    if not text.strip("\r\n"):
        what = "holds only blank lines" if text else "is empty: it has no header"
        raise ReadError(f"{path} {what}.", hint="Nothing was loaded; check where it was made.", file=path)
    dialect = _dialect(text, whole, options)
    sample = _sample(text, whole, dialect)
    first = sample[0]
    if first.reason:
        raise ReadError(
            f"The header of {path} cannot be read: {first.reason.replace('_', ' ')}.",
            hint="Check the first line, or give the delimiter and quote as source options.",
            file=path,
            line=first.line,
        )
    blanks = len(text) - len(text.lstrip("\r\n"))
    skip = len(re.findall(r"\r\n|\r|\n", text[:blanks]))
    has_header = boolean("header", options.get("header", "true"))
    header = list(first.cells)
    padding = 0
    if has_header:
        named, padding = _padding(header, sample[1:])
        del header[named:]
    else:
        header = [f"column_{i}" for i in range(1, len(header) + 1)]
    end = re.search(r"\r\n|\r|\n", text)
    size = sum(len(record.raw) for record in sample) // len(sample)
    return Layout(
        dialect, tuple(header), has_header, skip + has_header, padding, end[0] if end else "\n", size
    )


def _head(path: Path) -> tuple[str, bool]:
    """The first part of the file, longer if its first record is, and whether it is the whole file."""
    size = _SAMPLE
    while True:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            text = file.read(size)
        if len(text) < size or re.search(r"[^\r\n][\r\n]", text):
            return text, len(text) < size
        if size > RECORD_LIMIT:
            raise ReadError(
                f"The first line of {path} is longer than {RECORD_LIMIT:,} characters.",
                hint="Is this really a table, with line ends?",
                file=path,
            )
        size *= 8


def _sample(text: str, whole: bool, dialect: Dialect) -> list[Record]:
    found = list(itertools.islice(records(io.StringIO(text, newline=""), dialect), _SAMPLE_RECORDS))
    cut = not whole and len(found) < _SAMPLE_RECORDS and len(found) > 1
    return found[:-1] if cut else found


def _padding(header: list[str], body: list[Record]) -> tuple[int, int]:
    """How many header cells are columns, and how many (mostly empty) cells the records have beyond them."""
    named = len(header)
    while named > 1 and not header[named - 1].strip():
        named -= 1
    widths = [len(record.cells) for record in body if not record.reason]
    usual = max(set(widths), key=widths.count) if widths else len(header)
    if usual <= named:
        return named, 0
    tails = [any(record.cells[named:]) for record in body if len(record.cells) == usual]
    if sum(tails) * 2 > len(tails):
        return max(named, len(header)), 0
    return named, usual - named


def boolean(name: str, text: str) -> bool:
    """The option as a truth value. Raises SetupError."""
    if text.lower() in ("true", "yes", "1"):
        return True
    if text.lower() in ("false", "no", "0"):
        return False
    raise SetupError(
        f"The source option {name}={text} is neither true nor false.", hint=f"Write {name}=true."
    )


def _dialect(text: str, whole: bool, options: dict[str, str]) -> Dialect:
    given = options.get("delimiter")
    delimiters = [_NAMES.get(given.lower(), given)] if given else list(_DELIMITERS)
    quotes = [options["quote"]] if "quote" in options else _quotes(text)
    best, best_score = Dialect(delimiters[0] if given else ",", quotes[0], quotes[0]), 0.0
    for delimiter, quote in itertools.product(delimiters, quotes):
        if delimiter not in text or delimiter == quote:
            continue
        for escape in [options["escape"]] if "escape" in options else _escapes(text, quote):
            dialect = Dialect(delimiter, quote, escape)
            score = _score(_sample(text, whole, dialect)) * _DELIMITERS.get(delimiter, 1.0)
            if score > best_score + 1e-9:
                best, best_score = dialect, score
    return best


def _quotes(text: str) -> list[str]:
    """Double quotes; single ones too where no double one stands and they enclose whole cells."""
    enclosed = re.search(r"(?:^|[,;\t|])'[^'\r\n]*'(?:[,;\t|]|$)", text, re.MULTILINE)
    return ["'"] if enclosed and '"' not in text else ['"']


def _escapes(text: str, quote: str) -> list[str]:
    return [quote, "\\"] if quote and f"\\{quote}" in text else [quote]


def _score(sample: list[Record]) -> float:
    """High for many columns and records all as wide as the header; 0 if the header is not split."""
    if not sample or sample[0].reason or len(sample[0].cells) < 2:
        return 0.0
    width = len(sample[0].cells)
    body = sample[1:]
    if not body:
        return math.log2(width)
    named = width - sum(not c for c in sample[0].cells)
    fitting = sum(
        not r.reason and (len(r.cells) == width or (len(r.cells) > width and not any(r.cells[width:])))
        for r in body
    )
    return (fitting / len(body)) ** 2 * math.log2(max(named, 1) + 1)
