"""Cells without a telling name that look like what they are not."""

import random
from datetime import UTC, datetime

import pytest

from tests.classify.numbers import digits
from tests.classify.people import any_of


def moment(form):
    return lambda rng: datetime.fromtimestamp(rng.randint(1_500_000_000, 1_800_000_000), UTC).strftime(form)


MISTAKABLE = {
    "moments that look like a Malaysian NRIC": moment("%y%m%d%H%M%S"),
    "moments that look like a Danish CPR": moment("%d%m%y%H%M"),
    "amounts that look like Polish phones": lambda rng: (
        f"{digits(rng, 3, '9')} {digits(rng, 3)} {digits(rng, 3)}"
    ),
    "parts that look like American phones": lambda rng: f"{digits(rng, 3)}-{digits(rng, 3)}-{digits(rng, 4)}",
    "nine digits": lambda rng: digits(rng, 9),
    "eleven digits": lambda rng: digits(rng, 11),
    "sixteen digits of an issuer": lambda rng: digits(rng, 16, "4"),
    "an IBAN's form": lambda rng: f"DE{digits(rng, 20)}",
    "a DNI's form": lambda rng: f"{digits(rng, 8)}{rng.choice('ABCDEFGH')}",
    "a CPF's form": lambda rng: f"{digits(rng, 3)}.{digits(rng, 3)}.{digits(rng, 3)}-{digits(rng, 2)}",
    "builds that look like addresses": lambda rng: (
        f"10.{rng.randint(0, 3)}.{rng.randint(0, 20)}.{rng.randint(0, 9)}"
    ),
    "ratios": lambda rng: f"{rng.random():.4f}, {rng.random():.4f}",
    "object ids": lambda rng: f"{rng.getrandbits(96):024x}",
    "teams": any_of(
        "New York Yankees | Boston Red Sox | Chicago Bulls | Miami Heat | Dallas Stars | Phoenix Suns"
    ),
    "gems": any_of("Grace | Rose | Ruby | Amber | Jade | Pearl | Coral | Olive"),
    "species": any_of("Rosa canina | Quercus robur | Homo sapiens | Canis lupus | Felis catus | Pinus nigra"),
    "brands": any_of("Dell | Philips | Siemens | Bosch | Ford | Samsung | Sony | Canon | Nikon | Apple"),
}


@pytest.mark.parametrize("name", MISTAKABLE)
def test_what_only_looks_like_data_of_persons_is_none(classified, name):
    rng = random.Random(name)
    (found,) = classified(["c1"], [[MISTAKABLE[name](rng) for _ in range(200)]])
    assert (found.kind, found.level) == ("none", "internal"), found
