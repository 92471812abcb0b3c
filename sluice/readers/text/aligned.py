"""Tables drawn for people, with columns that stand straight or in boxes, and such with quotes around whole lines: a
delimited copy of them, line for line.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sluice.readers.text.dialect import find_dialect
from sluice.readers.text.sample import Sample
from sluice.readers.text.tokens import Tokenizer

DELIMITER = "\x1f"
_SAMPLE = 1 << 16
_LINES = 200
_LEAST = 3  # lines that make a table
_MANY = 6  # lines that show columns with one blank between them
_FITTING = 0.8
_TAB = 8
_CLEAR = (",", ";", "|", "^", "~")
_RULE = re.compile(r"[ \t]*[-=+|:][-=+|: \t]*[-=]{2}[-=+|: \t]*")
_DASHES = re.compile(r" *(?:-+|=+)(?: +(?:-+|=+))+ *")
_GAP = re.compile(r"\S[ \t]{2,}\S|\t")
_EDGES = re.compile(r"^[ \t]*\|(.*)\|[ \t]*$")
_WRAPPED = re.compile(r'"((?:[^"]|"")*)"')

Cut = Callable[[str], Sequence[str] | None]


class Copy(NamedTuple):
    """The copy, and how the file's cells stood apart, for people."""

    path: Path
    delimiter: str


def aligned(path: Path, folder: Path) -> Copy | None:
    """A copy in ``folder`` with the cells of each line apart by ``DELIMITER``; None if the UTF-8 file is not such a
    table. A line that is none of its rows stays as it is.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        text = file.read(_SAMPLE)
    whole = len(text) < _SAMPLE
    if DELIMITER in text:
        return None
    wrapped = _wrapped(text, whole=whole)
    cut = wrapped or _boxes(text) or _underlined(text, whole=whole) or _columns(text, whole=whole)
    if not cut:
        return None
    target = folder / "aligned"
    with target.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        out.writelines(_copied(line, cut) for line in _lines(path))
    return Copy(target, "lines in quotes" if wrapped else "aligned")


def original(path: Path, found: Iterator[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """What was found in a copy, with the raw text of the file itself."""
    lines, at, raw = _lines(path), 0, ""
    for number, line, _ in found:
        while at < line:
            raw, at = next(lines), at + 1
        yield number, line, raw.rstrip("\r\n")


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        yield from file


def _copied(line: str, cut: Cut) -> str:
    text = line.rstrip("\r\n")
    cells = cut(text) if text.strip() and DELIMITER not in text else None
    return DELIMITER.join(cells) + line[len(text) :] if cells else line


def _wrapped(text: str, *, whole: bool) -> Cut | None:
    """For lines that are one quoted cell each, in which a whole table is found."""
    lines = [line for line in text.splitlines()[: None if whole else -1] if line]
    if len(lines) < 2 or not all(map(_WRAPPED.fullmatch, lines)):
        return None
    sample = Sample("\n".join(map(_unwrapped, lines)), True)
    tokenizer = Tokenizer(find_dialect(sample, {}))
    rows = [tokenizer.split(_unwrapped(line)) for line in lines]
    width = len(rows[0][0])
    # Two parts of each line may as well be a text with a comma in it.
    if width < (2 if '""' in text else 3) or " " in tokenizer.dialect.delimiter:
        return None
    if any(problem or len(row) != width for row, problem in rows):
        return None

    def cut(line: str) -> Sequence[str] | None:
        cells, problem = tokenizer.split(_unwrapped(line)) if _WRAPPED.fullmatch(line) else ([], "none")
        return None if problem else cells

    return cut


def _unwrapped(line: str) -> str:
    return line[1:-1].replace('""', '"')


def _boxes(text: str) -> Cut | None:
    """For rows between pipes with a rule of dashes below the header, as databases and Markdown have them."""
    lines = [line for line in text.splitlines()[:_LINES] if line.strip()]
    rules = [i for i, line in enumerate(lines) if _RULE.fullmatch(line)]
    header = next((i - 1 for i in rules if i and "|" in lines[i - 1]), None)
    if header is None or not all(c in "-=+|: \t" for c in lines[header + 1]):
        return None
    width = len(_piped(lines[header]))
    rows = [line for i, line in enumerate(lines) if i not in rules and "|" in line]
    plain = not set(lines[header + 1]) & set("+|") and all(map(_EDGES.match, rows))
    if width < 2 or not (plain or len(_ruled(lines[header + 1])) == width):
        return None
    if sum(len(_piped(row)) == width for row in rows) < _FITTING * len(rows):
        return None
    top = ["---"] * width if plain else [cell.strip() for cell in _ruled(lines[header + 1])]

    def cut(line: str) -> Sequence[str] | None:
        cells = [cell.strip() for cell in _piped(line)]
        return cells if len(cells) == width else None

    return _with_rules(cut, cut(lines[header]) or [], top)


def _with_rules(cut: Cut, header: Sequence[str], rule: Sequence[str]) -> Cut:
    """With cells for the rule below the header too; where the header stands again, its rule is a part of it."""
    below = itertools.chain([rule], itertools.repeat(header))
    state = {"below": False}

    def cut_or_rule(line: str) -> Sequence[str] | None:
        if _RULE.fullmatch(line):
            after, state["below"] = state["below"], False
            return next(below) if after else None
        cells = cut(line)
        state["below"] = cells == header
        return cells

    return cut_or_rule


def _piped(line: str) -> list[str]:
    edges = _EDGES.match(line)
    return re.split(r"(?<!\\)\|", edges[1] if edges else line)


def _ruled(line: str) -> list[str]:
    return re.split(r"[+|]", line.strip().strip("+|"))


def _underlined(text: str, *, whole: bool) -> Cut | None:
    """For columns whose names are underlined one by one."""
    lines = [line.expandtabs(_TAB) for line in text.splitlines()[: None if whole else -1] if line.strip()]
    at = next((i for i, line in enumerate(lines[:_LINES]) if i and _DASHES.fullmatch(line)), 0)
    rows = lines[at - 1 : _LINES] if at else []
    if len(rows) < _LEAST:
        return None
    stops = [0, *[group.start() for group in re.finditer(r"[-=]+", rows[1])][1:]]
    header, rule = [[cell.strip() for cell in _sliced(row, stops)] for row in rows[:2]]
    if not all(header) or sum(_fits(row, stops) for row in rows) < _FITTING * len(rows):
        return None
    return _with_rules(_cut(stops), header, rule)


def _columns(text: str, *, whole: bool) -> Cut | None:
    """For columns with blanks between them at the same places of all lines."""
    found = text.splitlines()[: _LINES if whole else -1][:_LINES]
    if sum(bool(_GAP.search(line)) for line in found) < len(found) / 2:
        return None
    lines = [line.expandtabs(_TAB) for line in found if line.strip() and not _RULE.fullmatch(line)]
    stops = _stops([line for line in lines if _GAP.search(line)])
    if len(stops) < 2 or len(lines) < _LEAST or _is_delimited(text, whole=whole):
        return None
    fitting = sum(_fits(line, stops) for line in lines)
    return _cut(stops) if fitting >= _FITTING * len(lines) else None


def _cut(stops: Sequence[int]) -> Cut:
    def cut(line: str) -> Sequence[str] | None:
        line = line.expandtabs(_TAB)
        return [cell.strip() for cell in _sliced(line, stops)] if _fits(line, stops) else None

    return cut


def _stops(lines: Sequence[str]) -> list[int]:
    """Where the columns begin: blanks stand before them in all lines, two at least in all but the first, the header."""
    size = max(map(len, lines), default=0)
    below, blank = _blank(lines[1:], size), _blank(lines, size)
    stops, i = [0], 0
    while i < len(blank):
        end = i
        while end < len(blank) and blank[end]:
            end += 1
        wide = end - i >= 2 or len(lines) >= _MANY or any((below[i - 1], *below[end : end + 1]))
        if 0 < i < end < len(blank) and wide:
            stops.append(end)
        i = end + 1
    header = next((line for line in lines if len(_named(line, stops)) > len(stops) / 2), "")
    return [
        a for a, b in zip(stops, [*stops[1:], size], strict=True) if not a or _is_column(lines, header, a, b)
    ]


def _blank(lines: Sequence[str], size: int) -> list[bool]:
    """The places where no line has text."""
    return [
        all(line[i : i + 1].isspace() or i >= len(line) for line in lines) for i in range(min(size, 4_000))
    ]


def _named(line: str, stops: Sequence[int]) -> list[str]:
    return [cell for cell in _sliced(line, stops) if cell.strip()]


def _is_column(lines: Sequence[str], header: str, start: int, end: int) -> bool:
    filled = sum(bool(line[start:end].strip()) for line in lines)
    return bool(header[start:end].strip()) and 2 * filled > len(lines)


def _sliced(line: str, stops: Sequence[int]) -> list[str]:
    return [line[a:b] for a, b in zip(stops, [*stops[1:], None], strict=True)]


def _fits(line: str, stops: Sequence[int]) -> bool:
    """Whether a blank stands before each column, and text in two of them."""
    return all(line[at - 1 : at] in ("", " ") for at in stops[1:]) and len(_named(line, stops)) > 1


def _is_delimited(text: str, *, whole: bool) -> bool:
    sample = Sample(text, whole)
    dialect = find_dialect(sample, {})
    if dialect.delimiter != "\t":
        return len(dialect.delimiter.strip()) > 1 or dialect.delimiter.strip() in _CLEAR
    rows = [r.cells for r in sample.records(dialect) if r.raw.strip()]
    filled = {sum(bool(cell.strip()) for cell in row) for row in rows}
    return len({len(row) for row in rows}) < 2 or len(filled) > 1
