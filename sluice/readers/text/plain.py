"""Columns that are written in one plain way throughout: their kind is known without a look at each cell."""

import re
from collections.abc import Sequence
from functools import lru_cache

_WAYS = {
    "number": r"-?\d+(?:\.\d+)?",
    "date": r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d)?",
    "link": r"[a-z][a-z0-9._]*@[a-z0-9.-]+\.[a-z]{2,}",
    "text": r"[A-Za-z][^\n]* [^\n]*\S",
}
_CODE = re.compile(r"([Aa]+)([-_]?)9")
_SHORT = 40  # characters that no code has
_MOST = 1_000_000  # characters that are put together


def all_like(cells: Sequence[str], kind: str) -> bool:
    """Whether all cells but empty ones are clearly of the kind. False shows nothing."""
    pattern = _column(kind)
    if sum(map(len, cells)) > _MOST:
        return False
    text = "\n".join(cells) + "\n"
    if not pattern or text.count("\n") != len(cells):
        return False
    short = kind in _WAYS or max(map(len, cells)) < _SHORT
    return short and bool(pattern.fullmatch(text))


@lru_cache(256)
def _column(kind: str) -> re.Pattern[str] | None:
    way = _WAYS.get(kind, "")
    if not way and (code := _CODE.fullmatch(kind)):
        letters = "".join("[A-Z]" if letter == "A" else "[a-z]" for letter in code[1])
        way = rf"{letters}{code[2]}\d+"
    return re.compile(rf"(?:(?:{way})?\n)*+") if way else None
