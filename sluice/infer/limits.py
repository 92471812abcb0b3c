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


def find_limits(cells: Cells, profile: Profile, kind: Kind, name: str, personal: bool) -> Limits:
    """Limits for the column that ``cells`` has open; each holds for all of its cells, or the note names others.

    Data about persons is no list of allowed values: another person comes tomorrow.
    """
    found = Limits()
    if kind.logical in ("integer", "number"):
        _bounds(profile, kind, name, found)
    elif kind.logical in ("date", "timestamp", "time"):
        found.notes.append(f"from {kind.low} to {kind.high}")
    elif kind.logical == "string" and not kind.physical and profile.texts:
        _text(cells, profile, kind, personal, found)
    return found


def _bounds(profile: Profile, kind: Kind, name: str, found: Limits) -> None:
    least, most = float(kind.low), float(kind.high)
    found.notes.append(f"from {kind.low} to {kind.high}")
    for words, minimum, maximum in _RANGES:
        if has_word(name, words) and minimum <= least and most <= maximum:
            found.options |= {"minimum": minimum, "maximum": maximum}
            found.notes.append(f"bounds {minimum} and {maximum} by the column's name")
            return
    if least >= 0 and kind.good >= _MANY and profile.distinct > 2:
        found.options["minimum"] = 0


def _text(cells: Cells, profile: Profile, kind: Kind, personal: bool, found: Limits) -> None:
    nulls = ", ".join(map(literal, ("", *kind.nulls)))
    held = f"FROM v WHERE value NOT IN ({nulls})"
    for name in ("email", "url", "uuid", "ipv4"):
        pattern = TEXT_FORMATS[name]
        if sum(re.match(pattern, text) is not None for text in profile.texts) * 100 < 95 * len(profile.texts):
            continue
        misses = cells.rows(
            f"SELECT left(any_value(value), 200), sum(sum(n)) OVER ()::BIGINT {held} "
            f"AND NOT regexp_matches(value, {literal(pattern)}) GROUP BY hash(value) ORDER BY sum(n) DESC, 1 LIMIT 5"
        )
        if misses and misses[0][1] * 20 > profile.filled:
            continue
        found.options["format"] = name
        but = f"; {misses[0][1]:,} are not: {', '.join(shown(text) for text, _ in misses)}" if misses else ""
        good = f"{profile.filled - misses[0][1]:,}" if misses else "all"
        found.notes.append(f"{good} have the form of {name}{but}")
        return
    if (not personal and _enum(cells, profile, held, found)) or profile.distinct < _MANY:
        return
    pattern = pattern_of(profile.texts)
    shortest, longest, odd = profile.shortest, profile.longest, 1
    if kind.nulls or pattern:
        others = f"count(*) FILTER (NOT regexp_matches(value, {literal(pattern)}))" if pattern else "1"
        shortest, longest, odd = cells.row(f"SELECT min(length(value)), max(length(value)), {others} {held}")
    if not odd:
        found.options["pattern"] = pattern
        found.notes.append("all have the pattern")
    elif shortest == longest and longest > 1:
        found.options |= {"minLength": shortest, "maxLength": longest}
        found.notes.append(f"all have {longest} characters")
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


def pattern_of(texts: Sequence[str]) -> str:
    """One pattern for all texts, of constant parts and runs of digits or letters; '' if they have none in common."""
    split = [_PARTS.findall(text) for text in texts] or [[]]
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
