"""SQL that reads numbers and truth values in the spellings that a contract names."""

import re

from sluice.contracts.model import Booleans, Numbers
from sluice.readers.spool import quote_text

_SPACES, _APOSTROPHES = " \u00a0\u2009\u202f", "'\u2019"
_GAP = f"[{_SPACES}]?"
_MINUS = "\u2212-"


def boolean(words: Booleans, bare: str, usual: str) -> str:
    """The contract's own words first, in any capitals, then the usual ones."""
    cases = "".join(
        f" WHEN lower({bare}) IN ({', '.join(map(quote_text, listed))}) THEN {value}"
        for value, listed in (("true", words.true), ("false", words.false))
        if listed
    )
    return f"CASE{cases} ELSE {usual} END" if cases else usual


def number(numbers: Numbers, duckdb_type: str, bare: str, scale: int | None) -> str:
    """``scale``: the most decimals that count, None for whole numbers, -1 for floating ones (with an exponent)."""
    decimal = re.escape(numbers.decimal)
    plain = f"regexp_replace({bare}, '{_quoted(_unit(numbers))}', '', 'g')" if numbers.units else bare
    more = "eE-" if scale == -1 else ""
    digits = f"regexp_replace({plain}, '{_quoted(f'[^0-9{decimal}{more}]')}', '', 'g')"
    digits = f"replace(trim({digits}, '-'), {quote_text(numbers.decimal)}, '.')"
    minus = f"CASE WHEN regexp_matches({plain}, '^[^0-9]*[({_MINUS}]|[{_MINUS}][{_SPACES}]*$') THEN '-' ELSE '' END"
    value = f"TRY_CAST({minus} || {digits} AS {duckdb_type})"
    if scale == -1:
        value = f"CASE WHEN isfinite({value}) THEN {value} END"
    zero = _zero(numbers)
    nothing = f" WHEN regexp_full_match({bare}, '{_quoted(zero)}') THEN 0" if zero else ""
    return f"CASE WHEN regexp_full_match({bare}, '{_quoted(_pattern(numbers, scale))}') THEN {value}{nothing} END"


def _quoted(pattern: str) -> str:
    return pattern.replace("'", "''")


def _unit(numbers: Numbers) -> str:
    return "(?:" + "|".join(re.escape(unit) for unit in sorted(numbers.units, key=len, reverse=True)) + ")"


def _pattern(numbers: Numbers, scale: int | None) -> str:
    amount = _amount(numbers, scale)
    before = f"(?:{_unit(numbers)}{_GAP})?" if numbers.units else ""
    after = f"(?:{_GAP}{_unit(numbers)})?" if numbers.units else ""
    sign = f"[+{_MINUS}]"
    forms = [rf"(?:{sign}{_GAP})?{before}{amount}{after}"]
    if before:
        forms.append(f"{before}{sign}{_GAP}{amount}{after}")
    if "parentheses" in numbers.negatives:
        forms += [rf"\({before}{amount}{after}\)", rf"{before}\({amount}\){after}"]
    if "trailing" in numbers.negatives:
        forms.append(f"{before}{amount}{after}{_GAP}[{_MINUS}]{after}")
    return "|".join(f"(?:{form})" for form in forms)


def _zero(numbers: Numbers) -> str:
    """How spreadsheets' accounting format writes 0: ``$ -``, and ``-`` alone beside negatives in parentheses."""
    dash = f"[{_MINUS}]"
    gap = f"[{_SPACES}]*"
    forms = [f"{_unit(numbers)}{gap}{dash}", f"{dash}{gap}{_unit(numbers)}"] if numbers.units else []
    return "|".join(forms + [dash] * ("parentheses" in numbers.negatives))


def _amount(numbers: Numbers, scale: int | None) -> str:
    """Digits, in groups of three, or of two but for the last three as in India."""
    whole = r"\d+"
    for sign in numbers.thousands:
        group = f"[{next((same for same in (_SPACES, _APOSTROPHES) if sign in same), re.escape(sign))}]"
        whole += rf"|\d{{1,3}}(?:{group}\d{{3}})+|\d{{1,2}}(?:{group}\d{{2}})+{group}\d{{3}}"
    if scale is None:
        return f"(?:{whole})"
    decimal = re.escape(numbers.decimal)
    some = r"\d*" if scale == -1 else rf"\d{{0,{scale}}}0*"
    less = rf"|{decimal}\d{some}" if scale == -1 else rf"|{decimal}\d{{1,{scale}}}0*" if scale else ""
    exponent = r"(?:[eE][+-]?\d+)?" if scale == -1 else ""
    return f"(?:(?:{whole})(?:{decimal}{some})?{less}){exponent}"


def sample(numbers: Numbers, whole: bool) -> str:
    """A number so written, for people."""
    unit = f" {numbers.units[0]}" if numbers.units else ""
    return f"1{numbers.thousands[0] if numbers.thousands else ''}234{'' if whole else f'{numbers.decimal}50'}{unit}"
