"""The type of a column: candidates from some of its texts, each tried on all of them with the reader's own SQL."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sluice.contracts.model import Booleans, Column, Numbers
from sluice.contracts.sql import literal
from sluice.contracts.types import column_type, strptime_formats
from sluice.infer import dates, numerals
from sluice.infer.cells import BLANKS, Cells, Profile, shown
from sluice.infer.words import BOOLEANS, NULLS_ANYWHERE, USUAL_FALSE, USUAL_TRUE, is_code, is_count
from sluice.readers.texts import is_empty
from sluice.readers.values import typed

_UUID = re.compile(r"\{?[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?")
_MIDNIGHT = re.compile(r"\b(0?0:00(:00(\.0+)?)?( ?am)?|12:00(:00)? ?am)\b", re.IGNORECASE)
_POWER = re.compile(r"\d([.,]\d{1,9})?E\+[12]\d")  # as spreadsheets show whole numbers of more than 11 digits
_MOST_BAD = 5  # untyped texts that are named


@dataclass(frozen=True, slots=True)
class Locale:
    """What the columns that are clear say about those that are not; with the names of columns as witnesses."""

    decimal: str = ""
    decimal_by: str = ""
    order: str = ""
    order_by: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type, how its cells are written, and how many are. ``low`` and ``high``: the least and the greatest value.
    ``open`` tells what only other columns can decide. ``votes``: what this column says to others.
    """

    logical: str = "string"
    physical: str = ""
    zoned: bool = False
    formats: tuple[str, ...] = ()
    numbers: Numbers | None = None
    booleans: Booleans | None = None
    nulls: tuple[str, ...] = ()
    good: int = 0
    bad: int = 0
    low: str = ""
    high: str = ""
    examples: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()
    open: str = ""
    votes: dict[str, str] = field(default_factory=dict)

    @property
    def column(self) -> Column:
        """As the reader types it."""
        kind = column_type(self.logical, self.physical, "", self.zoned)
        formats = tuple(dict.fromkeys(one for text in self.formats for one in strptime_formats(text)))
        return Column(
            "c", kind.logical, kind.duckdb, kind.postgres, formats=formats, null_values=("", *self.nulls),
            numbers=self.numbers, booleans=self.booleans,
        )  # fmt: skip


def find_kind(cells: Cells, profile: Profile, name: str, locale: Locale) -> Kind:
    """The type of the column that ``cells`` has open."""
    text = Kind(nulls=_text_nulls(profile), good=profile.filled)
    if not profile.texts:
        return text
    if profile.padded:
        listed = ", ".join(map(shown, profile.padded))
        return replace(text, notes=(f"text, since leading zeros would be lost: {listed}",))
    if cut := _cut_codes(profile, name):
        return replace(text, notes=(f"text: a spreadsheet cut codes, their last digits are lost: {cut}",))
    tried = _all_tried(cells, _candidates(profile, name, locale))
    possible = [one for one in tried if _is_believed(one)]
    if not possible:
        return text
    best = max(possible, key=lambda one: one.good)
    if best.logical in ("date", "timestamp") and best.formats:
        best = _ordered(best, tried, locale)
    if best.logical == "number":
        best = _number(cells, best)
    return best


def _cut_codes(profile: Profile, name: str) -> str:
    """Texts such as 1.23E+11 among long whole numbers, or where the column's name is that of a code."""
    texts = [text.strip(BLANKS) for text in profile.texts]
    cut = [text for text in texts if _POWER.fullmatch(text)]
    whole = [text for text in texts if text.isdigit() and len(text) >= 10]
    if not cut or not (is_code(name) or (whole and len(cut) + len(whole) == len(texts))):
        return ""
    return ", ".join(map(shown, cut[:3]))


def _text_nulls(profile: Profile) -> tuple[str, ...]:
    signs = {text.strip(BLANKS) for text, _ in profile.common}
    return tuple(
        text for text in profile.nulls
        if text.strip(BLANKS).lower() in NULLS_ANYWHERE or (text.strip(BLANKS) == "-" and "+" not in signs)
    )  # fmt: skip


def _candidates(profile: Profile, name: str, locale: Locale) -> Iterator[Kind]:
    """Likelier ones first: they win a draw."""
    texts = [text.strip(BLANKS) for text in profile.texts]
    base = Kind(nulls=tuple(dict.fromkeys(text.strip(BLANKS) for text in profile.nulls)))
    if _most(texts, lambda text: _UUID.fullmatch(text) is not None):
        yield replace(base, physical="uuid")
    for logical, (first, last) in (("object", "{}"), ("array", "[]")):
        closed = [text for text in texts if text[0] == first and (len(text) == 200 or text[-1] == last)]
        if len(closed) * 10 >= len(texts) * 6:
            yield replace(base, logical=logical)
    if booleans := _booleans(profile, name):
        yield replace(base, logical="boolean", booleans=booleans if booleans != Booleans() else None)
    if not is_code(name):
        if written := dates.written(texts):
            yield from _dates(base, written, texts, name)
        yield from _numbers(base, texts, locale)
    clocks = dates.clock_formats(texts)
    if clocks is not None:
        yield replace(base, logical="time", formats=clocks)


def _most(texts: list[str], check: Callable[[str], bool]) -> bool:
    return sum(map(check, texts)) * 10 >= len(texts) * 6


def _booleans(profile: Profile, name: str) -> Booleans | None:
    """The words that the contract must name (none for the usual ones); None where the column is not of two words."""
    words = {text.strip(BLANKS).lower(): count for text, count in profile.common[:10]}
    if profile.distinct - len(profile.nulls) > 10:
        return None
    known = sum(words.values())
    for true, false in BOOLEANS:
        yes, no = words.keys() & true, words.keys() & false
        if sum(words[word] for word in yes | no) * 100 < 98 * known or not (yes and no):
            continue
        if yes | no == {"0", "1"} and (is_count(name) or profile.filled < 10):
            return None
        return Booleans(tuple(sorted(yes - USUAL_TRUE)), tuple(sorted(no - USUAL_FALSE)))
    return None


def _dates(base: Kind, written: dates.Written, texts: list[str], name: str) -> Iterator[Kind]:
    bare_digits = all(text.isdigit() for text in texts)
    if bare_digits and (written.share < 0.95 or len(texts) < 5):
        return
    midnight = all(_MIDNIGHT.search(text) for text in texts if ":" in text)
    logicals = (
        ("date",) if written.logical == "date" else ("date", "timestamp") if midnight else ("timestamp",)
    )
    for logical in logicals:
        zoned = written.zoned and logical == "timestamp"
        for first in "dM" if written.open else "d":
            formats = written.ordered(first)
            order = {"order": first, "sign": written.sign} if written.open else {}
            yield replace(base, logical=logical, zoned=zoned, formats=formats, votes=order)


def _numbers(base: Kind, texts: list[str], locale: Locale) -> Iterator[Kind]:
    phones = sum(text[0] == "+" and len(text) > 8 for text in texts)
    found = numerals.numerals(texts, locale.decimal)
    if found is None or phones * 2 > len(texts) or any(len(text) > 18 and text.isdigit() for text in texts):
        return
    votes, notes = {}, []
    if found.voted:
        votes["decimal"] = found.voted
    if found.open:
        by = f"column {locale.decimal_by}" if locale.decimal else "no other column, so by English custom"
        is_group = bool(found.numbers and found.open in found.numbers.thousands)
        meaning = "thousands" if is_group else "decimal"
        notes.append(
            f"'{found.open}' is always followed by three digits: taken as the {meaning} sign by {by}"
        )
    if found.numbers and found.numbers.units:
        notes.append(f"{' '.join(found.numbers.units)} beside the numbers is not part of the value")
    if found.numbers and "parentheses" in found.numbers.negatives and {"-", "\u2212"} & set(base.nulls):
        base = replace(base, nulls=tuple(text for text in base.nulls if text not in ("-", "\u2212")))
        notes.append("'-' is 0, as beside negatives in parentheses")
    point = found.numbers.decimal if found.numbers else "."
    broken = sum(point in text for text in texts)
    for logical in ("integer", "number") if broken * 2 < len(texts) else ("number",):
        yield replace(
            base, logical=logical, numbers=found.numbers, notes=tuple(notes), votes=votes,
            open="decimal" if found.open else "",
        )  # fmt: skip


def _all_tried(cells: Cells, candidates: Iterator[Kind]) -> list[Kind]:
    """Nothing beats a type that all cells have, but for the other order of day and month."""
    tried: list[Kind] = []
    for one in candidates:
        perfect = next((other for other in tried if not other.bad), None)
        if perfect is None or ("order" in one.votes and one.logical == perfect.logical):
            tried.append(_tried(cells, one))
    return tried


def _tried(cells: Cells, kind: Kind) -> Kind:
    """The candidate on all of the column's texts."""
    column = kind.column
    value, filled = typed(column, "value"), f"NOT ({empty(column)})"
    good, bad, low, high = cells.row(
        "SELECT coalesce(sum(n) FILTER (t IS NOT NULL), 0)::BIGINT, coalesce(sum(n) FILTER (t IS NULL), 0)::BIGINT, "  # noqa: S608
        f"min(t)::VARCHAR, max(t)::VARCHAR FROM (SELECT n, {value} AS t FROM v WHERE {filled})"
    )
    listed: list[tuple[Any, ...]] = []
    if bad and good * 10 >= (good + bad) * 6:
        listed = cells.rows(
            f"SELECT left(any_value(value), 200), sum(n)::BIGINT FROM v WHERE {filled} AND {value} IS NULL "  # noqa: S608
            f"GROUP BY hash(value) ORDER BY 2 DESC, 1 LIMIT {_MOST_BAD}"
        )
    return replace(kind, good=good, bad=bad, low=low or "", high=high or "", examples=tuple(listed))


def empty(column: Column) -> str:
    """SQL: the text in ``v`` is empty to the column; only words that may mean so need a closer look."""
    return f"sort = 0 OR (sort = 1 AND {is_empty(column, 'value')})"


def _is_believed(kind: Kind) -> bool:
    """A wrong type rejects good records, while text never does: numbers and words need more than shapes do."""
    total = kind.good + kind.bad
    if not kind.good or kind.good * 10 < total * 8:
        return False
    if kind.logical in ("date", "timestamp", "object", "array") or kind.physical == "uuid":
        return True
    words = len(kind.examples) <= 2 and not any(c.isdigit() for text, _ in kind.examples for c in text)
    return kind.good * 100 >= total * 95 or words


def _ordered(best: Kind, tried: list[Kind], locale: Locale) -> Kind:
    """Day-first or month-first, by the whole column, else by its sign, else by other columns."""
    if "order" not in best.votes:
        return best
    both = {one.votes["order"]: one for one in tried if one.logical == best.logical and "order" in one.votes}
    day, month = both["d"], both["M"]
    if day.good != month.good:
        won, lost = (day, month) if day.good > month.good else (month, day)
        only = f"{_first(won)}, since {_first(lost)} {won.good - lost.good:,} fewer would be dates"
        return replace(won, notes=(only,))
    if best.votes["sign"] == ".":
        return replace(day, notes=("day-first, as dates with points are",), votes={})
    half = any(one.endswith("a") for one in best.formats)
    chosen = {"d": day, "M": month}.get(locale.order) or (month if half else day)
    why = (
        f"chosen {_first(chosen)} as column {locale.order_by}" if locale.order
        else f"chosen {_first(chosen)} by AM and PM" if half
        else f"chosen {_first(chosen)} without evidence: check it"
    )  # fmt: skip
    note = f"AMBIGUOUS: each cell may be day-first or month-first; {why}"
    return replace(chosen, notes=(note,), open="order", votes={})


def _first(kind: Kind) -> str:
    return "day-first" if kind.votes.get("order") == "d" else "month-first"


def _number(cells: Cells, kind: Kind) -> Kind:
    """An exact decimal where few decimals do, as for money; else floating."""
    point = re.escape(kind.numbers.decimal if kind.numbers else ".")
    decimals = f"regexp_extract(value, {literal(f'{point}([0-9]*[1-9])')}, 1)"
    powers = "regexp_matches(value, '[0-9][eE][+-]?[0-9]')"
    scale, power = cells.row(
        f"SELECT coalesce(max(strlen({decimals})), 0), coalesce(bool_or({powers}), false) "  # noqa: S608
        f"FROM v WHERE NOT ({empty(kind.column)})"
    )
    whole = len(str(int(max(abs(float(kind.low)), abs(float(kind.high))))))
    if power or scale > 4 or whole + scale > 15:
        return kind
    scale = max(scale, 2)
    return replace(kind, physical=f"numeric({min(max(whole + scale + 3, 12), 38)},{scale})")
