"""Verdicts that marks and check digits carry: mail, cards, accounts, national ids, networks, secrets, phone numbers."""

import re
from collections.abc import Callable, Sequence

from sluice import identifiers
from sluice.classify import phones, secret
from sluice.classify.classes import PLURALS, Column, Verdict
from sluice.classify.headers import folded

_SLOW = 150  # texts that slow checks look at
_MASKED_CARD = re.compile(r"(?:[*xX•#.]{2,4}[ -]?){1,4}\d{4}|\d{4,6}[*xX•#]{4,}\d{4}")
_MASKED_MAIL = re.compile(r"[\w.+-]*\*+[\w.+*-]*@[\w.*-]+")
_DIGITS = re.compile(r"[\d ./-]+")
_CODE = re.compile(r"(?=.*\d)[A-Z0-9][A-Z0-9 ./-]{4,22}", re.IGNORECASE)
_IDS = frozenset(("id", "uid", "ref", "cursor", "signature", "nonce", "slug", "sri", "fingerprint", "public"))


def share(check: Callable[[str], bool], texts: Sequence[str]) -> float:
    """How many of the texts pass, from 0 to 1."""
    return sum(map(check, texts)) / len(texts) if texts else 0.0


def told(kind: str, part: float, texts: Sequence[str], named: bool, more: str = "") -> str:
    """The evidence in words."""
    words = (
        f"{round(part * len(texts)):,} of {len(texts):,} different cells looked at are {PLURALS[kind]}{more}"
    )
    return words + ("; the name says so too" if named else "")


def marked(kind: str, check: Callable[[str], bool], column: Column, least: float = 0.2) -> Verdict | None:
    """Of what is hardly ever met by chance: some of the cells are enough."""
    part = share(check, column.texts)
    named = column.is_named(kind)
    if not part or part < (least / 2 if named else least):
        return None
    return Verdict(kind, min(0.99, 0.6 + 0.37 * part + 0.04 * named), told(kind, part, column.texts, named))


def email(column: Column) -> Verdict | None:
    """By form; masked ones where the header says so."""
    if found := marked("email", identifiers.is_email, column):
        return found
    masked = share(lambda text: len(text) < 100 and _MASKED_MAIL.fullmatch(text) is not None, column.texts)
    return (
        Verdict("email", 0.8, told("email", masked, column.texts, False, ", masked"))
        if masked >= 0.5
        else None
    )


def iban(column: Column) -> Verdict | None:
    """By check digits; account numbers of a bank where the header says so."""
    if found := marked("iban", identifiers.is_iban, column):
        return found
    domestic = share(
        lambda text: re.fullmatch(r"(?=(?:\D*\d){7})[\d ./-]{7,26}", text) is not None, column.texts
    )
    if column.is_named("iban") and domestic >= 0.8:
        return Verdict(
            "iban", 0.65, "the name says bank account, and the cells are numbers of 7 digits and more"
        )
    return None


def credit_card(column: Column) -> Verdict | None:
    """By issuer, length and check digit, which one of ten numbers has by chance."""
    named, texts = column.is_named("credit_card"), column.texts
    part = share(identifiers.is_card, texts)
    found = round(part * len(texts))
    if (named and part >= 0.4) or (part >= (0.95 if column.innocent else 0.75) and found >= 4):
        return Verdict(
            "credit_card",
            min(0.99, 0.65 + 0.3 * part + 0.04 * named),
            told("credit_card", part, texts, named),
        )
    masked = share(lambda text: _MASKED_CARD.fullmatch(text) is not None, texts)
    if masked >= 0.6 and (named or any("*" in text for text in texts)) and not column.innocent:
        return Verdict("credit_card", 0.8, told("credit_card", masked, texts, named, ", masked"))
    return None


def national_id(column: Column) -> Verdict | None:
    """By the check digits of about fifty kinds; the more chance one leaves, the more cells must pass."""
    texts, named = column.texts[:_SLOW], column.is_named("national_id")
    bare = [identifiers.without_separators(text) for text in texts]
    passed = [(kind, _passing(kind, texts, bare)) for kind in identifiers.NATIONAL_IDS]
    possible = [(kind, part) for kind, part in passed if part and _convinces(kind, part, column, len(texts))]
    if possible:
        hint = folded(column.header)
        ranked = sorted(
            possible, key=lambda one: (-round(one[1], 1), not _means(hint, one[0]), one[0].chance)
        )
        best, part = ranked[0]
        others = dict.fromkeys(
            kind.country for kind, other in ranked if other >= part - 0.02 and kind.chance <= best.chance
        )
        others.pop(best.country)
        more = f" ({best.country}, {best.name}{''.join(f', or {one}' for one in others)})"
        # Where chance is out of the question, the check digits say more than a form that numbers of phones share.
        certain = best.chance ** (part * len(texts)) < 1e-9
        confidence = min(0.99, 0.55 + 0.38 * part + 0.05 * (named or certain))
        return Verdict("national_id", confidence, told("national_id", part, texts, named, more), best.country)
    if named and share(lambda text: _CODE.fullmatch(text) is not None, texts) >= 0.8:
        return Verdict("national_id", 0.7, "the name says so, and the cells are codes with digits")
    return None


def _passing(kind: identifiers.NationalId, texts: Sequence[str], bare: Sequence[str]) -> float:
    first = list(zip(texts[:25], bare[:25], strict=True))
    if sum(identifiers.is_national_id(kind, *one) for one in first) * 2 < len(first):
        return 0.0
    both = zip(texts, bare, strict=True)
    return sum(identifiers.is_national_id(kind, *one) for one in both) / len(texts)


def _convinces(kind: identifiers.NationalId, part: float, column: Column, looked_at: int) -> bool:
    if column.is_named("national_id"):
        return part >= 0.6
    least = 0.97 if column.innocent else 0.8 if kind.chance <= 0.03 else 0.95
    # Fifty kinds are tried, so that one may fit by chance has to be unlikely.
    return part >= least and kind.chance ** (part * looked_at) * 50 < (1e-6 if column.innocent else 1e-3)


def _means(name: str, kind: identifiers.NationalId) -> bool:
    words = [*folded(kind.name).split("_"), kind.country.lower()]
    return any(
        re.search(rf"(^|_){word}(_|$)", name)
        for word in words
        if len(word) > 1 and word not in ("id", "no", "number")
    )


def ip_address(column: Column) -> Verdict | None:
    """Versions of four numbers look the same, but their numbers are small."""
    named = column.is_named("ip_address")
    part = share(identifiers.is_ip, column.texts)
    plain = [text for text in column.texts if identifiers.is_ip(text)]
    large = share(
        lambda text: ":" in text or any(int(one) > 60 for one in re.findall(r"\d+", text)[:4]), plain
    )
    if part < (0.3 if named else 0.7) or (not named and (large < 0.6 or (column.innocent and large < 0.95))):
        return None
    return Verdict(
        "ip_address",
        min(0.99, 0.6 + 0.35 * part + 0.04 * named),
        told("ip_address", part, column.texts, named),
    )


def mac_address(column: Column) -> Verdict | None:
    """By form; twelve hexadecimal digits where the header says so."""
    if found := marked("mac_address", identifiers.is_mac, column, 0.5):
        return found
    part = share(lambda text: re.fullmatch(r"[0-9A-Fa-f]{12}|\w\w(-\w\w){5}", text) is not None, column.texts)
    if column.is_named("mac_address") and part >= 0.7:
        return Verdict("mac_address", 0.85, told("mac_address", part, column.texts, True))
    return None


def url_login(column: Column) -> Verdict | None:
    """URLs and connection strings with a password or a token in them."""
    return marked("url_login", secret.is_url_login, column)


def credential(column: Column) -> Verdict | None:
    """By the marks of known keys, by the header, and by how random the texts are."""
    if found := marked("credential", secret.is_marked_secret, column):
        return found
    texts, named = column.texts, column.is_named("credential")
    few = len(texts) < 4 <= column.filled // 4
    words = share(secret.may_be_secret, texts)
    numbers = share(lambda text: _DIGITS.fullmatch(text) is not None, texts)
    if named and words >= 0.7 and numbers < 0.6 and not few and not column.innocent:
        return Verdict(
            "credential",
            min(0.95, 0.6 + 0.3 * words),
            "the name says so, and the cells can be passwords or keys",
        )
    random = share(secret.is_random, texts)
    about_ids = set(folded(column.header).split("_")) & _IDS
    if random >= 0.8 and len(texts) >= 5 and not column.innocent and not about_ids:
        return Verdict(
            "credential",
            0.65,
            f"{round(random * len(texts)):,} of {len(texts):,} different cells looked at are long and random",
        )
    return None


def phone(column: Column) -> Verdict | None:
    """By country codes and countries' plans; a row of digits alone needs the header, or a leading 0."""
    texts, named = column.texts[:_SLOW], column.is_named("phone")
    like = share(phones.is_phone_like, texts)
    if like < (0.5 if named else 0.75):
        return None
    valid, region = phones.share_valid([text for text in texts if phones.is_phone_like(text)])
    more = f" (as dialled in {region})" if region else ""
    if named:
        return Verdict(
            "phone",
            min(0.99, 0.65 + 0.15 * like + 0.19 * valid),
            told("phone", like, texts, True, more),
            region,
        )
    written = share(phones.written_as_phone, texts)
    abroad = share(lambda text: text.startswith("+"), texts)
    if column.innocent and abroad < 0.7:
        return None
    dialled = region or share(_is_dialled, texts) >= 0.5
    if (written >= 0.7 and valid >= 0.6 and dialled) or (abroad >= 0.25 and like >= 0.9):
        return Verdict(
            "phone", 0.55 + 0.2 * like + 0.2 * valid, told("phone", like, texts, False, more), region
        )
    zero = share(lambda text: re.fullmatch(r"0[1-9]\d{8,10}", text) is not None, texts)
    if zero >= 0.95 and valid >= 0.9 and len(texts) >= 15:
        return Verdict("phone", 0.6, told("phone", like, texts, False, more), region)
    return None


def _is_dialled(text: str) -> bool:
    """Whether it begins as numbers that are dialled do, or ends in an extension; 123 456 789 may be an amount."""
    return text.startswith(("0", "+", "(", "tel:")) or "x" in text


CHECKS = (email, url_login, credential, credit_card, iban, national_id, mac_address, ip_address, phone)
