"""How the cells of a delimited file are written: candidates tried on samples, scored by row shape and cell types."""

import io
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from sluice.errors import SetupError
from sluice.readers.records import Dialect, Record, records

SAMPLE_RECORDS = 200
_TYPED_RECORDS = 40
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
# No text holds it: the delimiter of a table of one column.
_NONE = "\x1f"
_SINGLE = 0.26
_NUMBER = re.compile(r"[-+(]?[$€£¥]? ?(\d[\d., '\u00a0\u202f]*|[.,]\d+)([eE][-+]?\d+)? ?[%€$£)]*")
_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T]\d{1,2}:\d{2}\S*( ?[AaPp][Mm])?)?")
_TIME = re.compile(r"\d{1,3}:\d{2}(:\d{2}([.,]\d+)?)?")
_LINK = re.compile(r"https?://\S+|[^@\s]+@[^@\s]+\.\w+")
# Excel's own first line.
SEPARATOR = re.compile(r"sep=([^\r\n]+?)(?=[\r\n])", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d]\w*")
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
    delimiters = {_NAMES.get(given.lower(), given): 1.0} if given else _DELIMITERS | _longer(text)
    quotes = [options["quote"]] if "quote" in options else _quotes(text)
    best = Dialect(next(iter(delimiters)) if given else _NONE, quotes[0], options.get("escape", quotes[0]))
    best_score = 0.0 if given else _single(sample, best)
    for (delimiter, prior), quote in itertools.product(delimiters.items(), quotes):
        if delimiter not in text or delimiter == quote:
            continue
        for escape in [options["escape"]] if "escape" in options else _escapes(text, quote):
            dialect = Dialect(delimiter, quote, escape)
            score = _score(sample.records(dialect), delimiter) * prior
            if score > best_score + 1e-9:
                best, best_score = dialect, score
    return best if given else _spaced(best, sample)


def _longer(text: str) -> dict[str, float]:
    """Delimiters of several characters: they stand in nearly every line."""
    lines = [line for line in text[:20_000].splitlines()[:40] if line.strip()]
    runs = Counter(run for line in lines for run in set(re.findall(r"[^\w\s\"'.()\[\]{}+-]{2,4}", line)))
    tried = {part for run in runs for part in (run, run[:2])}
    often = [part for part in tried if sum(part in line for line in lines) >= 0.7 * len(lines)]
    return dict.fromkeys(sorted(often)[:6], 1.05)


def _quotes(text: str) -> list[str]:
    """Double quotes; single ones too where no double one stands and they enclose whole cells."""
    enclosed = re.search(r"(?:^|[,;\t|])'[^'\r\n]*'(?:[,;\t|]|$)", text, re.MULTILINE)
    return ["'"] if enclosed and '"' not in text else ['"']


def _escapes(text: str, quote: str) -> list[str]:
    return [quote, "\\"] if quote and f"\\{quote}" in text else [quote]


def _spaced(dialect: Dialect, sample: Sample) -> Dialect:
    """With the spaces that stand around every delimiter: they are no part of the cells."""
    delimiter = dialect.delimiter
    if delimiter not in (",", ";", "|"):
        return dialect
    rows = [r.cells for r in (*sample.records(dialect), *sample.later(dialect)) if len(r.cells) > 1]
    after = bool(rows) and all(cell[:1] == " " for row in rows for cell in row[1:])
    before = after and all(cell[-1:] == " " for row in rows for cell in row[:-1])
    return Dialect(f"{' ' * before}{delimiter}{' ' * after}", dialect.quote, dialect.escape)


def _single(sample: Sample, dialect: Dialect) -> float:
    """The score of a table of one column: higher where each line is clearly one value."""
    first, *rows = sample.records(dialect)
    kinds = Counter(kind(r.raw) for r in rows)
    clear = kinds["date"] + kinds["time"] + kinds["link"]
    if kind(first.raw) == "text" and "," not in first.raw:
        clear += kinds["number"]  # with decimal commas, below a name
    return _SINGLE * (4 if rows and clear >= 0.9 * len(rows) else 1)


def _score(sample: Iterable[Record], delimiter: str) -> float:
    """High for many columns, neighbours of the same width, and cells that hold one value each."""
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
    rows = [r.cells for r, w in zip(found, widths, strict=True) if w == width][:_TYPED_RECORDS]
    kinds = column_kinds(rows[1:] or rows, width)
    used = sum(k != "empty" or bool(rows[0][i].strip()) for i, k in enumerate(kinds))
    typed = sum(k not in ("text", "empty") for k in kinds) / width
    clean = _clean(rows, delimiter)
    score: float = coverage**1.5 * (1 - 0.6 * turns) ** 2 * math.log2(used + 1) * clean * (0.7 + 0.3 * typed)
    titled = is_header(rows[0], kinds)
    score *= 1.6 if titled else 1
    if widths[0] == 1 and len(found) > 1 and found[1].line == found[0].line + 1 and not titled:
        score *= 0.7 if clean > 0.9 and delimiter not in " :" else 0.5
    if delimiter not in " :" and len(found[0].cells) == width and all(map(_NAME.fullmatch, found[0].cells)):
        score *= 1.5
    if delimiter in " :" and not (typed and clean and (width > 2 or titled)):
        score *= 0.4
    return score


def _clean(rows: list[list[str]], delimiter: str) -> float:
    """Cells that hold another delimiter, or begin with a space, are split in the wrong way."""
    cells = [cell for row in rows for cell in row if cell]
    others = [d for d in (",", ";", "\t", "|") if d != delimiter]
    odd = 0.0
    for text in cells:
        if text[0] == " ":
            odd += 0.5
        elif kind(text) == "text":
            odd += ' "' in text or any(d in text and f"{d} " not in text for d in others)
    return 1 - 0.6 * odd / max(len(cells), 1)


def is_header(row: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether a row is clearly not one of the typed rows below it, whose column kinds are given."""
    pairs = [
        (kind(cell), below) for cell, below in zip(row, kinds, strict=False) if below not in ("text", "empty")
    ]
    return any(k not in ("empty", below) for k, below in pairs) and not any(k == below for k, below in pairs)
