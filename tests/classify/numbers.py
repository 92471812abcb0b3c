"""Valid numbers of persons, made by each country's own rule, independently of what checks them."""

import random
from collections.abc import Callable, Iterable

Rng = random.Random


def digits(rng: Rng, count: int, first: str = "") -> str:
    return first + "".join(rng.choice("0123456789") for _ in range(count - len(first)))


def luhn(body: str) -> str:
    total = 0
    for at, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if at % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def weighed(body: str, weights: Iterable[int]) -> int:
    return sum(weight * int(digit) for weight, digit in zip(weights, body, strict=True))


def day(rng: Rng, first: int = 1930, last: int = 1999) -> tuple[int, int, int]:
    return rng.randint(first, last), rng.randint(1, 12), rng.randint(1, 28)


def ddmmyy(rng: Rng) -> str:
    year, month, date = day(rng)
    return f"{date:02}{month:02}{year % 100:02}"


def yymmdd(rng: Rng) -> str:
    year, month, date = day(rng)
    return f"{year % 100:02}{month:02}{date:02}"


def until(make: Callable[[], str | None]) -> str:
    """Some rules leave out numbers whose check digit would be 10."""
    while not (made := make()):
        pass
    return made


def nl(rng: Rng) -> str:
    def make() -> str | None:
        body = digits(rng, 8, rng.choice("123456789"))
        check = weighed(body, range(9, 1, -1)) % 11
        return f"{body}{check}" if check < 10 else None

    return until(make)


def es(rng: Rng) -> str:
    number = rng.randint(10_000_000, 99_999_999)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def fr(rng: Rng) -> str:
    born = f"{rng.choice('12')}{rng.randint(30, 99)}{rng.randint(1, 12):02}"
    body = f"{born}{rng.randint(1, 95):02}{rng.randint(1, 990):03}{rng.randint(1, 999):03}"
    body = body[:5] + ("75" if body[5:7] == "20" else body[5:7]) + body[7:]
    return f"{body}{97 - int(body) % 97:02}"


def de(rng: Rng) -> str:
    """Ten digits of which exactly one stands twice, and the check digit of ISO 7064 mod 11,10."""

    def make() -> str | None:
        kept = rng.sample("0123456789", 9)
        kept.append(rng.choice(kept))
        rng.shuffle(kept)
        if kept[0] == "0":
            return None
        product = 10
        for digit in kept:
            product = ((int(digit) + product) % 10 or 10) * 2 % 11
        return "".join(kept) + str((11 - product) % 10)

    return until(make)


def pl(rng: Rng) -> str:
    body = yymmdd(rng) + digits(rng, 4)
    return body + str(-weighed(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10)


def be(rng: Rng) -> str:
    body = f"{yymmdd(rng)}{rng.randint(1, 997):03}"
    return f"{body}{97 - int(body) % 97:02}"


def br(rng: Rng) -> str:
    body = digits(rng, 9)
    for _ in range(2):
        rest = weighed(body, range(len(body) + 1, 1, -1)) % 11
        body += str(0 if rest < 2 else 11 - rest)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def ca(rng: Rng) -> str:
    whole = luhn(digits(rng, 8, rng.choice("1245679")))
    return f"{whole[:3]} {whole[3:6]} {whole[6:]}"


def se(rng: Rng) -> str:
    whole = luhn(yymmdd(rng) + f"{rng.randint(1, 999):03}")
    return f"{whole[:6]}-{whole[6:]}"


def us(rng: Rng) -> str:
    return f"{rng.randint(1, 665):03}-{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}"


def gb(rng: Rng) -> str:
    return (
        f"{rng.choice('ABCEHJKLMPRSTWX')}{rng.choice('ABCEHJKLMPRSTWX')}{digits(rng, 6)}{rng.choice('ABCD')}"
    )


def fi(rng: Rng) -> str:
    body, number = ddmmyy(rng), f"{rng.randint(2, 899):03}"
    return f"{body}-{number}{'0123456789ABCDEFHJKLMNPRSTUVWXY'[int(body + number) % 31]}"


def no(rng: Rng) -> str:
    def make() -> str | None:
        body = f"{ddmmyy(rng)}{rng.randint(0, 499):03}"
        if int(body[4:6]) < 40:
            return None
        first = -weighed(body, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
        second = -weighed(f"{body}{first % 10}", (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return f"{body}{first}{second}" if first < 10 and second < 10 else None

    return until(make)


def ro(rng: Rng) -> str:
    body = f"{rng.choice('12')}{yymmdd(rng)}{rng.randint(1, 46):02}{rng.randint(1, 999):03}"
    check = weighed(body, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return f"{body}{1 if check == 10 else check}"


def tr(rng: Rng) -> str:
    body = digits(rng, 9, rng.choice("123456789"))
    tenth = (7 * sum(map(int, body[::2])) - sum(map(int, body[1::2]))) % 10
    return f"{body}{tenth}{(sum(map(int, body)) + tenth) % 10}"


def za(rng: Rng) -> str:
    return luhn(f"{yymmdd(rng)}{digits(rng, 4)}0{rng.choice('89')}")


def ch(rng: Rng) -> str:
    body = digits(rng, 12, "756")
    whole = body + str(-weighed(body, (1, 3) * 6) % 10)
    return f"{whole[:3]}.{whole[3:7]}.{whole[7:11]}.{whole[11:]}"


def bg(rng: Rng) -> str:
    body = yymmdd(rng) + digits(rng, 3)
    return body + str(weighed(body, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10)


def cz(rng: Rng) -> str:
    def make() -> str | None:
        year, month, date = day(rng, 1955, 1999)
        body = f"{year % 100:02}{month + rng.choice((0, 50)):02}{date:02}{digits(rng, 3)}"
        check = int(body) % 11
        return f"{body[:6]}/{body[6:]}{check}" if check < 10 else None

    return until(make)


def ee(rng: Rng) -> str:
    body = f"{rng.choice('34')}{yymmdd(rng)}{digits(rng, 3)}"
    check = weighed(body, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if check == 10:
        check = weighed(body, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return f"{body}{check}"


def hr(rng: Rng) -> str:
    body, rest = digits(rng, 10), 10
    for digit in body:
        rest = ((int(digit) + rest) % 10 or 10) * 2 % 11
    return f"{body}{(11 - rest) % 10}"


def il(rng: Rng) -> str:
    return luhn(digits(rng, 8, rng.choice("0238")))


def cn(rng: Rng) -> str:
    year, month, date = day(rng)
    body = f"{rng.choice(('110101', '310104'))}{year}{month:02}{date:02}{digits(rng, 3)}"
    return body + "10X98765432"[weighed(body, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11]


def at(rng: Rng) -> str:
    def make() -> str | None:
        serial, birth = digits(rng, 3, rng.choice("123456789")), ddmmyy(rng)
        check = weighed(serial + birth, (3, 7, 9, 5, 8, 4, 2, 1, 6)) % 11
        return f"{serial}{check}{birth}" if check < 10 else None

    return until(make)


MAKERS: dict[str, Callable[[Rng], str]] = {
    "NL": nl, "ES": es, "FR": fr, "DE": de, "PL": pl, "BE": be, "BR": br, "CA": ca, "SE": se, "US": us,
    "GB": gb, "FI": fi,
    "NO": no, "RO": ro, "TR": tr, "ZA": za, "CH": ch, "BG": bg, "CZ": cz, "EE": ee, "HR": hr,
    "IL": il, "CN": cn, "AT": at,
}  # fmt: skip


def card(rng: Rng, spaced: bool = False) -> str:
    prefix, length = rng.choice((("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("37", 15), ("6011", 16)))
    whole = luhn(digits(rng, length - 1, prefix))
    return " ".join(whole[at : at + 4] for at in range(0, 16, 4)) if spaced and length == 16 else whole


def iban(rng: Rng, country: str, spaced: bool = False) -> str:
    letters = "".join(rng.choice("ABCDEFGHIJKLMNOPRSTUVWXYZ") for _ in range(4))
    body = {
        "DE": digits(rng, 18), "NL": letters + digits(rng, 10), "GB": letters + digits(rng, 14), "FR": digits(rng, 23),
        "ES": digits(rng, 20), "AT": digits(rng, 16), "PL": digits(rng, 24), "IT": letters[0] + digits(rng, 22),
    }[country]  # fmt: skip
    number = int("".join(str(int(c, 36)) for c in f"{body}{country}00"))
    whole = f"{country}{98 - number % 97:02}{body}"
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if spaced else whole
