"""Checks of single texts that need no context: addresses of mail and networks, cards, bank accounts, national ids."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from ipaddress import ip_address, ip_interface
from typing import Any

_EMAIL = re.compile(r"[^@\s<>,;:()\"]{1,64}@(?:[^\W_][\w-]*\.)+(?:[^\W\d_]{2,}|xn--[\w-]+)")
_MAC = re.compile(
    r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}"
)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"\d{12,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|3\d{3}([ -])\d{6}\2\d{4,5}")
# Visa; Mastercard; American Express; Discover; Diners Club; JCB; UnionPay; Maestro.
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d{4}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d\d)\d{10}|3[47]\d{13}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}|3(?:0[0-5]\d|095|[689]\d\d)\d{10}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"
)
_SEPARATORS = re.compile(r"[ ./\-]")
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
_DASHED_SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")


def is_email(text: str) -> bool:
    """Whether the text is one e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def is_mac(text: str) -> bool:
    """Whether the text is a hardware address, with its separators."""
    return _MAC.fullmatch(text) is not None


def is_ip(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address, perhaps with a prefix length or a port."""
    if not any(sign in text for sign in ".:") or len(text) > 50:
        return False
    plain = re.sub(r"^(\d+\.\d+\.\d+\.\d+):\d{1,5}$", r"\1", text)
    try:
        ip_interface(plain) if "/" in plain else ip_address(plain)
    except ValueError:
        return False
    return True


def is_card(text: str) -> bool:
    """Whether the text is a payment card's number: a known issuer, its length, and the check digit (Luhn)."""
    if not _CARD.fullmatch(text) or not text.isascii():
        return False
    digits = _SEPARATORS.sub("", text)
    return _ISSUERS.fullmatch(digits) is not None and passes_luhn(digits) and len(set(digits)) > 1


def passes_luhn(digits: str) -> bool:
    """Whether the last of the digits is the check digit that Luhn's sum asks for."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the text is a bank account's IBAN: its country's form and the check digits."""
    bare = text.replace(" ", "").upper()
    return _IBAN.fullmatch(bare) is not None and _iban().is_valid(bare, check_country=False) is True


@cache
def _iban() -> Any:
    return import_module("stdnum.iban")  # as below: most commands look at no IBAN


def is_ssn(text: str) -> bool:
    """Whether the text is a social security number of the United States as it is written: 123-45-6789."""
    return _DASHED_SSN.fullmatch(text) is not None


def without_separators(text: str) -> str:
    """The text without blanks, dots, slashes and dashes, in capitals."""
    return _SEPARATORS.sub("", text).upper()


@dataclass(frozen=True, slots=True)
class NationalId:
    """A kind of number that a state gives to persons. ``shape``: without separators. ``chance``: how likely any text
    of that shape passes the check; 1.0 where there is no check digit, so that the name has to tell.
    """

    country: str
    name: str
    shape: re.Pattern[str]
    chance: float
    check: Callable[[str], bool]


def _ids() -> tuple[NationalId, ...]:
    found = [
        NationalId(country, name, re.compile(shape), chance, _module(where))
        for country, name, where, shape, chance in _NUMBERS
    ]
    nino = NationalId("GB", "National Insurance number", _NINO, 0.2, lambda text: True)
    dashed = NationalId("US", "social security number", re.compile(r"\d{9}"), 0.01, is_ssn)
    cpr = NationalId("DK", "CPR-nummer", re.compile(rf"{_DAY}\d{{4}}"), 0.05, lambda text: text[6:7] == "-")
    return (dashed, cpr, nino, *found)


def _module(where: str) -> Callable[[str], bool]:
    """The check of a module of stdnum, imported when it is first needed: there are more than forty."""
    load = cache(lambda: import_module(f"stdnum.{where}").is_valid)
    return lambda text: bool(load()(text))


_DAY = r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d"  # ddMMyy
_NUMBERS = (
    ("AT", "Sozialversicherungsnummer", "at.vnr", r"[1-9]\d{9}", 0.02),
    ("AU", "tax file number", "au.tfn", r"\d{8,9}", 0.1),
    ("BE", "numéro national", "be.nn", r"\d{11}", 0.01),
    ("BG", "EGN", "bg.egn", r"\d{10}", 0.02),
    ("BR", "CPF", "br.cpf", r"\d{11}", 0.01),
    ("CA", "social insurance number", "ca.sin", r"[1-79]\d{8}", 0.1),
    ("CH", "AHV-Nummer", "ch.ssn", r"756\d{10}", 0.1),
    ("CL", "RUT", "cl.rut", r"\d{7,8}[\dK]", 0.1),
    ("CN", "resident identity number", "cn.ric", r"\d{17}[\dX]", 0.01),
    ("CZ", "rodné číslo", "cz.rc", r"\d{10}", 0.02),
    ("DE", "Steuer-Identifikationsnummer", "de.idnr", r"[1-9]\d{10}", 0.03),
    ("DK", "CPR-nummer", "dk.cpr", rf"{_DAY}\d{{4}}", 1.0),
    ("DO", "cédula", "do.cedula", r"\d{11}", 0.1),
    ("EC", "cédula de identidad", "ec.ci", r"[0-3]\d{9}", 0.05),
    ("EE", "isikukood", "ee.ik", r"[1-8]\d{10}", 0.01),
    ("ES", "DNI", "es.dni", r"\d{8}[A-Z]", 0.05),
    ("ES", "NIE", "es.nie", r"[XYZ]\d{7}[A-Z]", 0.05),
    ("FI", "henkilötunnus", "fi.hetu", rf"{_DAY}[A-FU-Y+]?\d{{3}}[0-9A-Y]", 0.02),
    ("FR", "NIR", "fr.nir", r"[1-478]\d{4}(?:\d\d|2[AB])\d{8}", 0.01),
    ("GB", "NHS number", "gb.nhs", r"\d{10}", 0.09),
    ("GR", "AMKA", "gr.amka", rf"{_DAY}\d{{5}}", 0.1),
    ("HR", "OIB", "hr.oib", r"\d{11}", 0.1),
    ("ID", "NIK", "id.nik", r"\d{16}", 0.01),
    ("IE", "PPS number", "ie.pps", r"\d{7}[A-W][A-IW]?", 0.05),
    ("IL", "identity number", "il.idnr", r"\d{9}", 0.1),
    ("IN", "Aadhaar", "in_.aadhaar", r"[2-9]\d{11}", 0.1),
    ("IN", "PAN", "in_.pan", r"[A-Z]{5}\d{4}[A-Z]", 0.3),
    ("IS", "kennitala", "is_.kennitala", rf"{_DAY}\d{{4}}", 0.1),
    ("IT", "codice fiscale", "it.codicefiscale", r"[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z]", 0.04),
    ("JP", "My Number", "jp.in_", r"\d{12}", 0.1),
    ("KR", "resident registration number", "kr.rrn", r"\d{13}", 0.01),
    ("LT", "asmens kodas", "lt.asmens", r"[1-6]\d{10}", 0.01),
    ("LV", "personas kods", "lv.pvn", rf"{_DAY}[012]\d{{4}}|32\d{{9}}", 0.1),
    ("MX", "CURP", "mx.curp", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", 0.05),
    ("MY", "NRIC", "my.nric", r"\d{12}", 1.0),
    ("NL", "burgerservicenummer", "nl.bsn", r"\d{9}", 0.1),
    ("NO", "fødselsnummer", "no.fodselsnummer", r"\d{11}", 0.01),
    ("PL", "PESEL", "pl.pesel", r"\d{11}", 0.01),
    ("PT", "cartão de cidadão", "pt.cc", r"\d{9}[A-Z]{2}\d", 0.1),
    ("PT", "NIF", "pt.nif", r"[1-35689]\d{8}", 0.1),
    ("RO", "CNP", "ro.cnp", r"[1-9]\d{12}", 0.01),
    ("SE", "personnummer", "se.personnummer", r"(?:19|20)?\d{10}", 0.01),
    ("SI", "EMŠO", "si.emso", rf"{_DAY}\d{{7}}", 0.02),
    ("SK", "rodné číslo", "sk.rc", r"\d{10}", 0.02),
    ("TH", "PIN", "th.pin", r"[1-8]\d{12}", 0.1),
    ("TR", "T.C. kimlik no", "tr.tckimlik", r"[1-9]\d{10}", 0.01),
    ("UA", "RNTRC", "ua.rntrc", r"\d{10}", 0.1),
    ("US", "social security number", "us.ssn", r"\d{9}", 1.0),
    ("ZA", "identity number", "za.idnr", r"\d{13}", 0.01),
)
NATIONAL_IDS = _ids()


def is_national_id(kind: NationalId, text: str, bare: str) -> bool:
    """Whether the text, ``bare`` without separators, is of that kind."""
    return kind.shape.fullmatch(bare) is not None and kind.check(text)
