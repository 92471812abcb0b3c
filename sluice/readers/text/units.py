"""Rows below a header that are no records: units of measure, types, ruled lines."""

import re
from collections.abc import Sequence

_SYMBOL = (
    r"(?:[GMkhdcmµμun]?(?:m|g|s|A|K|V|W|Wh|J|N|Pa|bar|Hz|l|L|eV|B|mol|cd|Ω|rad|lm|lx|Bq|Sv)|t|min|h|hr|hrs|d|days?|"
    r"hours?|weeks?|months?|years?|seconds?|minutes?|kilometers?|met(?:er|re)s?|grams?|[%‰°#$€£¥]|°?[CF]|"
    r"deg(?:rees?|C|F)?|pp[mbt]|pct|percent|EUR|USD|GBP|CHF|JPY|euros?|dollars?|dB|ft|in|mi|lbs?|oz|mph|kn|kts?|psi|"
    r"px|pcs|units?|count|ha|ac|PSU|pH|a|ka|Ma|bp)"
)
_POWER = r"(?:\^?-?[1-4²³⁻¹]+|\*\*-?\d)?"
_UNIT = re.compile(rf"(?:1|10\^?\d+|1000)?\s?{_SYMBOL}{_POWER}(?:\s?[/*·. ×]\s?{_SYMBOL}{_POWER})*")
_BRACKETED = re.compile(r"\[[^\[\]]{0,30}\]|\([^()]{0,30}\)")
_TYPE = re.compile(
    r"(?:big|small)?int(?:eger)?\d*|float\d*|double|real|numeric|number|decimal|string|str|text|(?:var)?char(?:\(\d+\))?|"
    r"date|time|datetime\d*|timestamp|bool(?:ean)?|[yY]{4}\W?[mM]{2}\W?[dD]{2}|[dD]{2}\W[mM]{2}\W[yY]{4}|"
    r"[hH]{2}:[mM]{2}(?::[sS]{2})?"
)
_RULE = re.compile(r"[ \t]*:?[-=_*~+]{2,}:?[ \t]*")
_NONE = ("", "-", "--", "n/a", "none")


def is_rule(cells: Sequence[str]) -> bool:
    """A line drawn in each cell."""
    return bool(cells) and all(map(_RULE.fullmatch, cells))


def is_unit_row(cells: Sequence[str], kinds: Sequence[str]) -> bool:
    """Units (or types) in columns of numbers, dates or times, and nothing else."""
    texts = [cell.strip() for cell in cells]
    if not all(text.lower() in _NONE or _is_unit(text) for text in texts):
        return False
    return any(
        text and text not in ("-", "--") and k in ("number", "date", "time")
        for text, k in zip(texts, kinds, strict=False)
    )


def _is_unit(text: str) -> bool:
    return bool(_UNIT.fullmatch(text) or _BRACKETED.fullmatch(text) or _TYPE.fullmatch(text.lower()))
