"""Mutations of files, the same for the same random numbers: of bytes, of lines, of numbers, of what is packed."""

import bz2
import gzip
import lzma
import re
from collections.abc import Callable
from contextlib import suppress
from random import Random

from .seeds import Family, unzipped, zipped, zstd

_INSERTS = [
    *(b'"', b"'", b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\0", b"\\", b"\x1f", b"\x1a", b"#", b" "),
    *(
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xe2\x80\xa8",
        b"\x85",
        b"\x0c",
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"null",
        b"1e999",
        b"\\u0000",
        b"\\ud800",
        b"-",
        b"NaN",
        b"[" * 2000,
        b'{"a":' * 600,
    ),
    *(
        b'"\n"',
        b'""',
        b',"',
        b'",',
        b"\n\n\n",
        b"<",
        b"&",
        b"]]>",
        b"<!DOCTYPE x>",
        b"\xf0\x9f\x98\x80",
        b"=1+1",
    ),
]
_NUMBER = re.compile(rb"\d+")
_HUGE = [b"0", b"-1", b"65536", b"2147483647", b"4294967296", b"9223372036854775808", b"1e400", b"9" * 400]
_WORDS = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
_MOST = 3_000_000

Change = Callable[[Random, bytes, bytes], bytes]


def _place(rng: Random, data: bytes) -> int:
    """Anywhere; beginnings and ends matter more."""
    edge = rng.random()
    if edge < 0.2:
        return rng.randint(0, min(len(data), 64))
    return max(0, len(data) - rng.randint(0, 64)) if edge < 0.35 else rng.randint(0, len(data))


def _span(rng: Random, data: bytes) -> tuple[int, int]:
    start = _place(rng, data)
    return start, min(len(data), start + int(2 ** rng.uniform(0, 10)))


def flip(rng: Random, data: bytes, other: bytes) -> bytes:
    """A few bits or bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        if changed:
            at = min(_place(rng, data), len(changed) - 1)
            changed[at] = changed[at] ^ (1 << rng.randrange(8)) if rng.random() < 0.6 else rng.randrange(256)
    return bytes(changed)


def insert(rng: Random, data: bytes, other: bytes) -> bytes:
    """What means something to some format, at one or many places."""
    piece = rng.choice(_INSERTS)
    for _ in range(rng.choice([1, 1, 1, 3, 10])):
        at = _place(rng, data)
        data = data[:at] + piece + data[at:]
    return data


def delete(rng: Random, data: bytes, other: bytes) -> bytes:
    """A block less."""
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def copy(rng: Random, data: bytes, other: bytes) -> bytes:
    """A block again, elsewhere, perhaps many times."""
    start, end = _span(rng, data)
    at = _place(rng, data)
    return data[:at] + data[start:end] * rng.choice([1, 1, 2, 50, 3000]) + data[at:]


def cut(rng: Random, data: bytes, other: bytes) -> bytes:
    """Truncated."""
    return data[: max(1, _place(rng, data))]


def splice(rng: Random, data: bytes, other: bytes) -> bytes:
    """The begin of one file and the end of another."""
    return data[: _place(rng, data)] + other[_place(rng, other) :]


def lines(rng: Random, data: bytes, other: bytes) -> bytes:
    """Lines repeated, dropped, swapped."""
    parts = data.splitlines(keepends=True) or [data]
    at, to = rng.randrange(len(parts)), rng.randrange(len(parts))
    match rng.randrange(4):
        case 0:
            parts[at:at] = [parts[to]] * rng.choice([1, 3, 100, 20_000])
        case 1:
            del parts[min(at, to) : max(at, to)]
        case 2:
            parts[at], parts[to] = parts[to], parts[at]
        case _:
            rng.shuffle(parts)
    return b"".join(parts)


def number(rng: Random, data: bytes, other: bytes) -> bytes:
    """Digits made another number."""
    found = list(_NUMBER.finditer(data, 0, 200_000))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(_HUGE) + data[one.end() :]


def word(rng: Random, data: bytes, other: bytes) -> bytes:
    """A binary number of one to eight bytes made small or huge: sizes, counts, offsets."""
    at, size = _place(rng, data), rng.choice([1, 2, 4, 8])
    value = rng.choice(_WORDS) % (1 << 8 * size)
    return data[:at] + value.to_bytes(size, rng.choice(["little", "little", "big"])) + data[at + size :]


def swap(rng: Random, data: bytes, other: bytes) -> bytes:
    """One character for another, everywhere: the delimiter, the line end, the quote."""
    old, new = rng.choice(_INSERTS[:16]), rng.choice(_INSERTS[:28])
    return data.replace(old, new) if rng.random() < 0.5 else data.replace(old, new, rng.randint(1, 30))


CHANGES: list[Change] = [
    flip,
    flip,
    insert,
    insert,
    insert,
    delete,
    copy,
    cut,
    splice,
    lines,
    lines,
    number,
    word,
    swap,
]
PACKERS: dict[str, tuple[bytes, Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gzip": (b"\x1f\x8b", gzip.decompress, lambda content: gzip.compress(content, mtime=0)),
    "bz2": (b"BZh", bz2.decompress, bz2.compress),
    "xz": (b"\xfd7zXZ", lzma.decompress, lzma.compress),
    "zstd": (b"\x28\xb5\x2f\xfd", zstd.decompress, zstd.compress),
}


def mutate(rng: Random, data: bytes, others: Family) -> bytes:
    """One to five changes; of packed files mostly of what they hold, packed again."""
    if rng.random() < 0.75:
        if data.startswith(b"PK\x03\x04") and (members := unzipped(data)):
            return _mutate_member(rng, members, others)
        for magic, unpack, pack in PACKERS.values():
            if data.startswith(magic):
                with suppress(Exception):  # a seed may be broken itself
                    return pack(_changes(rng, unpack(data), others))
    return _changes(rng, data, others)


def _mutate_member(rng: Random, members: Family, others: Family) -> bytes:
    for _ in range(rng.choice([1, 1, 2])):
        name = rng.choice(list(members))
        chance = rng.random()
        if chance < 0.04:
            del members[name]
        elif chance < 0.08:
            members[rng.choice(["../../x", "/etc/x", "a\\b", "", "x" * 300, name.upper()])] = members.pop(
                name
            )
        else:
            members[name] = _changes(rng, members[name], others)
        if not members:
            break
    return zipped(members)


def _changes(rng: Random, data: bytes, others: Family) -> bytes:
    for _ in range(rng.choice([1, 1, 2, 3, 5])):
        data = rng.choice(CHANGES)(rng, data, rng.choice(list(others.values())))[:_MOST]
    return data
