"""Where a JSON file's records stand: in an array, on lines, one after another, or in a list inside one object."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from sluice.errors import ReadError
from sluice.readers.account import Account
from sluice.readers.json.lines import SEPARATOR, lines, sequence
from sluice.readers.json.members import Members, count_records
from sluice.readers.json.pattern import ARRAY, LINES, ROW, Known, Run
from sluice.readers.json.stream import CHUNK, Window, array, concatenated, nothing_more, paged, walk
from sluice.readers.json.values import Decoder, Item

_SPACE = " \t\r\n"
_Read = Callable[[IO[str], Account], Iterator[Item | Run]]


@dataclass(slots=True)
class Source:
    """A file's values, as often as they are asked for. ``path``: names of the members on the way to the list,
    joined by dots; empty: found.
    """

    file: Path
    shown: Path
    path: str = ""
    decoder: Decoder = field(default_factory=Decoder)
    known: Known = field(default_factory=Known)
    _read: _Read | None = None
    place: str | None = None
    """The list that was found inside an object. Its name may be empty."""
    found: Members | None = None
    """What stands in that object."""

    def items(self, account: Account) -> Iterator[Item | Run]:
        """Each record's value; many at once where they look as those ``known`` do. Raises ReadError."""
        if self._read is None:
            with self._open() as file:
                self._read = self._plan(file)
        with self._open() as file:
            yield from self._read(file, account)

    def _open(self) -> IO[str]:
        return self.file.open(encoding="utf-8-sig", errors="surrogateescape", newline="")

    def _window(self, file: IO[str]) -> Window:
        return Window(file, self.shown, self.decoder)

    def _plan(self, file: IO[str]) -> _Read:
        start = file.read(CHUNK)
        text = start.lstrip(_SPACE)
        if not text:
            text = _first_text(file)
        if not text:
            raise ReadError(
                f"{self.shown} holds nothing but white space.", hint="Nothing was read.", file=self.shown
            )
        if self.path and (found := self._members()):
            return self._inside(found)
        if text.startswith(SEPARATOR):
            return lambda file, _: sequence(file, self.decoder)
        ended = len(start) < CHUNK
        if self._has_lines(text, ended):
            self.known.layout = LINES
            return lambda file, account: lines(file, self.decoder, account, self.known)
        if text.startswith("["):
            self.known.layout = ARRAY
            return self._paged if self._is_paged() else lambda file, _: array(self._window(file), self.known)
        if text.startswith("{") and (found := self._members()):
            return self._inside(found)
        self.known.layout = ROW
        return lambda file, _: concatenated(self._window(file), self.known)

    def _has_lines(self, text: str, ended: bool) -> bool:
        """Whether each line holds a value of its own. A first object that is broken but ends in '}' looks so, too."""
        first, end, rest = _split_line(text)
        if not end or (ended and not rest.strip(_SPACE)):
            return False
        first = first.rstrip(_SPACE)
        try:
            _, stop = self.decoder.at(first, 0)
        except ValueError:
            return first.startswith("{") and first.endswith("}")
        if stop != len(first):
            return first.startswith("{") and first.endswith("}") and not self._is_value_at(first, stop)
        return not first.startswith("[") or rest.lstrip(_SPACE)[:1] in ("[", "") or self._is_value(rest)

    def _is_value(self, rest: str) -> bool:
        line = _split_line(rest.lstrip(_SPACE))[0].rstrip(_SPACE)
        return self._is_value_at(line, 0)

    def _is_value_at(self, text: str, position: int) -> bool:
        try:
            self.decoder.at(text, len(text) - len(text[position:].lstrip(_SPACE)))
        except ValueError:
            return False
        return True

    def _is_paged(self) -> bool:
        """Whether the file is an array of one object and the array of its records, all objects."""
        with self._open() as file:
            items = paged(self._window(file), Known.anything(ARRAY))
            try:
                next(items)
                first = next(items, None)
                return first is not None and all(map(_are_objects, chain([first], items)))
            except ReadError:
                return False

    def _paged(self, file: IO[str], account: Account) -> Iterator[Item | Run]:
        items = paged(self._window(file), self.known)
        if isinstance(page := next(items), Item):
            account.warnings.append(
                f"The records are the array behind one object; not read: {page.raw[:200]}."
            )
        yield from items

    def _members(self) -> Members | None:
        """What the one object of the file holds; None if it is not the only value, or holds no list of objects."""
        found = Members()
        with self._open() as file:
            window = self._window(file)
            if window.peek() != "{":
                if self.path:
                    raise window.error("the source option path needs a file of one object")
                return None
            for path, what, item in walk(window, Known.anything(ARRAY), None):
                found.see(path, what, item)
            if window.peek() and not self.path:
                return None
            nothing_more(window)
        if self.path:
            found.choose(self.path, self.shown)
        return found if found.chosen is not None else None

    def _inside(self, found: Members) -> _Read:
        chosen = found.chosen or ()
        self.place, self.found = ".".join(chosen), found
        self.known.layout = ARRAY

        def read(file: IO[str], account: Account) -> Iterator[Item | Run]:
            account.warnings.append(found.warning())
            window = self._window(file)
            window.peek()
            for path, what, item in walk(window, self.known, chosen):
                if path == chosen and what == "element":
                    yield item

        return read


def _are_objects(item: Item | Run) -> bool:
    return count_records(item, rows=False) == (len(item) if isinstance(item, Run) else 1)


def _first_text(file: IO[str]) -> str:
    while part := file.read(CHUNK):
        if text := part.lstrip(_SPACE):
            return text
    return ""


def _split_line(text: str) -> tuple[str, str, str]:
    found = re.search(r"\r\n|\r|\n", text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")
