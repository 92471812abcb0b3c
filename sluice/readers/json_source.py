"""Where a JSON file's records stand: in an array, on lines, one after another, or in a list inside one object."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sluice.errors import ReadError
from sluice.readers.account import Account
from sluice.readers.json_lines import SEPARATOR, lines, sequence
from sluice.readers.json_pattern import ARRAY, LINES, ROW, Known, Run
from sluice.readers.json_stream import CHUNK, Window, array, concatenated, nothing_more, walk
from sluice.readers.json_values import Decoder, Item, Pairs

_SPACE = " \t\r\n"
_NAMED = 20  # other members of an object that are named
_SHOWN = 60  # characters of their values
_LISTS = 10_000  # lists in one object that may be chosen
_SCALAR = r'(?:"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)'
Path_ = tuple[str, ...]
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
    place: str = ""
    """The list that was found inside an object."""

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
            return lambda file, _: array(self._window(file), self.known)
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

    def _members(self) -> "_Members | None":
        """What the one object of the file holds; None if it is not the only value, or holds no list of objects."""
        found = _Members()
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

    def _inside(self, found: "_Members") -> _Read:
        chosen = found.chosen or ()
        self.place = ".".join(chosen)
        self.known.layout = ARRAY

        def read(file: IO[str], account: Account) -> Iterator[Item | Run]:
            account.warnings.append(found.warning())
            window = self._window(file)
            window.peek()
            for path, what, item in walk(window, self.known, chosen):
                if path == chosen and what == "element":
                    yield item

        return read


def is_json(path: Path, start: bytes, encoding: str) -> bool:
    """Whether the file's content is meant as JSON: it opens as an array or object does, and closes so, too, or is one
    for some lines. Where that does not tell, for nothing but one value, a name that ends in .json does.
    """
    text = start.decode(encoding, "replace").lstrip("\ufeff \t\r\n\x1e")
    if re.match(r'\{\s*["}]|\[\s*([\[{\]]|\Z)', text):
        return True
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        last = file.read().replace(b"\0", b"").rstrip(b" \t\r\n")[-1:]
    if text[:1] == "[":
        one = re.match(_SCALAR + r"\s*(?:,|\Z|\])", text[1:].lstrip())
        lines = [line for line in text.splitlines() if line.strip()]
        return (
            bool(one)
            or len(lines) < 2
            or (last == b"]" and not all(line.lstrip().startswith("[") for line in lines[1:3]))
        )
    if text[:1] == "{" and last == b"}":
        return True
    return _named_json(path) and re.search(r"^\s*[\[{]|\A[^\n]*\s*\Z", text[:1000], re.MULTILINE) is not None


def _named_json(path: Path) -> bool:
    return path.suffix.lower() in (".json", ".jsonl", ".ndjson", ".geojson")


def _first_text(file: IO[str]) -> str:
    while part := file.read(CHUNK):
        if text := part.lstrip(_SPACE):
            return text
    return ""


def _split_line(text: str) -> tuple[str, str, str]:
    found = re.search(r"\r\n|\r|\n", text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")


class _Members:
    """What stands in an object: its lists, with how many objects they hold, and the rest."""

    def __init__(self) -> None:
        self.objects: Counter[Path_] = Counter()
        self.others: dict[Path_, str] = {}
        self.lists: dict[Path_, int] = {}
        self._picked: Path_ | None = None

    def see(self, path: Path_, what: str, item: Item | Run) -> None:
        if what == "element" and path in self.lists:
            self.lists[path] += len(item) if isinstance(item, Run) else 1
            self.objects[path] += _objects(item)
        elif what == "list" and len(self.lists) < _LISTS:
            self.lists.setdefault(path, 0)
        elif what == "value" and isinstance(item, Item) and len(self.others) < 10 * _NAMED:
            self.others[path] = item.raw[: _SHOWN + 1]

    @property
    def chosen(self) -> Path_ | None:
        """The list with the most objects; of equals the outermost, then the first."""
        if self._picked is not None:
            return self._picked
        best = min(self.objects, key=lambda path: (-self.objects[path], len(path)), default=None)
        return best if best is not None and self.objects[best] else None

    def choose(self, wanted: str, file: Path) -> None:
        """Take the list of that dotted path."""
        names = {".".join(path): path for path in self.lists}
        if wanted not in names:
            known = ", ".join(list(names)[:_NAMED]) or "none"
            raise ReadError(
                f"{file} has no list at the path '{wanted}'.", hint=f"Lists in it: {known}.", file=file
            )
        self._picked = names[wanted]

    def warning(self) -> str:
        """A sentence about the list that was read and what else stands beside it."""
        lists = [f"{'.'.join(p)} ({n:,} elements)" for p, n in self.lists.items() if p != self.chosen]
        values = [
            f"{'.'.join(p)} = {raw[:_SHOWN]}{'...' * (len(raw) > _SHOWN)}" for p, raw in self.others.items()
        ]
        rest = lists + values
        named = "; ".join(rest[:_NAMED]) + ("; ..." if len(rest) > _NAMED else "")
        beside = f"other members, not read: {named}" if rest else "the object has no other members"
        return f"The records are the list {'.'.join(self.chosen or ())}; {beside}."


def _objects(item: Item | Run) -> int:
    """How many objects with members these are."""
    if isinstance(item, Item):
        return type(item.value) is Pairs and bool(item.value)
    return sum(text is not None and '"' in text for text in item.groups[3::4])
