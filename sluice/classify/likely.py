"""Verdicts that words and ranges carry: names of persons, addresses, dates of birth, coordinates."""

import re
from datetime import date
from statistics import quantiles

from sluice.classify import persons, places
from sluice.classify.classes import Column, Verdict
from sluice.classify.exact import share, told
from sluice.classify.headers import folded

_ANY_NAME = re.compile(
    r"(^|_)(name|names|namn|naam|nom|nome|nombres?|navn|nimi|imie)(_|$)"
    r"|^(who|person|people|contact|kontakt|customer|kunde|kund|client|cliente|klant|klient|member|guest|owner|manager|inhaber)$"
)
# Firms have accounts too, and are customers.
_FIRM_TOO = re.compile(
    r"customer|cust|client|kunde|klant|owner|holder|inhaber|account|supplier|recipient|sender|tenant"
)
_LOGIN = re.compile(r"user|login|benutzer|assign|report")
_DATE = re.compile(
    r"(?:(?P<y>\d{4})[-/.]?(?P<m>\d{2})[-/.]?(?P<d>\d{2})|(?P<a>\d{1,2})[-/. ](?P<b>\d{1,2})[-/. ](?P<c>\d{4}|\d{2})"
    r"|\d{1,2}[. -]+[^\W\d_]{3,10}\.?[, -]+(?P<e>\d{4})|[^\W\d_]{3,10}\.? \d{1,2},? (?P<f>\d{4}))"
    r"(?:[T ]00:00(?::00)?.*)?"
)
_YEAR = re.compile(r"(?:19|20)\d\d")


def year_of(text: str) -> int | None:
    """The year where the text is a day; of two digits, the one that has passed."""
    found = _DATE.fullmatch(text)
    if not found:
        return None
    month, day = found["m"], found["d"]
    if month and not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    if found["a"] and not (
        1 <= min(int(found["a"]), int(found["b"])) <= 12 and max(int(found["a"]), int(found["b"])) <= 31
    ):
        return None
    year = int(found["y"] or found["c"] or found["e"] or found["f"])
    if year >= 100:
        return year
    return year + (2000 if year <= date.today().year % 100 else 1900)


def birth_date(column: Column) -> Verdict | None:
    """Days and years where the header says so."""
    if not column.is_named("birth_date"):
        return None
    last = date.today().year
    years = [year for text in column.texts if (year := year_of(text)) and 1880 <= year <= last]
    whole = share(lambda text: _YEAR.fullmatch(text) is not None and int(text) <= last, column.texts)
    part = max(len(years) / len(column.texts), whole)
    return (
        Verdict("birth_date", 0.65 + 0.32 * part, told("birth_date", part, column.texts, True))
        if part >= 0.7
        else None
    )


def like_births(column: Column) -> bool:
    """Whether the days are spread as birthdays of people are: over decades, and few in the last years."""
    years = [year for text in column.texts if (year := year_of(text))]
    if len(years) < max(8, 0.9 * len(column.texts)):
        return False
    tenths, last = quantiles(years, n=10), date.today().year
    return (
        min(years) >= 1900 and max(years) <= last and tenths[-1] <= last - 8 and tenths[-1] - tenths[0] >= 20
    )


def person_name(column: Column) -> Verdict | None:
    """By shape and header, or by shape and enough names that many people have."""
    texts, named, name = column.texts, column.is_named("person_name"), folded(column.header)
    shaped, known = share(persons.has_shape, texts), share(persons.known, texts)
    any_name = _ANY_NAME.search(name) is not None
    if named and shaped < 0.6 and _LOGIN.search(name) and share(persons.is_handle, texts) >= 0.7:
        return Verdict("person_name", 0.65, "the name says so, and the cells can be user names")
    firms = known < 0.1 and shaped < 0.8 and _FIRM_TOO.search(name)
    if named and shaped >= 0.6 and not firms and not (any_name and column.innocent):
        confidence = min(0.98, 0.6 + 0.2 * shaped + 0.36 * known)
        return Verdict("person_name", confidence, told("person_name", shaped, texts, True))
    if shaped < (0.55 if any_name else 0.8) or len(texts) < 5:
        return None
    confidence = _by_common_names(column, known, any_name)
    evidence = told("person_name", known, texts, any_name, ", common ones")
    return Verdict("person_name", confidence, evidence) if confidence else None


def _by_common_names(column: Column, known: float, any_name: bool) -> float:
    """How sure common names make it; 0 where they are too few. Names of goods and places are among them."""
    full = share(persons.both_known, column.texts)
    if known * len(column.texts) < (3 if any_name else 5):
        return 0.0
    if full >= (0.7 if column.innocent else 0.2 if any_name else 0.3):
        return 0.6 + 0.38 * full
    cities = share(places.is_known_city, column.texts)
    enough = known >= (0.2 if any_name else 0.33) and cities < 0.6 * known
    return 0.5 + 0.4 * known if enough and not column.innocent else 0.0


def street_address(column: Column) -> Verdict | None:
    """By the words for streets in a dozen languages, or by header and shape."""
    texts, named = column.texts, column.is_named("street_address")
    part, like = share(places.is_street, texts), share(places.is_address_like, texts)
    if part >= (0.85 if column.innocent else 0.45):
        return Verdict(
            "street_address",
            min(0.98, 0.6 + 0.35 * part + 0.05 * named),
            told("street_address", part, texts, named),
        )
    if named and like >= 0.7 and not column.innocent:
        return Verdict(
            "street_address", 0.6 + 0.35 * part, "the name says so, and the cells can be addresses"
        )
    return None


def postal_code(column: Column) -> Verdict | None:
    """By header and form; codes with letters, as in the Netherlands and in Britain, by form alone."""
    texts, named = column.texts, column.is_named("postal_code")
    part = share(places.is_postal_code, texts)
    if named and part >= 0.7:
        return Verdict("postal_code", 0.65 + 0.32 * part, told("postal_code", part, texts, True))
    spaced = share(lambda text: places.is_marked_postal_code(text) and " " in text, texts)
    if spaced >= 0.85 and len(texts) >= 5 and not column.innocent:
        return Verdict("postal_code", 0.55 + 0.3 * spaced, told("postal_code", spaced, texts, False))
    return None


def city(column: Column) -> Verdict | None:
    """By header and shape, or by well-known names."""
    texts, named = column.texts, column.is_named("city")
    like, known = share(places.is_city_like, texts), share(places.is_known_city, texts)
    if named and like >= 0.8:
        return Verdict(
            "city",
            0.6 + 0.1 * like + 0.28 * known,
            told("city", like, texts, True) if known else "the name says so",
        )
    if known >= 0.5 and like >= 0.9 and not column.innocent and len(texts) >= 4:
        return Verdict("city", 0.5 + 0.45 * known, told("city", known, texts, False))
    return None


def geo_coordinate(column: Column) -> Verdict | None:
    """Pairs by form, single degrees by header and range."""
    texts, named = column.texts, column.is_named("geo_coordinate")
    part = share(places.is_coordinates, texts)
    far = share(lambda text: re.search(r"(?:^|[^\d.])\d{2,3}[.°]", text) is not None, texts)
    if part >= (0.4 if named else 0.7) and (named or far >= 0.3):
        return Verdict(
            "geo_coordinate",
            min(0.98, 0.6 + 0.35 * part + 0.05 * named),
            told("geo_coordinate", part, texts, named),
        )
    inside = share(lambda text: (value := places.degrees(text)) is not None and abs(value) <= 180, texts)
    exact = share(lambda text: places.decimals(text) >= 3, texts)
    if named and inside >= 0.9 and exact >= 0.5:
        return Verdict("geo_coordinate", 0.6 + 0.35 * inside, told("geo_coordinate", inside, texts, True))
    return None


CHECKS = (birth_date, person_name, street_address, postal_code, city, geo_coordinate)
