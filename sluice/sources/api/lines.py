"""The records of a page as lines of JSON, their numbers as the server wrote them."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import orjson

_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_ESCAPE = re.compile(rb"\\u[0-9a-fA-F]{4}")
_NESTED = frozenset((dict, list))
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])
_arrays = msgspec.json.Decoder(list[msgspec.Raw])
_values = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Lines:
    """``count`` records, a line each. ``names``: those of all, if ``readers.json.flat`` may read them; else None."""

    text: bytes
    count: int
    names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Page:
    """``content``: the answer's value, maybe without its records. ``values``: those of its records at a JSONPath."""

    content: Any
    lines: Lines
    values: Callable[[str], list[Any]]


def written(page: Sequence[Any]) -> Lines:
    """Values as lines."""
    text = b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in page)
    flat = text.count(b"{") == len(page) and b"[" not in text
    return Lines(text, len(page), _flat_names(page, text, flat))


def lines_of(page: Sequence[Any], content: Any, body: bytes, where: str | None) -> Lines:
    """The records ``page`` of a ``body`` with the value ``content``. Where they lost digits by being read, they are cut
    out of the body, if it has them in an array at ``where``, names joined by dots; None where it may not be so.
    """
    again = orjson.dumps(content)
    if where is None or again == body or _digits(again) == _digits(body):
        return written(page)
    raw = _cut(body, where.split(".") if where else [])
    if len(raw) != len(page):
        return written(page)
    return Lines(b"".join(map(_line, raw)), len(page), None)


def is_plain(values: Iterable[Any]) -> bool:
    """Whether those that are floats are written without an exponent, by DuckDB too."""
    sizes = [abs(value) for value in values if type(value) is float]
    return not sizes or (max(sizes) < 1e16 and min(filter(None, sizes), default=1) >= 1e-4)


def within(body: bytes | msgspec.Raw, names: Sequence[str]) -> tuple[Any, bytes | msgspec.Raw]:
    """What stands around the value at ``names``, one within another, and its own bytes.

    Raises msgspec.MsgspecError, KeyError.
    """
    if not names:
        return [], body
    name, *rest = names
    found = _objects.decode(body)
    inner, array = within(found.pop(name), rest)
    return {**{one: _values.decode(raw) for one, raw in found.items()}, name: inner}, array


def _flat_names(page: Sequence[Any], text: bytes, flat: bool) -> tuple[str, ...] | None:
    """The names of all records, if they are flat as ``readers.json.flat`` wants them. ``flat``: they hold no others."""
    if not all(type(one) is dict for one in page):
        return None
    if not flat and any(not _NESTED.isdisjoint(map(type, one.values())) for one in page):
        return None
    if b"\\" in text and b"\\u0000" in text:
        return None
    if not is_plain(chain.from_iterable(one.values() for one in page)):
        return None
    layouts = list(map(tuple, page))
    if layouts and layouts.count(layouts[0]) < len(layouts):
        layouts[0] = tuple(dict.fromkeys(chain.from_iterable(layouts)))
    names = layouts[0] if layouts else ()
    return names if all(names) and len({name.lower() for name in names}) == len(names) else None


def _digits(text: bytes) -> bytes:
    return (_ESCAPE.sub(b"", text) if b"\\u" in text else text).translate(None, _NO_DIGITS)


def _cut(body: bytes, names: Sequence[str]) -> Sequence[bytes | msgspec.Raw]:
    """The records' own bytes; the body's lines, where it is no JSON as a whole."""
    try:
        return _arrays.decode(within(body, names)[1])
    except (msgspec.MsgspecError, KeyError):
        return [line for line in body.splitlines() if line.strip()]


def _line(raw: bytes | msgspec.Raw) -> bytes:
    """Without line ends, which JSON has between its parts only."""
    return bytes(raw).replace(b"\n", b" ").replace(b"\r", b" ").strip() + b"\n"
