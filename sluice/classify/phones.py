"""Phone numbers: those with a country code, and those that one country's plan allows."""

import re
from collections.abc import Sequence
from functools import cache

import phonenumbers

_SHAPE = re.compile(r"(?:tel:)?[+(]?\d[\d ()./\-–]{5,22}(?:(?: ?(?:x|ext\.?|Ext\.?|Durchwahl) ?)\d{1,6})?")
_NOT = re.compile(
    r"\d{4}-\d{2}-\d{2}.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,3}(?:\.\d{1,3}){3}|\d+\.\d{1,4}|97[89][- ].*"
    r"|\d{1,3}(?:\.\d{3})+|\d{4}([ -])\d{4}\1\d{4}\1\d{4}"
    r"|\d{5}-\d{4}|\d{3}-\d{2}-\d{4}"
)
_REGIONS = (
    "US", "GB", "DE", "FR", "ES", "IT", "NL", "BE", "AT", "CH", "PL", "SE", "NO", "DK", "FI", "PT", "IE", "CZ", "AU",
    "BR", "MX", "IN", "JP",
)  # fmt: skip
_TRIED = 30


def is_phone_like(text: str) -> bool:
    """Whether the text has the form of a phone number: 7 digits and more, the usual signs, no date, no amount."""
    return (
        _SHAPE.fullmatch(text) is not None
        and 7 <= sum(map(str.isdigit, text)) <= 21
        and not _NOT.fullmatch(text)
    )


def share_valid(texts: Sequence[str]) -> tuple[float, str]:
    """How many of the texts are valid numbers, and the country of those without a country code, if that is clear."""
    abroad = [text for text in texts if text.startswith(("+", "00", "tel:+"))]
    home = [text for text in texts if text not in set(abroad)]
    valid = sum(_valid(re.sub("^00", "+", text), None) for text in abroad)
    region, best = _region(home[:_TRIED]) if home else ("", 0.0)
    return (valid + best * len(home)) / len(texts), region


def _region(texts: Sequence[str]) -> tuple[str, float]:
    """The country whose plan has most of the numbers; '' where it does not group their digits so."""
    counted = {region: sum(_valid(text, region) for text in texts) for region in _REGIONS}
    most = max(counted.values())
    likely = [region for region, count in counted.items() if count >= most - len(texts) // 10]
    usual = {region: sum(_as_usual(text, region) for text in texts) for region in likely}
    best = max(likely, key=lambda one: usual[one])
    clear = usual[best] * 2 >= len(texts)
    return best if clear else "", most / len(texts)


def written_as_phone(text: str) -> bool:
    """Whether the text shows by its signs that it is a phone number: +49 30 1234, (212) 555-0100, 212-555-0100."""
    return bool(
        re.match(r"\+\d|00[1-9]\d|\(\+?\d{1,5}\)|tel:|0\d{1,5}[ /.\-()]+\d", text)
        or re.fullmatch(
            r"(?:1[-. ])?\d{3}[-. ]\d{3}[-. ]\d{4}(?: ?(?:x|ext\.?) ?\d{1,6})?"
            r"|\d{3} \d{2,3} \d{2} \d{2}|\d{3} \d{3} \d{3}",
            text,
        )
    )


@cache
def _valid(text: str, region: str | None) -> bool:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    # Numbers kept for examples, such as 555-0100, are possible and not valid.
    return phonenumbers.is_valid_number(number) if region else phonenumbers.is_possible_number(number)


def _as_usual(text: str, region: str) -> bool:
    if not _valid(text, region):
        return False
    number = phonenumbers.parse(text, region)
    usual = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return re.findall(r"\d+", usual) == re.findall(r"\d+", text)
