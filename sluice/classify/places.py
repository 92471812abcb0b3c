"""Postal addresses, postal codes, cities and coordinates, by their shapes in several countries."""

import re

from sluice.classify.lexicon import CITIES
from sluice.classify.persons import plain_words

_NUMBER = r"\d{1,5} ?[a-zA-Z]?(?: ?[-/] ?\d{1,4} ?[a-zA-Z]?)?"
_AFTER = r"(?:[ ,].*)?"
_STREET = re.compile(
    # 12 Main Street, 5A Elm Rd. Apt 4
    r"\d{1,6}[a-z]?(?:[-/]\d+)?,? (?:[\w.'’-]+ ){1,5}(?:st|street|ave|avenue|rd|road|blvd|boulevard"
    r"|lane|ln|drive|dr|way|court|ct|"
    r"place|pl|terrace|ter|close|crescent|square|sq|parkway|pkwy|circle|cir|highway|hwy|trail|trl"
    r"|walk|row|grove|gardens|mews|hill|"
    r"park|view|green|rise|plaza|loop|alley|bypass|crossing|turnpike|manor|meadows?|ridge|run|path"
    r"|pass|extension|mill|ford|"
    r"vista|causeway|islands?|isle|junctions?|keys?|forge|fort|glens?|harbors?|heights|inlet"
    r"|knolls?|lakes?|landing|lights?|"
    r"locks|lodge|mission|motorway|mount|mountains?|neck|orchard|oval|overpass|parks|pike|pines?"
    r"|plains?|points?|ports?|prairie|"
    r"ranch|rapids?|rest|ridges|river|roads|route|shoals?|shores?|skyway|springs?|spurs?|station"
    r"|stravenue|stream|streets|summit|"
    r"throughway|trace|track|trafficway|tunnel|underpass|unions?|valleys?|viaduct|village|ville"
    r"|wall|ways|wells?)\b\.?.*"
    # 12 rue de la Paix, 3 bis, avenue Foch
    rf"|{_NUMBER},?(?: (?:bis|ter),?)? (?:rue|avenue|av\.?|bd|boulevard|place|chemin|all[ée]e"
    rf"|impasse|quai|cours|route|square) .+"
    # Hauptstr. 5, Lange Straße 12a, Kerkstraat 3, Storgatan 4, Nørregade 7
    r"|[\w.'’ -]*(?:str\.?|straße|strasse|gasse|weg|platz|allee|ring|damm|ufer|chaussee|straat|laan"
    r"|gracht|plein|kade|dijk|singel|dreef|hof|"
    rf"steeg|pad|gatan|gata|gaten|vägen|vagen|gränd|gade|vej|veien|vei|allé|katu|tie|kuja|polku"
    rf"|plads|torg) {_NUMBER}\b{_AFTER}"
    # Calle Mayor 5, Via Roma, 12, Rua do Ouro 3, ul. Długa 7
    r"|(?:calle|c/|avda\.?|avenida|av\.|plaza|pza\.?|paseo|camino|ronda|cuesta|glorieta|pasaje"
    r"|carrer|callej[oó]n|via|v\.le|viale|piazza|"
    r"corso|largo|vicolo|strada|stretto|contrada|borgo|canale|incrocio|rotonda|rua|r\.|travessa"
    r"|praça|praca|alameda|estrada|ul\.?|ulica|"
    r"al\.|aleja|pl\.|plac|rue|avenue|boulevard|chemin|place|urbanización|vial|cañada|acceso|pasadizo|rambla|alley|"
    rf"impasse) [^\W\d].*?[ ,]+(?:n[ºo°.]* ?)?{_NUMBER}\b{_AFTER}"
    # Any words with a number, then a postal code and words: Makedonská 45, 333 77 Všeruby
    r"|[^\W\d][^,\n]*\d[^,\n]*, (?:[^,]+, )*(?:[A-Z]{1,2}-)?(?:\d{4,5}|\d{3} \d{2}|\d{2}-\d{3}|\d{4} ?[A-Z]{2})"
    r" [^\W\d].*"
    # Am Markt 3, An der Alster 42
    rf"|(?:am|an|auf|im|in|zum|zur|unter|alter|alte|kleine|große|obere|untere) [\w. -]+ {_NUMBER}",
    re.IGNORECASE,
)
_POSTAL_MARKED = re.compile(
    r"\d{4} ?[A-Z]{2}|[A-Z]{1,2}\d[\dA-Z]? ?\d[A-Z]{2}|[A-CEGHJ-NPR-TVXY]\d[A-Z][ -]?\d[A-Z]\d"
    r"|[A-Z]\d\d ?[A-Z0-9]{4}",
    re.IGNORECASE,
)  # Netherlands, United Kingdom, Canada, Ireland
_POSTAL = re.compile(
    r"(?:[A-Z]{1,3}[- ])?\d{4,6}|\d{5}-?\d{3,4}|\d{2}-\d{3}|\d{3} \d{2}|\d{4}-\d{3}|\d{3}-\d{4}|\d{2} ?\d{3}|LV-\d{4}"
)
_BEFORE = frozenset(
    ("new", "san", "santa", "los", "las", "la", "le", "bad", "den", "st", "saint", "port", "fort", "santiago")
)
_BETWEEN = frozenset(
    ("am", "an", "upon", "on", "de", "del", "la", "im", "ob", "sur", "aan", "den", "city", "mitte")
)
_DECIMAL = re.compile(r"[+-]?\d{1,3}[.,]\d{2,}")
_NUMERIC = re.compile(r"[+-]?\d{1,3}(?:[.,]\d+)?")
_PAIR = re.compile(r"[(\[]?([+-]?\d{1,3}\.\d{3,})°? ?[,; ] ?([+-]?\d{1,3}\.\d{3,})°?[)\]]?")
_POINT = re.compile(
    r"(?:SRID=\d+;)?POINT ?Z? ?\([-\d. ]+\)|\d{1,3}°.*[NSEWO]$|[NSEWO] ?\d{1,3}°.*|geo:-?\d+\.\d+,-?\d+\.\d+.*",
    re.IGNORECASE,
)


def is_street(text: str) -> bool:
    """Whether the text is a street with a number, or an address that begins with one."""
    return (
        5 <= len(text) <= 200
        and any(c.isdigit() for c in text)
        and _STREET.fullmatch(" ".join(text.split())) is not None
    )


def is_address_like(text: str) -> bool:
    """Whether the text may be a street or an address where the header says so: words, mostly with a number."""
    return (
        len(text) >= 4
        and any(c.isalpha() for c in text)
        and (" " in text or any(c.isdigit() for c in text) or len(text) >= 6)
    )


def is_marked_postal_code(text: str) -> bool:
    """Whether the text is a postal code of a country whose codes hold letters."""
    return _POSTAL_MARKED.fullmatch(text) is not None


def is_postal_code(text: str) -> bool:
    """Whether the text may be a postal code where the header says so."""
    return _POSTAL.fullmatch(text) is not None or is_marked_postal_code(text)


def is_city_like(text: str) -> bool:
    """Whether the text is a few words without digits, as names of places are."""
    return (
        len(text) <= 60
        and not any(c.isdigit() or c in "@:_;" for c in text)
        and any(c.isalpha() for c in text)
    )


def is_known_city(text: str) -> bool:
    """Whether the text is the name of a well-known city: Bergen, San Diego, Frankfurt am Main; not Miami Heat."""
    words = plain_words(text)
    if len(words) < 2:
        return bool(words) and words[0] in CITIES
    return (words[0] in _BEFORE and words[-1] in CITIES) or (words[0] in CITIES and words[1] in _BETWEEN)


def is_coordinates(text: str) -> bool:
    """Whether the text is a place on the globe: a pair of degrees, a WKT point, degrees and minutes."""
    if pair := _PAIR.fullmatch(text):
        first, second = (abs(float(one)) for one in pair.groups())
        return first <= 180 and second <= 180 and min(first, second) <= 90
    return _POINT.fullmatch(text) is not None


def degrees(text: str) -> float | None:
    """The number where the text is one that may be degrees."""
    return float(text.replace(",", ".")) if _NUMERIC.fullmatch(text) else None


def decimals(text: str) -> int:
    """Digits behind the point; 0 where there is none."""
    return len(re.split("[.,]", text)[-1]) if _DECIMAL.fullmatch(text) else 0
