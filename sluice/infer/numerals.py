"""How a column's numbers are written: decimal sign, thousands sign, what stands beside them, negatives."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.contracts.model import Numbers
from sluice.infer.words import UNITS

_SPACES = " \u00a0\u2009\u202f"
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_GAP = f"[{_SPACES}]?"
_SHAPE = re.compile(
    rf"(?P<sign>[+\u2212-]{_GAP})?(?P<open>\()?(?P<before>{_UNIT})?{_GAP}(?P<sign2>[+\u2212-])?(?P<open2>\()?"
    rf"(?P<core>\d[\d.,'\u2019{_SPACES}]*|[.,]\d+){_GAP}(?P<exp>[eE][+-]?\d+)?"
    rf"(?P<after>{_UNIT})?(?P<close>\))?{_GAP}(?P<trail>[\u2212-])?(?P<after2>{_GAP}(?:{_UNIT}))?"
)
_GROUPED = r"\d{{1,3}}({0}\d{{3}})+|\d{{1,2}}({0}\d{{2}})+{0}\d{{3}}"


@dataclass(frozen=True, slots=True)
class Numerals:
    """``numbers`` is None where plain digits and a point are all. ``open``: one sign with three digits after it
    in each text, so that it may be either.
    """

    numbers: Numbers | None
    share: float
    open: str = ""
    voted: str = ""


def numerals(texts: Sequence[str], decimal: str = "") -> Numerals | None:
    """How the texts are written as numbers; None if few are. ``decimal``: what other columns say of the sign."""
    matches = [match for text in texts if (match := _SHAPE.fullmatch(text.strip(f"\t{_SPACES}")))]
    if not texts or len(matches) * 10 < len(texts) * 6:
        return None
    units = Counter(
        unit.strip(_SPACES) for m in matches for unit in (m["before"], m["after"], m["after2"]) if unit
    )
    kinds = {UNITS[unit] for unit in units}
    if len(kinds - {"%"}) > 1 or ("%" in kinds and len(kinds) > 1):
        return None
    parentheses = any((m["open"] or m["open2"]) and m["close"] for m in matches)
    trailing = any(m["trail"] for m in matches)
    point, groups, maybe = _signs([m["core"].strip(_SPACES) for m in matches])
    voted = point
    if maybe and not point and maybe not in groups:
        wanted = decimal or "."
        point, groups = (maybe, groups) if maybe == wanted else (wanted, [*groups, maybe])
    elif maybe and maybe != point:
        groups = list(dict.fromkeys([*groups, maybe]))
    point = point or ("," if "." in groups else ".")
    negatives = ("parentheses",) * parentheses + ("trailing",) * trailing
    odd_minus = any("\u2212" in m[0] for m in matches)
    found = Numbers(point, tuple(dict.fromkeys(groups)), tuple(sorted(units)), negatives)
    plain = found == Numbers() and not odd_minus
    return Numerals(None if plain else found, len(matches) / len(texts), maybe if not voted else "", voted)


def _signs(cores: Sequence[str]) -> tuple[str, list[str], str]:
    """The decimal sign, the thousands signs, and a sign that may be either, as most of the texts show them."""
    points: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    either: Counter[str] = Counter()
    for core in cores:
        found = re.sub(r"\d", "", core).translate({ord(c): " " for c in _SPACES} | {0x2019: "'"})
        if not found:
            continue
        last = found[-1]
        if last in " '":
            groups.update(set(found))
        elif len(set(found)) > 1:
            points[last] += found.count(last) == 1
            groups.update(set(found) - {last})
        elif len(found) > 1:
            groups[last] += bool(re.fullmatch(_GROUPED.format(re.escape(last)), core))
        elif re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", core):
            either[last] += 1
        else:
            points[last] += 1
    point = max(points, key=points.__getitem__, default="")
    thousands = [sign for sign, count in groups.items() if count and sign != point]
    if groups[point] > points[point]:
        thousands, point = [point, *thousands], ""
    maybe = max(either, key=either.__getitem__, default="")
    return point, thousands, maybe
