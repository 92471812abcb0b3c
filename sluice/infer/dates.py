"""Which date and time patterns a column's texts are written in; day-first and month-first are two answers."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.readers.months import ANY_MONTH

_MONTH = f"(?:{ANY_MONTH})"
_DATES = (
    (r"\d{4}-\d{1,2}-\d{1,2}", "iso"),
    (r"\d{4}(?P<s0>[/.])\d{1,2}(?P=s0)\d{1,2}", "yyyy{s}MM{s}dd"),
    (r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", "yyyyMMdd"),
    (r"\d{1,2}(?P<s1>[-/. ])\d{1,2}(?P=s1)\d{4}", "{a}{s}{b}{s}yyyy"),
    (r"\d{1,2}(?P<s2>[-/.])\d{1,2}(?P=s2)\d{2}", "{a}{s}{b}{s}yy"),
    (rf"\d{{1,2}}(?P<s3>[- ./]){_MONTH}\.?(?P=s3)\d{{4}}", "d{s}{m}{s}yyyy"),
    (rf"\d{{1,2}}\. {_MONTH}\.? \d{{4}}", "d. {m} yyyy"),
    (rf"\d{{1,2}} de {_MONTH}\.? de \d{{4}}", "d 'de' {m} 'de' yyyy"),
    (rf"\d{{1,2}}(?P<s4>[- ./]){_MONTH}\.?(?P=s4)\d{{2}}", "d{s}{m}{s}yy"),
    (rf"{_MONTH}\.? \d{{1,2}}, \d{{4}}", "{m} d, yyyy"),
    (rf"{_MONTH}\.? \d{{1,2}} \d{{4}}", "{m} d yyyy"),
    (rf"(?:mon|tue|wed|thu|fri|sat|sun), \d{{1,2}} {_MONTH} \d{{4}}", "EEE, d MMM yyyy"),
)  # fmt: skip
_TIME = r"(?P<clock>\d{1,2}:\d{2}(?P<sec>:\d{2}(?P<frac>[.]\d{1,6})?)?)(?P<half> ?[ap]m)?"
_ZONE = r"(?P<zone>(?P<gap> ?)(?:z|utc|gmt|[+-]\d{2}(?::?\d{2})?))?"
_SHAPES = [
    (re.compile(rf"{date}(?:(?P<join>T|,? ){_TIME}{_ZONE})?", re.IGNORECASE), pattern)
    for date, pattern in _DATES
]
_CLOCK = re.compile(_TIME, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Written:
    """Patterns of most of the texts. ``formats`` has {a} and {b} for day and month where the order is open;
    empty: all are ISO. ``sign``: what stands between day and month there.
    """

    logical: str
    formats: tuple[str, ...]
    zoned: bool
    share: float
    sign: str = ""

    @property
    def open(self) -> bool:
        """Whether day-first and month-first are both possible."""
        return any("{a}" in one for one in self.formats)

    def ordered(self, first: str) -> tuple[str, ...]:
        """The formats day-first ('d') or month-first ('M')."""
        a, b = ("dd", "MM") if first == "d" else ("MM", "dd")
        return tuple(one.replace("{a}", a).replace("{b}", b) for one in self.formats)


def written(texts: Sequence[str]) -> Written | None:
    """How the texts are written as dates or timestamps; None if few of them are."""
    found: Counter[tuple[str, bool, bool, str]] = Counter()
    for text in texts:
        if one := _pattern(text):
            found[one] += 1
    total = sum(found.values())
    if not texts or total * 10 < len(texts) * 6:
        return None
    common = [one for one, count in found.most_common(6) if count * 100 >= total]
    timed = any(one[1] for one in common)
    zoned = any(one[2] for one in common)
    iso = all(one[0].startswith("iso") for one in common)
    formats = () if iso else tuple(dict.fromkeys(_iso_format(one[0]) for one in common))
    sign = next((one[3] for one in common if "{a}" in one[0]), "")
    return Written("timestamp" if timed else "date", formats, zoned, total / len(texts), sign)


def clock_formats(texts: Sequence[str]) -> tuple[str, ...] | None:
    """The formats of times of day, () for ISO; None if few of the texts are times."""
    found = Counter(_clock(match) for text in texts if (match := _CLOCK.fullmatch(text.strip())))
    if not texts or found.total() * 10 < len(texts) * 6:
        return None
    return tuple(one for one in found if one.endswith("a"))


def _pattern(text: str) -> tuple[str, bool, bool, str] | None:
    bare = text.strip()
    for shape, pattern in _SHAPES:
        match = shape.fullmatch(bare)
        if not match:
            continue
        sign = next(
            (
                value
                for key, value in match.groupdict().items()
                if key[0] == "s" and key[1:].isdigit() and value
            ),
            "",
        )
        date = pattern.replace("{s}", sign).replace("{m}", _month(bare))
        if not match["clock"]:
            return date, False, False, sign
        join = f"'{match['join']}'" if match["join"] in "Tt" else match["join"]
        zone = ("" if not match["gap"] else " ") + _zone(match["zone"]) if match["zone"] else ""
        return f"{date}{join}{_clock(match)}{zone}", True, bool(match["zone"]), sign
    return None


def _month(text: str) -> str:
    found = re.search(_MONTH, text, re.IGNORECASE)
    word = found[0].lower() if found else ""
    return "MMMM" if len(word) > 3 and word not in ("janv", "févr", "juil", "sept") else "MMM"


def _clock(match: re.Match[str]) -> str:
    hour = "h" if match["half"] else "HH"
    seconds = ":ss" if match["sec"] else ""
    half = "" if not match["half"] else " a" if match["half"].startswith(" ") else "a"
    return f"{hour}:mm{seconds}{'.SSS' if match['frac'] else ''}{half}"


def _zone(text: str) -> str:
    return "z" if text.strip().lower() in ("utc", "gmt") else "XXX"


def _iso_format(pattern: str) -> str:
    return pattern.replace("iso", "yyyy-MM-dd")
