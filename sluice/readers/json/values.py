"""JSON values as RFC 8259 defines them: numbers keep their text, objects all their members."""

import json
import re
from collections.abc import Callable
from json.decoder import JSONDecodeError
from json.scanner import make_scanner
from typing import Any, NamedTuple

DEPTH_LIMIT = 200
_HIGH_LOW = re.compile(r"[\ud800-\udfff]")
_HIGH_LOW_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_CONSTANTS = {None: "null", True: "true", False: "false"}


class Number(str):
    """A number's text."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """An object's members in order, repeated names kept."""

    __slots__ = ()


class TooDeepError(ValueError):
    """More levels of nesting than any table has."""

    def __init__(self) -> None:
        super().__init__(f"The value is nested deeper than {DEPTH_LIMIT} levels.")


class Item(NamedTuple):
    """One value: its first line, exact text, what it is (numbers as ``Number`` only if ``exact``, else as str),
    and what is wrong with it.
    """

    line: int
    raw: str
    value: Any
    exact: bool = False
    reason: str = ""
    message: str = ""


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _scanner(number: type[str]) -> Callable[[str, int], tuple[Any, int]]:
    decoder = json.JSONDecoder(
        object_pairs_hook=Pairs, parse_float=number, parse_int=number, parse_constant=_constant
    )
    return make_scanner(decoder)  # type: ignore[arg-type]


_fast = _scanner(str)
_exact = _scanner(Number)


class Decoder:
    """Decodes values; faster as long as nobody asks whether a text was a number."""

    def __init__(self) -> None:
        self.exact = False

    def at(self, text: str, position: int) -> tuple[Any, int]:
        """The value that begins at ``position``, and where it ends. Raises ValueError, TooDeepError."""
        try:
            return (_exact if self.exact else _fast)(text, position)
        except StopIteration as error:
            raise JSONDecodeError("Expecting value", text, error.value) from None
        except RecursionError:
            raise TooDeepError from None

    def exactly(self, item: Item) -> Any:
        """The item's value with its numbers told apart from its strings; from now on for all."""
        self.exact = True
        return exact(item)


def exact(item: Item) -> Any:
    """The item's value with its numbers told apart from its strings."""
    return item.value if item.exact else exactly(item.raw)


def exactly(text: str) -> Any:
    """The value of a valid JSON text, with its numbers told apart from its strings."""
    return _exact(text, 0)[0]


def line_ends(text: str, start: int, end: int) -> int:
    """How many lines end between two places, whichever line end the text uses."""
    return text.count("\n", start, end) or text.count("\r", start, end)


def kind(value: Any) -> str:
    """What the value is, in words."""
    names = {list: "an array", Pairs: "an object", bool: "a boolean", type(None): "null", Number: "a number"}
    return names.get(type(value), "a string or number")


def to_text(value: Any, level: int = 1) -> str:
    """JSON text of an exact value, numbers as they were written. Raises TooDeepError."""
    if type(value) is Number:
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool):
        return _CONSTANTS[value]
    if level >= DEPTH_LIMIT:
        raise TooDeepError
    if isinstance(value, Pairs):
        members = (f"{json.dumps(name, ensure_ascii=False)}:{to_text(v, level + 1)}" for name, v in value)
        return "{" + ",".join(members) + "}"
    return "[" + ",".join(to_text(v, level + 1) for v in value) + "]"


def cell_text(value: Any, level: int = 1) -> str | None:
    """The cell of a value: strings without quotes, null as no cell, lists and objects as JSON text."""
    if isinstance(value, str) or value is None:
        return value
    return _CONSTANTS[value] if isinstance(value, bool) else to_text(value, level)


def undecodable(text: str) -> bool:
    """Whether the file's bytes were no text there."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def may_be_lone(raw: str) -> bool:
    """Whether the raw text may hold the escape of half a surrogate pair."""
    return "\\u" in raw and _HIGH_LOW_ESCAPE.search(raw) is not None


def unpaired(text: str | None) -> str | None:
    r"""The text with each half of a surrogate pair written as its escape, such as ``\ud83d``."""
    return text and _HIGH_LOW.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
