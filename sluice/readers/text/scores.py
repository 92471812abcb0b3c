"""How well a dialect fits: row shapes and cell types of a sample."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from sluice.readers.text.kinds import CODE, DATE, TIME, column_kinds, is_header, kind
from sluice.readers.text.records import Record
from sluice.readers.text.sample import Sample
from sluice.readers.text.tokens import Dialect

_TYPED_RECORDS = 40
_TYPED_COLUMNS = 500
_PLAIN = frozenset(("number", "date", "time", "link", "empty", "logical"))
_CELLS = ",;|\t "  # alone in a line they show nothing but empty cells
_WEAK = " :/-_=&"  # stand in text, dates and times too
_SINGLE = 0.26
_NAME = re.compile(r"[^\W\d]\w*")
# One value in itself: digits in groups of three, with a decimal point, or two numbers in brackets.
_VALUE = re.compile(
    r"-?[$€£¥]? ?\d{1,3}(,\d{3})+(\.\d+)?[%€]?|[(\[]-?\d+\.\d+, ?-?\d+\.\d+[)\]]|\+\d[\d ()-]{5,}"
)
# Amounts, of which one at least shows that no second number stands behind the comma.
_AMOUNT = re.compile(r"[-+]?\d{1,3}((\.\d{3})*|\d*),\d\d")
_SURE = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+,\d\d|\d+,00)")
_NUMERAL = re.compile(r"[-+(]?[$€£¥]? ?\d[\d.]*(,\d+)? ?[%€$£)]*")
_ADDRESS = re.compile(r"https?://[^\s,;|]+|[\w.+'-]+@[\w.-]+\.[^\W\d]{2,}")
_NAMED = re.compile(r"[^\W\d][^,;:|\t]*")
# What is left of a date or a link that was cut.
_PART = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}[ T]\d\d|https?|//\S+|\d\d(\.\d+)?([+-]\d\d|Z)")
_CONTROL = re.compile(r"[\t\x01-\x08\x1c-\x1f]")
_SYMBOLS = ",;|^~¦§"  # later ones stand in values more rarely


def single(sample: Sample, dialect: Dialect) -> float:
    """The score of a table of one column: higher where each line is clearly one value."""
    first, *rows = (r.raw for r in sample.records(dialect)) if sample.head.strip() else [""]
    values = [_VALUE, DATE, TIME, CODE, _ADDRESS]
    if _NAMED.fullmatch(first):
        values.append(_NUMERAL)
    elif any(map(_SURE.fullmatch, (first, *rows))):
        values.append(_AMOUNT)
    clear = sum(any(value.fullmatch(row) for value in values) for row in rows)
    return _SINGLE * (10 if rows and clear >= 0.9 * len(rows) else 1)


def score(sample: Sequence[Record], dialect: Dialect) -> float:
    """High for many columns, neighbours of the same width, and cells that hold one value each."""
    delimiter = dialect.delimiter
    weak = delimiter in _WEAK and not _quoted(sample, dialect)
    lines = [r for r in sample if r.raw.strip(_CELLS if delimiter[0] in _CELLS else None)]
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
    text = "\0".join(cells)  # what does not stand in it need not be looked for in each cell
    others = [d for d in _SYMBOLS if d not in delimiter and d in text]
    stronger = _SYMBOLS[_SYMBOLS.find(delimiter[0]) + 1 :] if delimiter[0] in _SYMBOLS else ""
    stronger = "".join(d for d in stronger if d in text)
    torn = 0
    if stronger or "\t" in text:
        torn = sum(any(_holds(cell, stronger, delimiter) for cell in row) for row in rows)
    controls = delimiter != "\t" and bool(_CONTROL.search(text))
    odd = 0.0
    for cell in cells:
        if cell[0] == " ":
            odd += 0.5
        elif _halved(cell) or (controls and _CONTROL.search(cell)):
            odd += 1
        elif others and kind(cell) not in _PLAIN:
            odd += any(d in cell and f"{d} " not in cell for d in others)
    whole = (1 - torn / len(rows)) * (1 - odd / max(len(cells), 1))
    return 0.4 + 0.6 * whole


def _holds(cell: str, stronger: str, delimiter: str) -> bool:
    """Whether a delimiter that is likelier than the one chosen stands in a cell: then the whole record is torn."""
    if delimiter != "\t" and "\t" in cell.strip():
        return True
    return kind(cell) not in _PLAIN and any(d in cell and f"{d} " not in cell for d in stronger)


@lru_cache(16_384)
def _halved(text: str) -> bool:
    """Whether a cell is half of something in brackets, a date or a link; or still quoted."""
    if any(text.count(a) != text.count(b) for a, b in ("()", "[]", "{}")) or _PART.fullmatch(text):
        return True
    return len(text) > 1 and text[0] in "\"'`" and (text[-1] == text[0] or text[0] == '"')
