"""What the values of a column have in common: allowed values, bounds, lengths, patterns, formats."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sluice.contracts.rules import TEXT_FORMATS
from sluice.contracts.sql import literal, pattern_problem
from sluice.infer.cells import Cells, Profile, shown
from sluice.infer.kinds import Kind
from sluice.infer.words import has_word
from sluice.readers.typing import typed

_MANY = 30  # values from which a pattern or a length is more than chance
_ENUM = 30
_RANGES = (
    (r"lat|latitude|breitengrad", -90, 90),
    (r"lon|lng|longitude|längengrad", -180, 180),
    (r"month|monat", 1, 12),
    (r"quarter|quartal", 1, 4),
    (r"hour|stunde", 0, 23),
)
_PARTS = re.compile(r"\d+|[A-Z]+|[a-z]+|[^\dA-Za-z]")


@dataclass(slots=True)
class Limits:
    """``options`` of the logical type, allowed ``values``, and what was seen."""

    options: dict[str, Any] = field(default_factory=dict)
    values: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_limits(cells: Cells, profile: Profile, kind: Kind, name: str) -> Limits:
    """Limits for the column that ``cells`` has open; each holds for all of its cells, or the note names others."""
    found = Limits()
    if kind.logical in ("integer", "number"):
        _bounds(cells, profile, kind, name, found)
    elif kind.logical in ("date", "timestamp", "time"):
        value = typed(kind.column, "value")
        low, high = cells.row(f"SELECT min({value})::VARCHAR, max({value})::VARCHAR FROM v")  # noqa: S608
        found.notes.append(f"from {low} to {high}")
    elif kind.logical == "string" and not kind.physical and profile.texts:
        _text(cells, profile, kind, found)
    return found


def _bounds(cells: Cells, profile: Profile, kind: Kind, name: str, found: Limits) -> None:
    value = typed(kind.column, "value")
    low, high, least, most = cells.row(
        "SELECT least::VARCHAR, most::VARCHAR, least, most "  # noqa: S608
        f"FROM (SELECT min({value}) AS least, max({value}) AS most FROM v)"
    )
    found.notes.append(f"from {low} to {high}")
    for words, minimum, maximum in _RANGES:
        if has_word(name, words) and minimum <= least and most <= maximum:
            found.options |= {"minimum": minimum, "maximum": maximum}
            found.notes.append(f"bounds {minimum} and {maximum} by the column's name")
            return
    if least >= 0 and kind.good >= _MANY and profile.distinct > 2:
        found.options["minimum"] = 0
        found.notes.append("never negative")


def _text(cells: Cells, profile: Profile, kind: Kind, found: Limits) -> None:
    nulls = ", ".join(map(literal, ("", *kind.nulls)))
    held = f"FROM v WHERE value NOT IN ({nulls})"
    for name in ("email", "url", "uuid", "ipv4"):
        pattern = TEXT_FORMATS[name]
        if sum(re.match(pattern, text) is not None for text in profile.texts) * 100 < 95 * len(profile.texts):
            continue
        misses = cells.rows(
            f"SELECT left(value, 200), sum(n) OVER ()::BIGINT {held} AND NOT regexp_matches(value, {literal(pattern)}) "
            "ORDER BY n DESC, value LIMIT 5"
        )
        if misses and misses[0][1] * 20 > profile.filled:
            continue
        found.options["format"] = name
        but = f"; {misses[0][1]:,} are not: {', '.join(shown(text) for text, _ in misses)}" if misses else ""
        found.notes.append(
            f"{profile.filled - (misses[0][1] if misses else 0):,} cells have the form of {name}{but}"
        )
        return
    if _enum(cells, profile, held, found):
        return
    shortest, longest, distinct = cells.row(f"SELECT min(length(value)), max(length(value)), count(*) {held}")
    if distinct < _MANY:
        return
    pattern = _pattern(profile.texts)
    if (
        pattern
        and not cells.row(f"SELECT count(*) {held} AND NOT regexp_matches(value, {literal(pattern)})")[0]
    ):
        found.options["pattern"] = pattern
        found.notes.append(f"all {distinct:,} different texts have one pattern")
    elif shortest == longest and longest > 1:
        found.options |= {"minLength": shortest, "maxLength": longest}
        found.notes.append(f"all {distinct:,} different texts have {longest} characters")
    else:
        found.notes.append(f"{shortest:,} to {longest:,} characters")


def _enum(cells: Cells, profile: Profile, held: str, found: Limits) -> bool:
    """Few different texts among many cells."""
    if not 2 <= profile.distinct <= _ENUM + len(profile.nulls) or profile.longest > 60:
        return False
    rows = cells.rows(f"SELECT value, n {held} ORDER BY n DESC, value")
    count = sum(n for _, n in rows)
    if not 2 <= len(rows) <= _ENUM or count < 20 or len(rows) * 10 > count:
        return False
    if any(not text.isprintable() for text, _ in rows):
        return False
    found.values = [text for text, _ in rows]
    listed = ", ".join(f"{shown(text)} {n:,}" for text, n in rows[:8])
    found.notes.append(
        f"{len(rows)} different texts in {count:,} cells: {listed}{', ...' if len(rows) > 8 else ''}"
    )
    return True


def _pattern(texts: Sequence[str]) -> str:
    """One pattern for all texts, of constant parts and runs of digits or letters; '' if they have none in common."""
    split = [_PARTS.findall(text) for text in texts]
    first = split[0]
    if not any(part.isdigit() for part in first) or len(first) > 12:
        return ""
    shapes = Counter(tuple(_sort(part) for part in parts) for parts in split)
    if len(shapes) != 1:
        return ""
    pieces = []
    for at, part in enumerate(first):
        seen = {parts[at] for parts in split}
        sizes = {len(one) for one in seen}
        sort = _sort(part)
        if len(seen) == 1 and not part.isdigit():
            pieces.append(re.sub(r"([\\.^$*+?()\[\]{}|])", r"\\\1", part))
        elif sort in ("[0-9]", "[A-Z]", "[a-z]"):
            pieces.append(sort + ("+" if len(sizes) > 1 else "" if sizes == {1} else f"{{{sizes.pop()}}}"))
        else:
            return ""
    if len(first) == 1 and "+" in pieces[0]:
        return ""
    pattern = f"^{''.join(pieces)}$"
    return "" if pattern_problem(pattern) else pattern


def _sort(part: str) -> str:
    if part.isascii() and part.isdigit():
        return "[0-9]"
    if part.isascii() and part.isalpha():
        return "[A-Z]" if part.isupper() else "[a-z]"
    return part
