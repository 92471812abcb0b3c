"""Footers: which lines below the last record are none, whether they have the table's width or not."""

import re
from collections.abc import Sequence

from sluice.readers.text.kinds import kind, typed_columns
from sluice.readers.text.records import Record
from sluice.readers.text.tables import end_line
from sluice.readers.text.tokens import Dialect
from sluice.readers.text.units import is_rule

RULE = re.compile(r"[-=_+|:*~ \t]*[-=_*~]{3}[-=_+|:*~ \t]*")
_COUNT = re.compile(
    r"\(?\s*[\d,.]+ (rows?|records?|lines?|entries|results?)\b.*|page \d+( (of|/) \d+)?|\d+ of \d+",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    r"\W*(grand |sub-? ?|over)?(totals?|all|sum|summe|gesamt|insgesamt|somme|totale?s?|suma)\b.{0,20}",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\W*(grand |sub-?)?(totals?|sum|summe|gesamt|notes?|source|sources|quelle|end of \w+|eof|footnotes?|legend|"
    r"disclaimer|copyright|generated|exported|created|printed|average|mean|remarks?|nota|page)\b",
    re.IGNORECASE,
)
_MARKED = re.compile(r"(\d{1,2}[/)]|[(\[]\d{1,2}[)\]])\s+[^\W\d].*")  # a note, behind its number
_END_MARK = "\x1a"  # of a file, under DOS
_ABOVE = 20  # records that show which cells are always filled
MOST = 50  # lines that a footer has


def closing_rows(tail: Sequence[Record], dialect: Dialect, kinds: Sequence[str]) -> frozenset[str]:
    """Texts of the last rows that are a footer though they have as many cells as the table, and of those without
    cells around it. Without a footer, rows of empty cells are records: whoever wrote them may have meant them.
    """
    found: set[str] = set()
    bare: set[str] = set()
    width, seen = len(kinds), 0
    if width == 1:
        return frozenset(r.raw for r in tail[-1:] if r.raw == _END_MARK)
    for place in range(len(tail) - 1, -1, -1):
        record = tail[place]
        if is_bare(record.raw, dialect.delimiter):
            bare.add(record.raw)
            continue
        if seen >= MOST or (
            not record.reason and len(record.cells) == width and not _is_last(tail, place, kinds)
        ):
            break
        seen += 1
        if not record.reason and len(record.cells) == width:
            found.add(record.raw)
    return frozenset(found | bare if seen else ())


def is_bare(raw: str, delimiter: str) -> bool:
    """Whether a line holds delimiters and nothing else."""
    if raw[:1] not in f"{delimiter} ":
        return False
    plain = delimiter.strip(" ") or delimiter
    rest = raw.replace(plain, "")
    return not (rest if plain == delimiter else rest.strip(" "))


def _is_last(tail: Sequence[Record], place: int, kinds: Sequence[str]) -> bool:
    record, width = tail[place], len(kinds)
    if not any(cell.strip() for cell in record.cells):
        return False
    apart = record.line > end_line(tail[place - 1]) + 1
    near = tail[max(place - _ABOVE, 0) : place]
    above = [r.cells for r in near if len(r.cells) == width and _is_full(r)]
    return bool(above) and _closes(record.cells, above, kinds, apart=apart)


def may_close(cells: Sequence[str]) -> bool:
    """Whether the row begins with a word of a footer."""
    return bool(_CLOSING.match(next((c for c in cells if c.strip()), "")))


def _is_full(record: Record) -> bool:
    return not record.reason and sum(bool(c.strip()) for c in record.cells) > 1


def _closes(
    cells: Sequence[str], above: Sequence[Sequence[str]], kinds: Sequence[str], *, apart: bool
) -> bool:
    """A total or note: it lacks what every record has, or has words where they have numbers."""
    filled = [i for i, cell in enumerate(cells) if cell.strip()]
    if is_rule([cells[i] for i in filled]):
        return True
    lacks = [i for i in range(len(cells)) if not cells[i].strip() and all(row[i].strip() for row in above)]
    first, typed = cells[filled[0]].strip(), typed_columns(kinds)
    strange = [i for i in typed if kind(cells[i]) not in (kinds[i], "empty")]
    if _TOTAL.fullmatch(first):
        return bool(lacks) and (len(lacks) * 2 >= len(cells) - 1 or filled[0] in strange)
    if filled == [0] and len(lacks) > 1 and kind(first) == "text":
        return apart or 0 in strange or bool(_CLOSING.match(first)) or first[0] in "*#"
    return apart and bool(_CLOSING.match(first)) and strange == typed != []


def is_footer(record: Record, around: str, kinds: Sequence[str], *, apart: bool) -> bool:
    """A line of a wrong width that differs in kind from the records; ``around``: characters that do not count at its
    ends; ``apart``: after a blank line.
    """
    text = record.raw.strip(around)
    first = record.cells[0].strip() if record.cells else text
    if not text or len(kinds) == 1:
        return False
    if text == _END_MARK or RULE.fullmatch(text) or _COUNT.fullmatch(text):
        return True
    if _CLOSING.match(first) or text[0] in "#*%":
        return True
    if _is_piece(record.cells, kinds):
        return False
    if kinds[0] not in ("text", "empty"):
        return bool(first) and kind(first) == "text"
    if len(record.cells) == 1 and (_MARKED.fullmatch(text) or (apart and text[-1] in ".:!")):
        return True
    return apart and len(text.split()) > 1


def _is_piece(cells: Sequence[str], kinds: Sequence[str]) -> bool:
    """The begin or the end of a broken record: values of the kinds that the columns there have."""
    if not 1 < len(cells) < len(kinds) or all(cell[:1] == " " for cell in cells[1:]):
        return False
    return any(_agrees(cells, columns) for columns in (kinds[: len(cells)], kinds[-len(cells) :]))


def _agrees(cells: Sequence[str], kinds: Sequence[str]) -> bool:
    typed = [(kind(cell), k) for cell, k in zip(cells, kinds, strict=True) if k not in ("text", "empty")]
    return all(a in (k, "empty") for a, k in typed) and any(a == k for a, k in typed)
