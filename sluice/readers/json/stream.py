"""Streams the values of a JSON file, flat in memory: of an array, of a list inside an object, one after another."""

import re
from collections.abc import Iterator
from json.decoder import JSONDecodeError
from pathlib import Path
from typing import IO, NamedTuple

from sluice.errors import ReadError
from sluice.readers.json.pattern import Known, Run
from sluice.readers.json.values import DEPTH_LIMIT, Decoder, Item, TooDeepError, line_ends
from sluice.readers.text.records import RECORD_LIMIT

CHUNK = 1 << 20
_MARGIN = 4  # a number that ends nearer to the end of the window may go on: 1 / 1.5, 1 / 1e+5
_NEAR_END = 1 << 16  # characters: there, records are likely to be cut
_SPACE = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")


class Member(NamedTuple):
    """Something found while walking an object: a plain member, the beginning of a list, or a list's element."""

    path: tuple[str, ...]
    what: str
    item: Item | Run


class Window:
    """A moving part of the file, for values that span lines."""

    def __init__(self, file: IO[str], path: Path, decoder: Decoder) -> None:
        self._file, self._path, self._decoder = file, path, decoder
        self.text, self.position, self.line, self.ended = "", 0, 1, False
        self._before = 0  # characters of the current line that were dropped

    def more(self, size: int = CHUNK) -> bool:
        """Drop what was used and read on; False at the end of the file."""
        self._before = self._column() - 1
        part = self._file.read(size)
        if part.endswith("\r"):
            part += self._file.read(1)  # a CRLF is one line end
        self.text = self.text[self.position :] + part
        self.position = 0
        self.ended = not part
        return bool(part)

    def peek(self) -> str:
        """The next character that is not white space, '' at the end."""
        while True:
            found = _SPACE.match(self.text, self.position)
            self.go(found.end() if found else self.position)
            if self.position < len(self.text):
                return self.text[self.position]
            if not self.more():
                return ""

    def take(self) -> Item:
        """The value that begins here."""
        size = CHUNK
        failure: ValueError | None
        while True:
            failure, start = None, self.position
            try:
                value, end = self._decoder.at(self.text, self.position)
                if end + _MARGIN <= len(self.text) or self.ended:
                    item = Item(self.line, self.text[self.position : end], value, self._decoder.exact)
                    self.go(end)
                    return item
            except TooDeepError as error:
                raise self.error(f"the value is nested deeper than {DEPTH_LIMIT} levels") from error
            except ValueError as error:
                failure = error
            if len(self.text) - self.position > RECORD_LIMIT:
                raise self.error(f"the value is longer than {RECORD_LIMIT:,} characters, or broken")
            if not self.more(size) and failure:
                raise self._broken(failure, start) from failure
            size *= 2

    def run(self, known: Known) -> Run | None:
        """The records that begin here, as far as they look alike."""
        if known.pattern and len(self.text) - self.position < _NEAR_END and not self.ended:
            self.more()
        if run := known.run(self.text, self.position, self.line):
            self.go(run.end)
        return run

    def comma(self) -> bool:
        """Past a comma and the white space around it, if one is next and the window shows what follows."""
        found = _COMMA.match(self.text, self.position)
        if not found or found.end() == len(self.text):
            return False
        self.go(found.end())
        return True

    def go(self, end: int) -> None:
        """On to ``end``, counting lines."""
        self.line += line_ends(self.text, self.position, end)
        self.position = end

    def step(self) -> None:
        """Past one character."""
        self.go(self.position + 1)

    def _broken(self, failure: ValueError, start: int) -> ReadError:
        if isinstance(failure, JSONDecodeError):
            self.go(min(self.position + failure.pos - start, len(self.text)))
            if self.position < len(self.text) or "Unterminated" in failure.msg:
                return self.error(f"this is not JSON ({failure.msg})")
            return self.error(f"the file is cut off ({failure.msg})")
        return self.error(f"this is not JSON ({failure})")

    def _column(self) -> int:
        start = max(self.text.rfind(end, 0, self.position) for end in "\r\n") + 1
        return self.position - start + 1 + (0 if start else self._before)

    def error(self, what: str) -> ReadError:
        """An error at this place."""
        column = self._column()
        return ReadError(
            f"{self._path}, line {self.line}, column {column}: {what}.",
            hint="Nothing was read. The file is cut off or not valid JSON; make or fetch it again.",
            file=self._path,
            line=self.line,
            column=column,
        )


def elements(window: Window, known: Known) -> Iterator[Item | Run]:
    """The elements of the array that begins here."""
    window.step()
    if window.peek() != "]":
        while True:
            while run := window.run(known):
                yield run
            yield window.take()
            if window.comma():
                continue
            char = window.peek()
            if char == "]":
                break
            if char != ",":
                raise window.error("a comma or ] is missing" if char else "the array is cut off")
            window.step()
            window.peek()
    window.step()


def walk(
    window: Window, known: Known, chosen: tuple[str, ...] | None, path: tuple[str, ...] = ()
) -> Iterator[Member]:
    """All members of the object that begins here, of objects in it, and the elements of lists in these.
    ``known``: how those of the ``chosen`` list look (None: of all).
    """
    if len(path) >= DEPTH_LIMIT:
        raise window.error(f"the value is nested deeper than {DEPTH_LIMIT} levels")
    window.step()
    char = window.peek()
    while char != "}":
        if char != '"':
            raise window.error("a name in double quotes is missing" if char else "the object is cut off")
        name = (*path, str(window.take().value))
        if window.peek() != ":":
            raise window.error("a colon is missing")
        window.step()
        yield from _member(window, known, chosen, name)
        char = window.peek()
        if char == ",":
            window.step()
            if (char := window.peek()) == "}":
                raise window.error("a name in double quotes is missing")
        elif char != "}":
            raise window.error("a comma or } is missing" if char else "the object is cut off")
    window.step()


def _member(
    window: Window, known: Known, chosen: tuple[str, ...] | None, name: tuple[str, ...]
) -> Iterator[Member]:
    match window.peek():
        case "{":
            yield Member(name, "object", Item(window.line, "", None))
            yield from walk(window, known, chosen, name)
        case "[":
            yield Member(name, "list", Item(window.line, "", None))
            alike = known if chosen in (None, name) else Known()
            yield from (Member(name, "element", item) for item in elements(window, alike))
        case _:
            yield Member(name, "value", window.take())


def array(window: Window, known: Known) -> Iterator[Item | Run]:
    """The elements of an array that is the whole file."""
    window.peek()
    yield from elements(window, known)
    nothing_more(window)


def paged(window: Window, known: Known) -> Iterator[Item | Run]:
    """The object that describes a page of records, then these: ``[{...}, [...]]``. Raises ReadError for others."""
    window.peek()
    for place, opening in enumerate("[{,[]"):
        if window.peek() != opening:
            raise window.error(f"a {opening} is missing")
        if place == 1:
            yield window.take()
        elif place == 3:
            yield from elements(window, known)
        else:
            window.step()
    nothing_more(window)


def nothing_more(window: Window) -> None:
    """Raise ReadError unless the file ends here."""
    if window.peek():
        raise window.error("there is more text after the JSON value")


def concatenated(window: Window, known: Known) -> Iterator[Item | Run]:
    """Values that follow each other; only objects may do so within a line."""
    before, last = "", 0
    while char := window.peek():
        if window.line == last and (before, char) != ("{", "{"):
            raise window.error("there is more text after the JSON value")
        before = char
        if char == "{" and (run := window.run(known)):
            yield run
        else:
            yield window.take()
        last = window.line
