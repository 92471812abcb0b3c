"""Checks of single texts: what passes and what only looks so."""

import random

import pytest

from sluice import identifiers
from tests.classify import numbers

WITHOUT_CHECK_DIGIT = {"US", "GB"}


@pytest.mark.parametrize("country", numbers.MAKERS)
def test_the_persons_numbers_of_a_country_are_recognised_with_their_country(classified, country):
    rng = random.Random(country)
    cells = [numbers.MAKERS[country](rng) for _ in range(120)]
    (found,) = classified(["c7"], [cells])
    assert (found.kind, found.level) == ("national_id", "restricted")
    assert country in (found.country, *found.evidence.split("or ")[-1].split(")"))


@pytest.mark.parametrize("country", sorted(numbers.MAKERS.keys() - WITHOUT_CHECK_DIGIT))
def test_numbers_with_another_check_digit_are_no_national_ids(classified, country):
    rng = random.Random(country)
    cells = []
    for _ in range(120):
        right = numbers.MAKERS[country](rng)
        at = rng.choice([n for n, c in enumerate(right) if c.isdigit()][-5:])
        cells.append(right[:at] + str((int(right[at]) + rng.randint(1, 9)) % 10) + right[at + 1 :])
    (found,) = classified(["c7"], [cells])
    assert found.kind != "national_id", found


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1111", "378282246310005", "5555555555554444", "6011111111111117"]
)
def test_a_card_has_an_issuer_and_a_check_digit(text):
    assert identifiers.is_card(text)
    assert not identifiers.is_card(text[:-1] + str((int(text[-1]) + 1) % 10))


@pytest.mark.parametrize(
    "text", ["0000000000000000", "1111111111111117", "4111-1111 1111 1111", "٤111111111111111", ""]
)
def test_sixteen_digits_alone_are_no_card(text):
    assert not identifiers.is_card(text)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("DE89 3704 0044 0532 0130 00", True),
        ("de89370400440532013000", True),
        ("GB82WEST12345698765432", True),
        ("DE88370400440532013000", False),
        ("DE8937040044053201300", False),
        ("XX82WEST12345698765432", False),
    ],
)
def test_an_iban_has_its_countrys_form_and_check_digits(text, right):
    assert identifiers.is_iban(text) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("10.0.0.1", True), ("10.0.0.0/8", True), ("10.0.0.1:443", True), ("2001:db8::1", True), ("fe80::1%eth0", True),
        ("1.2.3", False), ("300.1.1.1", False), ("12:30", False), ("1.2.3.4.5", False),
    ],
)  # fmt: skip
def test_an_ip_address_may_have_a_prefix_or_a_port(text, right):
    assert identifiers.is_ip(text) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("a@b.de", True),
        ("ü.x+y@sub.example.co.uk", True),
        ("a@b", False),
        ("a b@c.de", False),
        ("@c.de", False),
        ("a@b.d3", False),
    ],
)
def test_an_email_address_has_a_domain(text, right):
    assert identifiers.is_email(text) is right
