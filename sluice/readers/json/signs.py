"""Whether a file's content is meant as JSON, well made or broken."""

import re
from json.decoder import JSONDecodeError
from pathlib import Path

from sluice.readers.bytes import SAMPLE
from sluice.readers.json.statement import before_value
from sluice.readers.json.values import Decoder

_SPACE = " \t\r\n"
_BEFORE = "\ufeff\x1e" + _SPACE
_CUT = 16  # characters from the end of a sample: an error there may come of the cut
_MEMBER = re.compile(r"""\{\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|\w+)\s*:\s*["'\w\[{-]""")
_DELIMITER = re.compile(r"[ \t]*[,;|\t:]")


_WIDE = (
    (re.compile(rb"[ \t\r\n\[{]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[ \t\r\n\[{]"), "utf-32-be"),
    (re.compile(rb"[ \t\r\n\[{]\0(?!\0\0)"), "utf-16-le"),
    (re.compile(rb"\0[ \t\r\n\[{]"), "utf-16-be"),
)


def wide_encoding(start: bytes) -> str:
    """UTF-16 or UTF-32 if a first bracket shows it, as RFC 4627 says, '' otherwise."""
    return next((name for pattern, name in _WIDE if pattern.match(start)), "")


def is_json(path: Path, start: bytes, encoding: str) -> bool:
    """Whether the file opens as a JSON array or object does, or is one statement around one, or one scalar of JSON.

    That scalar is text of one column as well, but only JSON makes a cell of it: to CSV, ``"a"`` is a header.
    """
    text = start.decode(encoding, "replace").lstrip(_BEFORE)
    whole = len(start) < SAMPLE
    if text[:1] not in ("[", "{"):
        return (whole and _is_scalar(text.rstrip(_SPACE))) or bool(before_value(text, whole=whole))
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip(_SPACE)]
    if len(lines) == 1 or _MEMBER.match(text):
        return True
    try:
        _, end = Decoder().at(text, 0)
    except JSONDecodeError as error:
        cut = error.msg.startswith("Unterminated") or error.pos >= len(text) - (0 if whole else _CUT)
        return cut or error.pos > len(lines[0]) or _closes(path, text[0], lines)
    except ValueError:
        return True  # NaN, or nested too deep
    # a header cell of CSV may look like a list, then a delimiter follows: [2020],[2021]
    return not _DELIMITER.match(text, end)


def _is_scalar(text: str) -> bool:
    if "\n" in text or "\r" in text:
        return False
    try:
        return Decoder().at(text, 0)[1] == len(text)
    except ValueError:
        return False


def _closes(path: Path, opening: str, lines: list[str]) -> bool:
    """Whether the file ends as it began, and not each of its lines begins so, as a column of such texts would."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        last = file.read().replace(b"\0", b"").rstrip(b" \t\r\n")[-1:]
    return last == (b"]" if opening == "[" else b"}") and not all(
        line.lstrip().startswith(opening) for line in lines[1:3]
    )
