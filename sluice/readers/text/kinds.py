"""What a cell looks like, and what the cells of a column have in common."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from sluice.readers.text.plain import all_like

# What is longer is not kept in mind: it may be as long as the file.
_SHORT_CELL, _SHORT_COLUMN = 200, 65_536
VALUES = ("number", "date", "time", "link", "code")
_EMPTY = frozenset(("", "-", ".", "na", "n/a", "nan", "null", "none", "\\n"))
_LOGICAL = frozenset(("true", "false", "yes", "no"))
_NUMBER = re.compile(r"[-+(]?[$€£¥]? ?(\d[\d., '\u00a0\u202f]*|[.,]\d+)([eE][-+]?\d+)? ?[%€$£)]*")
DATE = re.compile(
    r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?)?"
)
TIME = re.compile(r"\d{1,3}:\d{2}(:\d{2}([.,]\d+)?)?")
_LINK = re.compile(r"https?://\S+|[\w.+'-]+@[\w.-]+\.[^\W\d]{2,}")

# UUIDs, MAC addresses, and ISBNs.
CODE = re.compile(
    r"[\da-fA-F]{8}(-[\da-fA-F]{4}){3}-[\da-fA-F]{12}|"
    r"[\da-fA-F]{2}([:-])[\da-fA-F]{2}(\2[\da-fA-F]{2}){4}|97[89](-\d+){3}-\d"
)


def kind(cell: str) -> str:
    """What a cell looks like: ``empty``, ``text``, or a type; codes of one pattern ('AB-12') are a type too."""
    return _kind(cell) if len(cell) < _SHORT_CELL else _kind.__wrapped__(cell)


@lru_cache(16_384)
def _kind(cell: str) -> str:
    text = cell.strip()
    if text.isdecimal():
        return "number"
    if text.lower() in _EMPTY:
        return "empty"
    if text[0].isalpha():
        if text.lower() in _LOGICAL:
            return "logical"
    elif _NUMBER.fullmatch(text):
        return "number"
    elif DATE.fullmatch(text):
        return "date"
    elif TIME.fullmatch(text):
        return "time"
    if _LINK.fullmatch(text):
        return "link"
    if CODE.fullmatch(text):
        return "code"
    if len(text) < 40 and " " not in text and any(c.isdigit() for c in text):
        return re.sub(r"[A-Z]", "A", re.sub(r"[a-z]", "a", re.sub(r"\d+", "9", text)))
    return "text"


def column_kinds(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The kind of nearly all cells of each column, else ``text``; ``empty`` if all are."""
    if {len(row) for row in rows} == {width}:
        return list(map(_column_kind, zip(*rows, strict=True)))
    return [_column_kind(tuple([row[i] for row in rows if i < len(row)])) for i in range(width)]


def _column_kind(cells: tuple[str, ...]) -> str:
    """From one look at a table to the next the cells are mostly the same, so it is kept, but for long texts."""
    return (_kept_kind if sum(map(len, cells)) <= _SHORT_COLUMN else _kept_kind.__wrapped__)(cells)


@lru_cache(64)
def _kept_kind(cells: tuple[str, ...]) -> str:
    first = next(filter(None, cells), "")
    if first and all_like(cells, of_first := kind(first)):
        return of_first
    counts = Counter(map(kind, cells))
    counts.pop("empty", None)
    name, most = counts.most_common(1)[0] if counts else ("empty", 0)
    return name if most >= 0.9 * counts.total() else "text"


def typed_columns(kinds: Sequence[str]) -> list[int]:
    """The columns whose cells are of one kind, which is not text."""
    return [i for i, k in enumerate(kinds) if k not in ("text", "empty")]


def is_header(row: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether a row is clearly not one of the typed rows below it, whose column kinds are given."""
    pairs = [
        (kind(cell), below) for cell, below in zip(row, kinds, strict=False) if below not in ("text", "empty")
    ]
    return any(k not in ("empty", below) for k, below in pairs) and not any(k == below for k, below in pairs)
