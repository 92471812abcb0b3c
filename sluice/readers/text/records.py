"""Where one record of delimited text ends and what its cells are, exactly as DuckDB's strict parser sees it."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple, TextIO

RECORD_LIMIT = 16_000_000
_RAW_LIMIT = 10_000
_CELL_LIMIT = 131_072  # of Python's csv module


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are written. Empty ``quote``: quotes are ordinary text.

    An ``escape`` that is not the quote stands before a quote, a delimiter, a line end or itself outside of quotes too,
    and is text before anything else there.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'

    @property
    def escapes_outside(self) -> bool:
        """Whether an escape means something outside of quotes."""
        return self.escape not in ("", self.quote, self.delimiter)


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


class Tokenizer:
    """Splits the text of a record into cells."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        d, q, e = (re.escape(part) for part in (dialect.delimiter, dialect.quote, dialect.escape))
        self._outside = dialect.escapes_outside
        if self._outside:
            self._plain = re.compile(rf"((?:(?!{d})[^{e}]|{e}{d}|{e}[\s\S])*+)({d}|{e}?\Z)")
            self._escaped_plain = re.compile(rf"{e}({d}|{q or e}|{e}|\r\n?|\n)")
        if not dialect.quote:
            self._opening = re.compile(r"(?!)")
            return
        doubled = dialect.escape == dialect.quote
        inner = rf"[^{q}]++|{q}{q}" if doubled else rf"[^{q}{e}]++|{e}[\s\S]"
        before = after = ""
        if dialect.delimiter != " ":
            # As DuckDB does: one space before an opening quote and all after a closing one do not count,
            # and quoted parts with only spaces between them are one cell.
            before, after = " ?", " *?"
            inner += rf"|{q}(?!{d}) ++{q}" if dialect.delimiter[0] == " " else f"|{q} ++{q}"
        opening, inside = rf"{before}{q}", rf"((?:{inner})*+)"
        closing, still = rf"{q}{after}(?:{d}|\Z)", r"\Z" if doubled else rf"(?:{e})?\Z"
        self._opening = re.compile(opening)
        self._quoted, self._open = (
            re.compile(opening + inside + closing),
            re.compile(opening + inside + still),
        )
        self._closing, self._inside = re.compile(inside + closing), re.compile(inside + still)
        one = len(dialect.delimiter) == 1 and doubled
        cell = rf"(?:{q}(?:[^{q}]++|{q}{q})*+{q}|[^{q}{d}]*+)"
        self._tidy = re.compile(rf"{cell}(?:{d}{cell})*+") if one else None
        self._escaped = re.compile(rf"{q}( +){q}|{e}" + (f"({q})" if doubled else r"([\s\S])"))

    def split(self, text: str) -> tuple[list[str], str]:
        """Cells, and '' or what is wrong: ``open`` (a quoted cell does not end here), ``escaped`` (nor does any other,
        by an escape at the end) or ``bad_quote``.
        """
        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        escaped = self._outside and self.dialect.escape in text
        if not escaped and (not quote or quote not in text):
            return text.split(delimiter), ""
        if not escaped and self._tidy and len(text) < _CELL_LIMIT and self._tidy.fullmatch(text):
            return next(csv.reader([text], delimiter=delimiter, quotechar=quote)), ""
        cells: list[str] = []
        return cells, self._split_untidy(text, cells)[0]

    def unescaped(self, text: str) -> str:
        """What the text of a quoted cell means."""
        return self._escaped.sub(r"\1\2", text)

    def _split_untidy(self, text: str, cells: list[str], position: int = 0) -> tuple[str, int]:
        """Add the cells from ``position`` on; what is wrong, and where the text of a wrong cell begins."""
        delimiter, end = self.dialect.delimiter, len(text)
        while True:
            if opening := self._opening.match(text, position):
                found = self._quoted.match(text, position)
                if not found:
                    return "open" if self._open.match(text, position) else "bad_quote", opening.end()
                cells.append(self.unescaped(found[1]))
                position = found.end()
                if position == end and not text.endswith(delimiter, found.end(1)):
                    return "", end
            elif self._outside:
                found = self._plain.match(text, position)
                assert found
                if found[2] != delimiter:
                    if found[2]:
                        return "escaped", position
                    cells.append(self._escaped_plain.sub(r"\1", found[1]))
                    return "", end
                cells.append(self._escaped_plain.sub(r"\1", found[1]))
                position = found.end()
            else:
                stop = text.find(delimiter, position)
                if stop < 0:
                    cells.append(text[position:])
                    return "", end
                cells.append(text[position:stop])
                position = stop + len(delimiter)

    def opened(self, line: str) -> tuple[list[str], list[str], str]:
        """The cells before the one that is still open at the line's end, the text of that one so far, and ``open`` or
        ``escaped``.
        """
        cells: list[str] = []
        problem, start = self._split_untidy(line.rstrip("\r\n"), cells)
        return cells, [line[start:]], problem

    def resume(self, cells: list[str], inside: list[str], problem: str, line: str) -> str:
        """Go on in the open cell (what ``opened`` gave, brought up to date). What is wrong, as from ``split``.

        A line is looked at once, however many the cell has.
        """
        text = line.rstrip("\r\n")
        if problem == "escaped":
            return self._resume_plain(cells, inside, line, text)
        found = self._closing.match(text)
        if not found:
            inside.append(line)
            return "open" if self._inside.match(text) else "bad_quote"
        cells.append(self.unescaped("".join((*inside, found[1]))))
        if found.end() == len(text) and not text.endswith(self.dialect.delimiter, found.end(1)):
            return ""
        return self._resume_after(cells, inside, line, text, found.end())

    def _resume_plain(self, cells: list[str], inside: list[str], line: str, text: str) -> str:
        found = self._plain.match(text)
        assert found
        if found[2] not in ("", self.dialect.delimiter):
            inside.append(line)
            return "escaped"
        cells.append(self._escaped_plain.sub(r"\1", "".join((*inside, found[1]))))
        return self._resume_after(cells, inside, line, text, found.end()) if found[2] else ""

    def _resume_after(self, cells: list[str], inside: list[str], line: str, text: str, position: int) -> str:
        problem, start = self._split_untidy(text, cells, position)
        inside[:] = [line[start:]]
        return problem

    def end(self, cells: list[str], inside: list[str]) -> None:
        """Close the cell that an escape left open at the end of the file: nothing follows, so the escape is text."""
        cells.append(self._escaped_plain.sub(r"\1", "".join(inside).rstrip("\r\n")))


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
