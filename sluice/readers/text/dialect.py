"""How the cells of a delimited file are written: candidates tried on samples, scored by row shape and cell types."""

import io
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from sluice.errors import SetupError
from sluice.readers.text.candidates import delimiters, escapes, quotes
from sluice.readers.text.records import Dialect, Record, records

SAMPLE_RECORDS = 200
_TYPED_RECORDS = 40
_TYPED_COLUMNS = 500
_FIRST = 30  # records that choose which candidates are looked at closely
_FINAL = 4
_SCORED = 1 << 18  # characters
_PLAIN = frozenset(("number", "date", "time", "link", "empty", "logical"))
_WEAK = " :/-_=&"  # stand in text, dates and times too
_NAMES = {
    "tab": "\t",
    "\\t": "\t",
    "space": " ",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
    "\\x1f": "\x1f",
}
# No text holds it: the delimiter of a table of one column.
_NONE = "\x1f"
_SINGLE = 0.26
_NUMBER = re.compile(r"[-+(]?[$€£¥]? ?(\d[\d., '\u00a0\u202f]*|[.,]\d+)([eE][-+]?\d+)? ?[%€$£)]*")
_DATE = re.compile(
    r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?)?"
)
_TIME = re.compile(r"\d{1,3}:\d{2}(:\d{2}([.,]\d+)?)?")
_LINK = re.compile(r"https?://\S+|[\w.+'-]+@[\w.-]+\.[^\W\d]{2,}")
# Excel's own first line.
SEPARATOR = re.compile(r"sep=([^\r\n]+?)(?=[\r\n])", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d]\w*")
# One value in itself: digits in groups of three, with a decimal point, or two numbers in brackets.
_VALUE = re.compile(
    r"-?[$€£¥]? ?\d{1,3}(,\d{3})+(\.\d+)?[%€]?|[(\[]-?\d+\.\d+, ?-?\d+\.\d+[)\]]|\+\d[\d ()-]{5,}"
)
_NUMERAL = re.compile(r"[-+(]?[$€£¥]? ?\d[\d.]*(,\d+)? ?[%€$£)]*")
_ADDRESS = re.compile(r"https?://[^\s,;|]+|[\w.+'-]+@[\w.-]+\.[^\W\d]{2,}")
_NAMED = re.compile(r"[^\W\d][^,;:|\t]*")
# What is left of a date or a link that was cut.
_PART = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}[ T]\d\d|https?|//\S+|\d\d(\.\d+)?([+-]\d\d|Z)")
_CONTROL = re.compile(r"[\t\x01-\x08\x1c-\x1f]")
_SYMBOLS = ",;|^~¦§"
_EMPTY = frozenset(("", "-", ".", "na", "n/a", "nan", "null", "none", "\\n"))
_LOGICAL = frozenset(("true", "false", "yes", "no"))


class Sample(NamedTuple):
    """Text of the file's head, and of its middle and end where the head is not the whole."""

    head: str
    whole: bool
    others: tuple[str, ...] = ()

    def records(self, dialect: Dialect, most: int = SAMPLE_RECORDS) -> list[Record]:
        """The first records."""
        return _cut(self.head, dialect, most, whole=self.whole)

    def later(self, dialect: Dialect) -> list[Record]:
        """Records of the middle and the end, less their first: it may begin inside a quoted cell."""
        return [r for text in self.others for r in _cut(text, dialect, 50, whole=False)[1:]]


def _cut(text: str, dialect: Dialect, most: int, *, whole: bool) -> list[Record]:
    found = list(itertools.islice(records(io.StringIO(text, newline=""), dialect), most))
    return found[:-1] if not whole and 1 < len(found) < most else found


@lru_cache(16_384)
def kind(cell: str) -> str:
    """What a cell looks like: ``empty``, ``text``, or a type; codes of one pattern ('AB-12') are a type too."""
    text = cell.strip()
    if text.lower() in _EMPTY:
        return "empty"
    if text[0].isalpha():
        if text.lower() in _LOGICAL:
            return "logical"
    elif _NUMBER.fullmatch(text):
        return "number"
    elif _DATE.fullmatch(text):
        return "date"
    elif _TIME.fullmatch(text):
        return "time"
    if _LINK.fullmatch(text):
        return "link"
    if len(text) < 40 and " " not in text and any(c.isdigit() for c in text):
        return re.sub(r"[A-Z]", "A", re.sub(r"[a-z]", "a", re.sub(r"\d+", "9", text)))
    return "text"


def column_kinds(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The kind of nearly all cells of each column, else ``text``; ``empty`` if all are."""
    found = []
    for position in range(width):
        counts = Counter(kind(row[position]) for row in rows if position < len(row))
        counts.pop("empty", None)
        name, most = counts.most_common(1)[0] if counts else ("empty", 0)
        found.append(name if most >= 0.9 * counts.total() else "text")
    return found


def boolean(name: str, text: str) -> bool:
    """The option as a truth value. Raises SetupError."""
    if text.lower() in ("true", "yes", "1"):
        return True
    if text.lower() in ("false", "no", "0"):
        return False
    raise SetupError(
        f"The source option {name}={text} is neither true nor false.", hint=f"Write {name}=true."
    )


def find_dialect(sample: Sample, options: dict[str, str]) -> Dialect:
    """The best candidate; ``options`` that are given are believed."""
    text = sample.head
    told = SEPARATOR.match(text)
    given = options.get("delimiter", told[1] if told else None)
    tried = {_NAMES.get(given.lower(), given): 1.0} if given else delimiters(text)
    quote = options.get("quote", '"')
    best = Dialect(next(iter(tried)) if given else _NONE, quote, options.get("escape", quote))
    part = Sample(text[:_SCORED], sample.whole and len(text) <= _SCORED)
    every = [
        (d, prior) for delimiter, prior in tried.items() for d in _dialects(part.head, delimiter, options)
    ]
    if len(every) > _FINAL:
        scores = {d: _score(part.records(d, _FIRST), d) * prior for d, prior in every}
        least = max(scores.values()) / 2
        every = [one for one in sorted(every, key=lambda one: -scores[one[0]]) if scores[one[0]] >= least]
    best_score = 0.0 if given else _single(part, best)
    for dialect, prior in every[:_FINAL]:
        score = _score(part.records(dialect), dialect) * prior
        if score > best_score + 1e-9:
            best, best_score = dialect, score
    return best if given else _spaced(best, part)


def _dialects(text: str, delimiter: str, options: dict[str, str]) -> Iterator[Dialect]:
    for quote in [options["quote"]] if "quote" in options else quotes(text, delimiter):
        for escape in (
            [options["escape"] or quote] if "escape" in options else escapes(text, quote, delimiter)
        ):
            if quote != delimiter:
                yield Dialect(delimiter, quote, escape)


def _spaced(dialect: Dialect, sample: Sample) -> Dialect:
    """With the spaces that stand around every delimiter: they are no part of the cells."""
    delimiter = dialect.delimiter
    if delimiter not in (",", ";", "|") or f"{delimiter} " not in sample.head:
        return dialect
    rows = [r.cells for r in (*sample.records(dialect), *sample.later(dialect)) if len(r.cells) > 1]
    after = bool(rows) and all(cell[:1] == " " for row in rows for cell in row[1:])
    before = after and all(cell[-1:] == " " for row in rows for cell in row[:-1])
    return Dialect(f"{' ' * before}{delimiter}{' ' * after}", dialect.quote, dialect.escape)


def _single(sample: Sample, dialect: Dialect) -> float:
    """The score of a table of one column: higher where each line is clearly one value."""
    first, *rows = (r.raw for r in sample.records(dialect)) if sample.head.strip() else [""]
    values = [_VALUE, _NUMERAL] if _NAMED.fullmatch(first) else [_VALUE]
    values += [_DATE, _TIME, _ADDRESS]
    clear = sum(any(value.fullmatch(row) for value in values) for row in rows)
    return _SINGLE * (10 if rows and clear >= 0.9 * len(rows) else 1)


def _score(sample: Sequence[Record], dialect: Dialect) -> float:
    """High for many columns, neighbours of the same width, and cells that hold one value each."""
    delimiter = dialect.delimiter
    weak = delimiter in _WEAK and not _quoted(sample, dialect)
    lines = [r for r in sample if r.raw.strip()]
    found = [r for r in lines if not r.raw.startswith(("#", "//"))] or lines
    widths = [0 if r.reason else len(r.cells) for r in found]
    usual = Counter(w for w in widths if w > 1)
    if not usual:
        return 0.0
    width = max(usual, key=lambda w: usual[w])
    alike = [
        w == width or (w > 1 and w in widths[max(i - 1, 0) : i] + widths[i + 1 : i + 2])
        for i, w in enumerate(widths)
    ]
    coverage = sum(alike) / len(widths)
    turns = sum(a != b for a, b in itertools.pairwise(widths)) / len(widths)
    rows = [r.cells[:_TYPED_COLUMNS] for r, w in zip(found, widths, strict=True) if w == width]
    rows = rows[:_TYPED_RECORDS]
    kinds = column_kinds(rows[1:] or rows, len(rows[0]))
    used = sum(k != "empty" or bool(rows[0][i].strip()) for i, k in enumerate(kinds))
    typed = sum(k not in ("text", "empty") for k in kinds) / len(kinds)
    clean = _clean(rows, delimiter)
    score: float = coverage**1.5 * (1 - 0.6 * turns) ** 2 * math.log2(used + 1) * clean * (0.7 + 0.3 * typed)
    titled = is_header(rows[0], kinds)
    score *= 1.6 if titled else 1
    if widths[0] == 1 and len(found) > 1 and found[1].line == found[0].line + 1 and not titled:
        score *= 0.7 if clean > 0.9 and not weak and width > 2 else 0.2
    if not weak and len(found[0].cells) == width and all(map(_NAME.fullmatch, found[0].cells)):
        score *= 1.5
    if weak and not (typed and clean and (width > 2 or titled)):
        score *= 0.4
    if not typed and delimiter[-1] in ", " and 2 * sum(r.raw[-1] in ".!?" for r in found) > len(found):
        score *= 0.3  # sentences
    return score


def _quoted(sample: Sequence[Record], dialect: Dialect) -> bool:
    """Whether quotes on both sides show most delimiters."""
    border = f"{dialect.quote}{dialect.delimiter}{dialect.quote}"
    return bool(dialect.quote) and 2 * sum(border in r.raw for r in sample) > len(sample)


def _clean(rows: list[list[str]], delimiter: str) -> float:
    """Cells that hold another delimiter, begin with a space, or half of something, are split in the wrong way."""
    cells = [cell for row in rows for cell in row if cell]
    others = [d for d in _SYMBOLS if d not in delimiter]
    odd = 0.0
    for text in cells:
        if text[0] == " ":
            odd += 0.5
        elif _halved(text) or (delimiter != "\t" and _CONTROL.search(text)):
            odd += 1
        elif kind(text) not in _PLAIN:
            odd += any(d in text and f"{d} " not in text for d in others)
    return 1 - 0.6 * odd / max(len(cells), 1)


@lru_cache(16_384)
def _halved(text: str) -> bool:
    """Whether a cell is half of something in brackets, a date or a link; or still quoted."""
    if any(text.count(a) != text.count(b) for a, b in ("()", "[]", "{}")) or _PART.fullmatch(text):
        return True
    return len(text) > 1 and text[0] in "\"'`" and (text[-1] == text[0] or text[0] == '"')


def is_header(row: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether a row is clearly not one of the typed rows below it, whose column kinds are given."""
    pairs = [
        (kind(cell), below) for cell, below in zip(row, kinds, strict=False) if below not in ("text", "empty")
    ]
    return any(k not in ("empty", below) for k, below in pairs) and not any(k == below for k, below in pairs)
