"""Where one record of delimited text ends, exactly as DuckDB's strict parser sees it."""

from collections import deque
from collections.abc import Iterator
from typing import IO, Any, NamedTuple, TextIO

from sluice.readers.text.tokens import Dialect, Tokenizer

RECORD_LIMIT = 16_000_000
_RAW_LIMIT = 10_000


class Record(NamedTuple):
    """One record: its first line (from 1), exact text without the line end, and cells or what is wrong."""

    line: int
    raw: str
    cells: list[str]
    reason: str = ""


class Lines:
    """Physical lines of any line end, without the end split off, never longer than ``RECORD_LIMIT``.

    ``number``: of the last line read. ``tail``: blank lines at the end of the file, once that is reached.
    """

    never_closes = 0
    """A quoted cell that is open at the end of a line before this one is known not to close."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._again: deque[str] = deque()
        self.number = self.tail = 0

    def next(self) -> str:
        """The next line with its end; '' at the end of the file."""
        line = self._again.popleft() if self._again else self._file.readline(RECORD_LIMIT)
        self.number += bool(line)
        return line

    def without(self, char: str, most: int) -> str:
        """The next lines in one text, as far as they are at hand, hold no ``char`` and have no more than ``most``
        characters; may be ''.
        """
        return ""

    def back(self, texts: list[str], number: int) -> None:
        """Give lines back, to be read again: all after line ``number``."""
        self._again.extendleft(reversed(texts))
        self.number = number

    def skip_rest(self) -> None:
        """Go to the end of a line that was cut at the limit."""
        skip_line(self._file)


def skip_line(file: IO[Any]) -> None:
    """Read on to the end of the line, in pieces."""
    while (part := file.readline(RECORD_LIMIT)) and part[-1] not in ("\r", "\n", 10, 13):
        pass


def records(file: TextIO, dialect: Dialect) -> Iterator[Record]:
    """Every record of the file, blank lines left out. ``file`` must be open with ``newline=''`` and
    ``errors='surrogateescape'``.
    """
    lines, tokenizer = Lines(file), Tokenizer(dialect)
    while record := next_record(lines, tokenizer):
        yield record


def next_record(lines: Lines, tokenizer: Tokenizer) -> Record | None:
    """The record after any blank lines; None at the end of the file."""
    before = lines.number
    while line := lines.next():
        text = line.rstrip("\r\n") if line[-1] in "\r\n" else line
        if not text:
            continue
        number = lines.number
        if len(line) == RECORD_LIMIT and text is line:
            lines.skip_rest()
            return Record(number, text, [], "too_long")
        cells, problem = tokenizer.split(text)
        if problem in ("open", "escaped"):
            text, cells, problem = _continue(lines, tokenizer, line)
        elif not line.isascii() and _undecodable(line):
            problem = "bad_encoding"
        return Record(number, text, cells, problem)
    lines.tail += lines.number - before
    return None


def _continue(lines: Lines, tokenizer: Tokenizer, first: str) -> tuple[str, list[str], str]:
    """A record of which a cell goes on over the next lines; one line only if its quote never closes."""
    cells, inside, problem = tokenizer.opened(first)
    if problem == "open" and lines.number < lines.never_closes:
        return first.rstrip("\r\n"), [], "unclosed_quote"
    quote, parts, size, number = tokenizer.dialect.quote, [first], len(first), lines.number
    while (line := lines.next()) and size + len(line) <= RECORD_LIMIT:
        parts.append(line)
        size += len(line)
        if problem == "open" and quote not in line:
            inside.append(line)
            if more := lines.without(quote, RECORD_LIMIT - size):
                parts.append(more)
                inside.append(more)
                size += len(more)
            continue
        problem = tokenizer.resume(cells, inside, problem, line)
        if problem == "":
            return _whole(parts, cells)
        if problem == "bad_quote":
            break
    else:
        if problem == "escaped" and not line:
            tokenizer.end(cells, inside)
            return _whole(parts, cells)
        if line:
            parts.append(line)
    lines.never_closes = lines.number
    lines.back(parts[1:], number)
    return first.rstrip("\r\n"), [], "unclosed_quote"


def _whole(parts: list[str], cells: list[str]) -> tuple[str, list[str], str]:
    text = "".join(parts)
    ends = len(parts[-1]) - len(parts[-1].rstrip("\r\n"))
    text = text[: len(text) - ends]
    return text, cells, "bad_encoding" if not text.isascii() and _undecodable(text) else ""


def _undecodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def readable(raw: str) -> str:
    """Raw text for a reject: undecodable bytes as ``\\xff``, cut after 10,000 characters."""
    text = raw if len(raw) <= _RAW_LIMIT else raw[:_RAW_LIMIT] + f"... ({len(raw):,} characters)"
    if text.isascii() and "\0" not in text:
        return text
    try:
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = text.encode("utf-8", "backslashreplace")
    return encoded.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
