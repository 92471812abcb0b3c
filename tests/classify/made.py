"""Cells as labelled columns have them: what is exact, and what only looks like it."""

import base64
import json
import string
from datetime import date
from random import Random as Rng

from tests.classify import numbers


def ipv4(rng: Rng) -> str:
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))


def birth(rng: Rng, form: str) -> str:
    return date(*numbers.day(rng, 1940, 2008)).strftime(form)


def letters(rng: Rng, count: int) -> str:
    return "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(count))


def capitals(rng: Rng, count: int) -> str:
    return "".join(rng.choice(string.ascii_uppercase) for _ in range(count))


def word(rng: Rng) -> str:
    return "".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(rng.randint(2, 4)))


def password(rng: Rng) -> str:
    return f"{word(rng)}{rng.choice('!#$%&*')}{letters(rng, rng.randint(2, 6))}"


def github(rng: Rng) -> str:
    return f"ghp_{letters(rng, 36)}"


def aws(rng: Rng) -> str:
    return "AKIA" + "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16))


def stripe(rng: Rng) -> str:
    return f"sk_live_{letters(rng, 24)}"


def jwt(rng: Rng) -> str:
    parts = (
        b'{"alg":"HS256","typ":"JWT"}',
        json.dumps({"sub": rng.randint(1, 10**9)}).encode(),
        rng.randbytes(32),
    )
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def url_login(rng: Rng) -> str:
    scheme = rng.choice(("postgresql", "mysql", "ftp", "https"))
    return f"{scheme}://{word(rng)}:{letters(rng, 10)}@{word(rng)}.example.com/{word(rng)}"


def no_card(rng: Rng) -> str:
    """Sixteen digits as a card's, with the wrong check digit."""
    right = numbers.luhn(numbers.digits(rng, 15, rng.choice(("4", "51"))))
    return right[:-1] + str((int(right[-1]) + rng.randint(1, 9)) % 10)


def ean(rng: Rng, first: str) -> str:
    body = numbers.digits(rng, 12, first)
    return body + str(-numbers.weighed(body, (1, 3) * 6) % 10)


def isbn10(rng: Rng) -> str:
    body = numbers.digits(rng, 9)
    check = -numbers.weighed(body, range(10, 1, -1)) % 11
    return body + ("X" if check == 10 else str(check))


def product(rng: Rng) -> str:
    first = rng.choice(("Oak", "Steel", "Smart", "Classic", "Nordic", "Ultra", "Eco", "Grand"))
    second = rng.choice(("Table", "Lamp", "Shelf", "Mixer", "Backpack", "Router", "Kettle"))
    return f"{first} {second} {rng.choice(('', 'Pro', 'XL', '200', 'Mini'))}".strip()


def sentence(rng: Rng) -> str:
    return " ".join(word(rng) for _ in range(rng.randint(4, 12))).capitalize() + "."
