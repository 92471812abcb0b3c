"""Whether a file holds escapes that DuckDB's parser, which undoes them in quoted cells only, takes for text."""

import re
from pathlib import Path

from sluice.readers.text.tokens import Dialect

_BLOCK = 4 << 20
_LINE = re.compile(rb"[^\r\n]*")


def escapes_outside_quotes(path: Path, dialect: Dialect) -> bool:
    """Whether an escape may stand outside of quotes: in a line that is not made of plain and quoted cells."""
    if not dialect.escapes_outside:
        return False
    tidy, escape = _tidy(dialect), dialect.escape.encode()
    with path.open("rb") as file:
        while text := file.read(_BLOCK):
            text += file.readline(_BLOCK)
            at = text.find(escape)
            while at >= 0:
                start = max(text.rfind(b"\n", 0, at), text.rfind(b"\r", 0, at)) + 1
                end = _LINE.match(text, at).end()  # type: ignore[union-attr]
                if not tidy.fullmatch(text, start, end):
                    return True
                at = text.find(escape, end)
    return False


def _tidy(dialect: Dialect) -> re.Pattern[bytes]:
    escape = re.escape(dialect.escape)
    if not dialect.quote:
        return re.compile(rf"[^{escape}]*+".encode())
    quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
    begin = rf"(?:(?<![\s\S])|(?<=[\r\n])|(?<={delimiter}))"
    plain, inside = rf"[^{quote}{escape}]++", rf"(?:[^{quote}{escape}]++|{escape}[\s\S])*+"
    return re.compile(f"(?:{plain}|{begin}{quote}{inside}{quote})*+".encode())
