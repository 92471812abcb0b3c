"""Guesses which columns hold data about persons, by their names and by what stands in them."""

import re
from collections.abc import Callable, Sequence

from sluice import identifiers
from sluice.contracts.rules import TEXT_FORMATS
from sluice.infer.words import has_word

CLASSIFICATION = "personal"
_NAMES = {
    "e-mail addresses": "e_?mail mail_?address mailadresse correo",
    "phone numbers": "phone telephone telefon tel mobile mobil handy fax cellphone telefono téléphone",
    "bank accounts": "iban account_(no|number|holder) kontonummer kontoinhaber card_?number credit_?card bic",
    "national ids": r"""ssn social_security(_\w+)? passport(_\w+)? tax_id steuer_?(id|nummer) national_id nino cpf curp
        dni bsn pesel personnummer aadhaar personal_?ausweis sozialversicherungsnummer svnr driver_?licen[sc]e""",
    "names of persons": """first_?name last_?name sur_?name full_?name given_?name family_?name middle_?name
        maiden_?name vorname nachname familienname prénom prenom nom apellidos? nombre cognome ansprechpartner
        contact_?(name|person) (customer|patient|employee|client|passenger|author|owner|user|student)_?name
        username assignee assigned_to reporter reported_by""",
    "addresses": r"""street strasse straße address(_\d|_?line_?\d)? adresse anschrift rue calle via hausnummer
        house_?(no|number) zip zipcode post_?code postal_?code plz""",
    "dates of birth": "birth_?(day|date)? date_of_birth dob geburtsdatum geburtstag born geb",
    "IP addresses": "ip ip_?address remote_addr client_ip",
}
_PHONE = re.compile(
    r"(\+|00)\d{1,3}[ ./()-]?\(?\d[\d ./()-]{5,16}|\(?0\d{1,5}\)?[ /-]+\d[\d ./-]{3,12}"
    r"|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4}"
)
_STREET = re.compile(
    r"\d{1,5} [\w. ]+ (st|street|ave|avenue|rd|road|blvd|lane|ln|drive|dr|way)\b\.?.*"
    r"|[\w. -]+(str\.|straße|strasse|gasse|weg|platz|allee) \d+ ?\w?",
    re.IGNORECASE,
)


def personal(name: str, texts: Sequence[str]) -> str:
    """What personal data the column may hold and why; '' if nothing speaks for any."""
    for what, check in _CONTENTS.items():
        found = sum(check(text) for text in texts)
        if texts and found * 10 >= len(texts) * 6 and found >= min(3, len(texts)):
            return f"{what}: {found:,} of {len(texts):,} different cells looked at are"
    for what, words in _NAMES.items():
        if has_word(name, "|".join(words.split())):
            return f"{what}, by the column's name"
    return ""


_CONTENTS: dict[str, Callable[[str], bool]] = {
    "e-mail addresses": lambda text: re.match(TEXT_FORMATS["email"], text) is not None,
    "bank accounts (IBAN)": identifiers.is_iban,
    "payment cards": identifiers.is_card,
    "national ids": identifiers.is_ssn,
    "phone numbers": lambda text: _PHONE.fullmatch(text) is not None and sum(map(str.isdigit, text)) >= 7,
    "addresses": lambda text: _STREET.fullmatch(text) is not None,
    "IP addresses": lambda text: re.match(TEXT_FORMATS["ipv4"], text) is not None,
}
